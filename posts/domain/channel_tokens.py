"""Verifies an access token before a channel is connected with it: whose it is, what it may do, how long it lives."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from accounts.domain.actors import Actor
from accounts.exceptions import Invalid
from accounts.models import Organization
from posts.domain import channels
from posts.graph import login
from posts.graph.errors import AuthFailed, GraphError
from posts.graph.login import PageAccount, TokenInfo
from posts.models import Channel, ChannelType

PAGE, INSTAGRAM = ChannelType.FB_PAGE, ChannelType.INSTAGRAM_ACCOUNT
BOTH = (PAGE, INSTAGRAM)
CREATE_CONTENT = "CREATE_CONTENT"  # the task on a Page that publishing needs
PERSONS = {"USER", "SYSTEM_USER"}


class Permission(NamedTuple):
    """A permission of the platform, and what it is for. `types` are the channels that it is for.

    Without a required one nothing can be published.
    """

    name: str
    purpose: str
    types: tuple[ChannelType, ...]
    required: bool = True


PERMISSIONS = (
    Permission("pages_show_list", "see which Pages you manage", BOTH),
    Permission("pages_read_engagement", "read the Page's own posts and their figures", BOTH),
    Permission("pages_manage_posts", "publish posts on the Page", (PAGE,)),
    Permission("pages_read_user_content", "read comments and reactions of other people", (PAGE,), required=False),
    Permission("pages_manage_metadata", "be notified of new comments at once", BOTH, required=False),
    Permission("read_insights", "read the insights of the Page's posts", (PAGE,), required=False),
    Permission("instagram_basic", "read the Instagram account and its posts", (INSTAGRAM,)),
    Permission("instagram_content_publish", "publish on the Instagram account", (INSTAGRAM,)),
    Permission("instagram_manage_comments", "read comments on Instagram", (INSTAGRAM,), required=False),
    Permission("instagram_manage_insights", "read the insights of Instagram posts", (INSTAGRAM,), required=False),
)


@dataclass(frozen=True)
class VerifiedToken:
    """A Page's token that may publish on the channel. `missing`: the permissions that only some features need."""

    type: ChannelType
    platform_id: str
    name: str
    token: str
    info: TokenInfo
    missing: tuple[Permission, ...]


def is_configured() -> bool:
    """Whether the settings name the Meta app, without which no token can be verified."""
    return bool(settings.GRAPH_APP_ID and settings.GRAPH_APP_SECRET)


def require_configured() -> None:
    if not is_configured():
        raise Invalid("GRAPH_APP_ID and GRAPH_APP_SECRET are not set, so no access token can be verified")


@sensitive_variables("token")
def verify(token: str, type_: str, platform_id: str) -> VerifiedToken:
    """Return the Page's own token for the channel, verified at the platform. Raises Invalid with the reason.

    The token of a person or a system user is used to read the Page's token, and not kept. Calls the platform up to a
    few times, each with a deadline.
    """
    require_configured()
    if type_ not in ChannelType.values:
        raise Invalid("A channel is a Facebook Page or an Instagram account")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Invalid("The access token is empty or contains invalid characters")
    try:
        info = login.debug_token(token)
        _require_valid(info)
        tasks: tuple[str, ...] | None = None
        if info.kind in PERSONS:
            page = _page_of(long_lived(token, info), info, type_, platform_id)
            token, tasks = page.token, page.tasks
            info = login.debug_token(token)
            _require_valid(info)
        if info.kind != "PAGE" or not info.profile_id:
            raise Invalid("This is not the access token of a Page, of a person or of a system user")
        missing = _missing(info, ChannelType(type_), platform_id)
        page = login.read_page(token, info.profile_id, instagram="instagram_basic" in info.permissions)
    except GraphError as error:
        raise Invalid(platform_problem(error)) from None
    name = _name(replace(page, tasks=tasks), type_, platform_id)
    return VerifiedToken(ChannelType(type_), platform_id, name, page.token, info, missing)


def connect(
    actor: Actor, organization: Organization, verified: VerifiedToken, *, means: str, meta_user: str | None = None
) -> Channel:
    """Connect the channel under the name that the platform gives it. `means` is how, for the audit event."""
    return channels.connect(
        actor,
        organization=organization,
        type=verified.type,
        platform_id=verified.platform_id,
        name=verified.name,
        token=verified.token,
        meta_user=meta_user,
        means=means,
        missing=[permission.name for permission in verified.missing],
        tokenExpires=verified.info.expires_at.isoformat() if verified.info.expires_at else None,
    )


def connect_with_pasted_token(
    actor: Actor,
    *,
    organization: Organization,
    type: str,  # noqa: A002  the contract's word
    platform_id: str,
    token: str,
) -> tuple[Channel, VerifiedToken]:
    """Verify a token that a person pasted, and connect the channel. Raises Invalid."""
    verified = verify(token, type, platform_id)
    user = verified.info.user_id or None
    return connect(actor, organization, verified, means="pasted token", meta_user=user), verified


def long_lived(token: str, info: TokenInfo) -> str:
    """Return a token of the same person that lives about 60 days; the same one when it does not expire."""
    return login.exchange_for_long_lived(token) if info.kind == "USER" and info.expires_at else token


def missing_permissions(granted: Iterable[str], type_: ChannelType) -> list[Permission]:
    known = set(granted)
    return [each for each in PERMISSIONS if type_ in each.types and each.name not in known]


def missing_in_token(info: TokenInfo, type_: str, platform_id: str) -> list[Permission]:
    """Return the permissions of the channel type that the token lacks for this channel."""
    wanted = [each for each in PERMISSIONS if type_ in each.types]
    return [each for each in wanted if not info.allows(each.name, info.profile_id, platform_id)]


def may_publish(page: PageAccount) -> bool:
    """Whether the person's role on the Page includes publishing, as far as the platform says."""
    return page.tasks is None or CREATE_CONTENT in page.tasks


def platform_problem(error: GraphError) -> str:
    """Return a sentence about a failed call. It contains no credentials."""
    text = str(error).rstrip(".")
    return f"{text}; the access token cannot be used" if isinstance(error, AuthFailed) else f"{text}."


def token_warnings(verified: VerifiedToken) -> list[str]:
    """Return sentences about what does not work, and until when the token works."""
    found = [f"Dynamo may not {permission.purpose} ({permission.name})." for permission in verified.missing]
    if (expires := verified.info.expires_at) is not None:
        found.append(f"The access token expires on {_date(expires)}: connect the channel again before.")
    return found


def _date(time: datetime) -> str:
    return f"{time.day} {time:%B %Y}, {time:%H:%M} UTC"


def _require_valid(info: TokenInfo) -> None:
    if info.has_expired:
        raise Invalid("The access token has expired")
    if not info.is_valid:
        raise Invalid(
            "Facebook does not accept this access token: it is incomplete, was withdrawn, or is of another app"
        )
    if info.app_id != settings.GRAPH_APP_ID:
        raise Invalid("The access token was issued to another Meta app than the one of GRAPH_APP_ID")


def _page_of(token: str, info: TokenInfo, type_: str, platform_id: str) -> PageAccount:
    """Return the Page of the channel among those that a person's token reaches."""
    for page in login.read_pages(token, instagram="instagram_basic" in info.permissions):
        linked = page.instagram.id if page.instagram else ""
        if platform_id == (page.id if type_ == PAGE else linked) and page.token:
            return page
    kind = "Page" if type_ == PAGE else "Instagram account"
    raise Invalid(f"The person's access token does not reach the {kind} {platform_id}")


def _missing(info: TokenInfo, type_: ChannelType, platform_id: str) -> tuple[Permission, ...]:
    """Return the permissions without which only some features work. Raises Invalid when a required one is missing."""
    missing = missing_in_token(info, type_, platform_id)
    if lacking := [each for each in missing if each.required]:
        words = "; ".join(f"{each.purpose} ({each.name})" for each in lacking)
        raise Invalid(f"The access token does not allow Dynamo to: {words}")
    return tuple(missing)


def _name(page: PageAccount, type_: str, platform_id: str) -> str:
    """Return the channel's name on the platform. Raises Invalid when the Page is not the one of the channel."""
    if not may_publish(page):
        raise Invalid(f"The person may not create content on {page.name}: a Page administrator has to allow it")
    if type_ == PAGE:
        if page.id != platform_id:
            raise Invalid(f"The access token belongs to the Page {page.name} ({page.id}), not to {platform_id}")
        return page.name
    if page.instagram is None:
        raise Invalid(f"No Instagram account is linked to the Page {page.name}")
    name = page.instagram.username or page.instagram.name or page.instagram.id
    if page.instagram.id != platform_id:
        raise Invalid(f"The Page {page.name} is linked to {name} ({page.instagram.id}), not to {platform_id}")
    return name
