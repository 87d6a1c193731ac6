"""The checklist of docs/meta-app.md: the Meta app, the addresses that it names, and the token of each channel."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from accounts import clock
from accounts.encryption import InvalidToken
from dynamo.doctor.base import Finding, Level
from posts.domain import channel_tokens, webhook_subscription
from posts.graph import client, login, subscriptions, versions
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.graph.subscriptions import AppSubscription
from posts.models import Channel, ChannelState
from scheduling.domain import channel_health
from scheduling.domain.media_url import validate_media_url

DASHBOARD = "developers.facebook.com > My Apps > your app"


def findings() -> Iterator[Finding]:
    yield from _addresses()
    if not channel_tokens.is_configured():
        missing = [name for name in ("GRAPH_APP_ID", "GRAPH_APP_SECRET") if not getattr(settings, name)]
        text = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set."
        yield Finding("app", "fail", text, f"{DASHBOARD} > App settings > Basic")
        return
    app = _app()
    yield app
    if app.level == "fail":
        return
    yield _version()
    yield Finding(
        "app.mode",
        "info",
        "The platform does not state whether the app is Live. In development mode only people with a role in the app "
        "see what it publishes.",
        f"{DASHBOARD} > App Mode",
    )
    rows = Channel.objects.exclude(state=ChannelState.DISCONNECTED).select_related("organization")
    channels = list(rows.order_by("organization__name", "name", "pk"))
    yield from _webhooks({channel.type for channel in channels})
    if not channels:
        yield Finding("channels", "info", "No channel is connected.", "Channels > Connect with Facebook")
    for channel in channels:
        yield from _channel(channel)


def _addresses() -> Iterator[Finding]:
    """Yield the addresses to enter in the App Dashboard, and whether Meta's servers and people can reach them."""
    for name, where, url in (
        ("address.redirect", "Facebook Login > Settings > Valid OAuth Redirect URIs", _redirect()),
        ("address.deauthorize", "Facebook Login > Settings > Deauthorize", _public("meta_deauthorize")),
        ("address.data_deletion", "App settings > Basic > Data deletion request URL", _public("meta_data_deletion")),
        ("address.webhook", "Webhooks > Callback URL", _public("meta_webhook")),
    ):
        problem = _address_problem(url)
        level: Level = "fail" if problem else "ok"
        setting = "DYNAMO_ADMIN_URL" if name == "address.redirect" else "DYNAMO_PUBLIC_URL"
        text = f"{url} {problem} Set {setting}." if problem else f"{url}: enter it in the App Dashboard."
        yield Finding(name, level, text, f"{DASHBOARD} > {where}")


def _redirect() -> str:
    return f"{settings.ADMIN_URL}{reverse('admin:posts_channel_connect_callback')}"


def _public(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name)}"


def _address_problem(url: str) -> str:
    """Return the end of a sentence for an address that is not a public https one; a sandbox accepts loopback."""
    if problem := validate_media_url(url):
        return f"{problem[1]}."
    if urlsplit(url).scheme != "https" and not settings.SANDBOXED:
        return "must start with https://."
    return ""


def _app() -> Finding:
    """Ask the platform about the app's own token, which is made of id and secret."""
    try:
        info = login.debug_token(f"{settings.GRAPH_APP_ID}|{settings.GRAPH_APP_SECRET}")
    except GraphError as error:
        return Finding("app", "fail", f"The platform did not accept the app's id and secret. {error}", _basic())
    if not info.is_valid or info.app_id != settings.GRAPH_APP_ID:
        return Finding("app", "fail", "The platform does not accept the app's id and secret.", _basic())
    return Finding("app", "ok", f"The platform accepts the id and the secret of the app {settings.GRAPH_APP_ID}.")


def _basic() -> str:
    return f"{DASHBOARD} > App settings > Basic: compare GRAPH_APP_ID and GRAPH_APP_SECRET"


def _version() -> Finding:
    version = versions.PlatformVersion(settings.GRAPH_VERSION, client.answered_version())
    warnings = list(version.warnings(clock.now().date()))
    if warnings:
        return Finding("version", "warn", " ".join(warnings), "GRAPH_VERSION in the environment")
    expires = versions.expiry(settings.GRAPH_VERSION)
    until = f"expires on {channel_health.day(expires)}" if expires else "has no date of expiry yet"
    return Finding("version", "ok", f"Version {settings.GRAPH_VERSION} of the Graph API answers and {until}.")


def _webhooks(types: set[str]) -> Iterator[Finding]:
    """Compare the app's subscriptions with the settings, for these types of channels; without any for all."""
    where = f"{DASHBOARD} > Webhooks"
    if not webhook_subscription.is_configured():
        text = "GRAPH_WEBHOOK_VERIFY_TOKEN is not set: comments and counts are read by polling alone."
        yield Finding("webhooks", "warn", text, f"{where}: choose a verify token and set it in both places")
        return
    try:
        found = subscriptions.app_subscriptions()
    except GraphError as error:
        yield Finding("webhooks", "warn", f"The webhooks of the app cannot be read. {error}", where)
        return
    yield Finding("webhooks", "ok", "GRAPH_WEBHOOK_VERIFY_TOKEN is set, and the platform returns the app's webhooks.")
    for type_, name in subscriptions.OBJECTS.items():
        if not types or type_ in types:
            yield _app_webhook(name, subscriptions.FIELDS[type_], found.get(name), where)


def _app_webhook(name: str, field: str, found: AppSubscription | None, where: str) -> Finding:
    wanted, label = _public("meta_webhook"), f"The app's webhook of the object {name}"
    if found is None:
        problem = f"{label} is missing."
    elif found.callback_url != wanted:
        problem = f"{label} is sent to {found.callback_url[:200]}, not to {wanted}."
    elif not found.is_active:
        problem = f"{label} is not active: the platform stopped it, or the address did not answer its verification."
    elif field not in found.fields:
        problem = f"{label} does not contain the field {field}."
    else:
        return Finding(f"webhooks.{name}", "ok", f"{label} is sent to {wanted} and contains the field {field}.")
    return Finding(f"webhooks.{name}", "warn", problem, f"{where}: object {name}, field {field}, address {wanted}")


def _channel(channel: Channel) -> Iterator[Finding]:
    """Yield what the platform says of the channel's token and its subscription, by calls made now."""
    name, label = f"channel.{channel.public_id}", f"{channel.name} ({channel.organization.name})"
    if channel.state != ChannelState.CONNECTED:
        text = f"{label}: {channel.get_state_display().lower()}. {channel.state_reason}".strip()
        yield Finding(name, "fail", text, "Channels")
        return
    try:
        account = Account(channel.type, channel.platform_id, channel.token)
        info = login.debug_token(account.token)
    except InvalidToken:
        yield Finding(name, "fail", f"{label}: the token cannot be decrypted.", "DYNAMO_ENCRYPTION_KEYS")
        return
    except GraphError as error:
        yield Finding(name, "fail", f"{label}: the platform did not describe the token. {error}", "Channels")
        return
    reconnect = "Channels > the channel > Connect again"
    if not info.is_valid or info.app_id != settings.GRAPH_APP_ID:
        yield Finding(name, "fail", f"{label}: the token is not valid, or of another Meta app.", reconnect)
        return
    if missing := channel_tokens.missing_in_token(info, channel.type, channel.platform_id):
        words = "; ".join(f"{each.name} (to {each.purpose})" for each in missing)
        level: Level = "fail" if any(each.required for each in missing) else "warn"
        yield Finding(f"{name}.permissions", level, f"{label}: the token lacks {words}.", reconnect)
    for at, what in ((info.expires_at, "token"), (info.data_access_expires_at, "data access")):
        if at is not None and at <= clock.now() + channel_health.AHEAD:
            text = f"{label}: the {what} expires on {channel_health.day(at)}."
            yield Finding(f"{name}.expiry", "warn", text, reconnect)
    until = f"expires on {channel_health.day(info.expires_at)}" if info.expires_at else "does not expire"
    yield Finding(name, "ok", f"{label}: the token is valid and {until}.")
    if webhook_subscription.is_configured():
        yield _subscription(account, f"{name}.webhooks", label)


def _subscription(account: Account, name: str, label: str) -> Finding:
    try:
        fields = subscriptions.subscribed_fields(account)
    except GraphError as error:
        return Finding(name, "warn", f"{label}: the subscription to webhooks cannot be read. {error}")
    if subscriptions.FIELDS[account.type] in fields:
        return Finding(name, "ok", f"{label}: webhooks are subscribed.")
    return Finding(name, "warn", f"{label}: webhooks are not subscribed.", "manage.py subscribe_webhooks")
