"""Adds, changes, rotates, tests and removes webhooks. A secret is returned in clear once, when it is created."""

import base64
import secrets
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import clock, encryption
from accounts.domain import audit_log
from accounts.domain.actors import WORKER, Actor
from accounts.exceptions import Conflict, Invalid
from accounts.models import Organization
from scheduling.domain import enqueue, event_feed, media_url
from scheduling.models import NoticeKind, Notification, NotificationDelivery, NotificationMedium, Webhook

WANTED = [NoticeKind(kind) for kind in event_feed.OF_KINDS if kind != NoticeKind.TEST]
LONGEST = 2048
OVERLAP = timedelta(days=1)
# Chat services whose incoming webhooks accept only messages of their own format: host, or end of it, and name.
CHATS = {
    "hooks.slack.com": "Slack", "hooks.slack-gov.com": "Slack", "discord.com": "Discord", "discordapp.com": "Discord",
    "webhook.office.com": "Microsoft Teams", "chat.googleapis.com": "Google Chat", "api.telegram.org": "Telegram",
}  # fmt: skip
MOST = 10  # per organization: each is one more request per notification


def add(
    actor: Actor, *, organization: Organization, url: str, kinds: Sequence[str], hook_id: UUID | None = None
) -> tuple[Webhook, str]:
    """Add a webhook; return it with its secret in clear. A form that may be submitted twice passes `hook_id`.

    Raises Invalid for a forbidden URL or unknown kinds, Conflict for a used `hook_id` or too many webhooks.
    """
    secret = new_secret()
    hook = Webhook(
        id=hook_id or uuid4(),
        organization=organization,
        url=_validate_url(url),
        kinds=_validate_kinds(kinds),
        secret_encrypted=encryption.encrypt(secret),
        created_by=actor.user,
    )
    try:
        with transaction.atomic():
            # Concurrent additions wait for this one.
            list(Organization.objects.select_for_update(no_key=True).filter(pk=organization.pk).values_list("pk"))
            if Webhook.objects.filter(organization=organization).count() >= MOST:
                raise Conflict(f"There are already {MOST} webhooks: remove one first")
            hook.save(force_insert=True)
            _record_event(actor, "webhook.add", hook)
    except IntegrityError:
        raise Conflict("This webhook was already added; its secret cannot be displayed again") from None
    return hook, secret


def new_secret() -> str:
    """Return a secret in the form of Standard Webhooks: `whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def change(actor: Actor, hook: Webhook, *, url: str, kinds: Sequence[str], active: bool) -> None:
    """Change URL, kinds and whether it is active: nothing is sent to an inactive webhook. Raises Invalid."""
    # A URL that was accepted before can be kept, for example to make the webhook inactive.
    hook.url = hook.url if url.strip() == hook.url else _validate_url(url)
    hook.kinds, hook.active = _validate_kinds(kinds), active
    with transaction.atomic():
        hook.save(update_fields=["url", "kinds", "active"])
        _record_event(actor, "webhook.change", hook)


def rotate(actor: Actor, hook: Webhook) -> str:
    """Store a new secret and return it in clear. Raises Conflict when it was rotated since `hook` was loaded.

    For OVERLAP the previous secret signs as well, so that the receiver can be updated. A secret that was still in its
    own overlap ends at once.
    """
    secret = new_secret()
    encrypted = encryption.encrypt(secret)
    with transaction.atomic():
        unchanged = Webhook.objects.filter(pk=hook.pk, secret_encrypted=hook.secret_encrypted)
        until = clock.now() + OVERLAP
        previous = hook.secret_encrypted
        if not unchanged.update(secret_encrypted=encrypted, previous_encrypted=previous, previous_until=until):
            raise Conflict("The secret has already been rotated and cannot be displayed again.")
        _record_event(actor, "webhook.rotate", hook, previous_until=until.isoformat())
    hook.secret_encrypted, hook.previous_encrypted, hook.previous_until = encrypted, previous, until
    return secret


def remove(actor: Actor, hook: Webhook) -> None:
    """Delete the webhook and its deliveries."""
    with transaction.atomic():
        _record_event(actor, "webhook.remove", hook)
        hook.delete()


def stop(hook: Webhook) -> None:
    """Make the webhook inactive, because its receiver answered 410 Gone, and notify the administrators, once."""
    with transaction.atomic():
        if not Webhook.objects.filter(pk=hook.pk, active=True).update(active=False):
            return
        hook.active = False
        _record_event(WORKER, "webhook.stop", hook)
        Notification.objects.create(
            organization_id=hook.organization_id,
            kind=NoticeKind.WEBHOOK_STOPPED,
            details={"host": host(hook)},
            dedupe_key=f"stopped:{hook.pk}:{uuid4()}",
            created_at=clock.now(),
        )


def send_test(actor: Actor, hook: Webhook) -> Notification:
    """Create a notification of kind TEST for this webhook and enqueue it. Raises Conflict for a paused webhook."""
    if not hook.active:
        raise Conflict("This webhook is paused")
    now = clock.now()
    with transaction.atomic():
        notice = Notification.objects.create(
            organization_id=hook.organization_id,
            kind=NoticeKind.TEST,
            details={"by": {"kind": actor.kind, "id": actor.id, "name": actor.name}},
            dedupe_key=f"test:{uuid4()}",
            created_at=now,
            fanned_out_at=now,
        )
        event_feed.record_notifications([notice])
        delivery = NotificationDelivery.objects.create(notice=notice, means=NotificationMedium.WEBHOOK, webhook=hook)
        enqueue.deliver_after_commit([delivery.pk])
    return notice


def host(hook: Webhook) -> str:
    """Return the host of its URL; path and query may be secret."""
    return urlsplit(hook.url).netloc


def _validate_url(url: str) -> str:
    url = url.strip()
    problem = media_url.validate_media_url(url)
    if not problem and len(url) > LONGEST:
        problem = ("", f"is longer than {LONGEST:,} characters")
    if not problem and urlsplit(url).scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        problem = ("", "must begin with https://")
    if not problem and (chat := _chat_service(url)):
        problem = ("", f"belongs to {chat}, which accepts only messages of its own format: put a relay between them")
    if problem:
        message = f"The URL {problem[1]}"
        raise Invalid(message, [{"path": ["url"], "message": message, "code": "webhook.url"}])
    return url


def _chat_service(url: str) -> str:
    """Return the name of the chat service that the URL belongs to; blank for another host."""
    name = (urlsplit(url).hostname or "").removesuffix(".").lower()
    return next((chat for end, chat in CHATS.items() if name == end or name.endswith(f".{end}")), "")


def _validate_kinds(kinds: Sequence[str]) -> list[str]:
    unknown = set(kinds) - set(WANTED)
    if unknown or not kinds:
        message = "Choose at least one kind of notification"
        raise Invalid(message, [{"path": ["kinds"], "message": message, "code": "webhook.kinds"}])
    return [str(kind) for kind in WANTED if kind in kinds]


def _record_event(actor: Actor, verb: str, hook: Webhook, **extra: str) -> None:
    details = {"host": host(hook), "kinds": hook.kinds, "active": hook.active, **extra}
    audit_log.record(actor, verb, organization_id=hook.organization_id, subject=f"webhook:{hook.pk}", **details)
