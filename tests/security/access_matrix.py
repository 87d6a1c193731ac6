"""Who may do what: one rule for each URL. A URL without a rule fails the tests.

A rule names the actors that are let in by method; all others are refused, and change nothing.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.security.fixtures import PASSWORD

Actors = frozenset[str]
NONE: Actors = frozenset()
VIEWER, EDITOR, REVIEWER = frozenset({"viewer"}), frozenset({"editor"}), frozenset({"reviewer"})
ADMIN, ROOT = frozenset({"administrator"}), frozenset({"superuser"})
OUTSIDER = frozenset({"outsider"})  # administrator and reviewer of the other organization
KEY = frozenset({"key", "bearer key"})
KEYS = KEY | {"other key"}
EDITORS, ADMINS = EDITOR | ADMIN, ADMIN | OUTSIDER
MEMBERS = VIEWER | EDITORS | REVIEWER
ALL_MEMBERS = MEMBERS | OUTSIDER
USERS = ALL_MEMBERS | ROOT
EVERYONE = USERS | KEYS | {"anonymous", "ended session"}


@dataclass(frozen=True)
class Rule:
    """The actors by method, and what is sent.

    `to` names the entry of `Tenant.ids` that replaces the placeholders of the URL, `path` replaces a URL that is a
    regular expression, `query` is appended. `data`: each text in it is formatted with `Scenario.values`. `unchanged`: a
    permitted POST need not change a row. `approves`: a reviewer's POST may approve here, and nowhere else. `bearer`:
    the URL itself is the credential.
    """

    get: Actors = NONE
    post: Actors = NONE
    patch: Actors = NONE
    delete: Actors = NONE
    to: str = ""
    data: Any = field(default_factory=dict)
    query: str = ""
    path: str = ""
    unchanged: bool = False
    approves: bool = False
    bearer: bool = False

    def allowed(self, method: str) -> Actors:
        return getattr(self, "get" if method == "HEAD" else method.lower(), NONE)


def fill(value: Any, values: dict[str, Any]) -> Any:
    """Format every text of a JSON value, keys included."""
    if isinstance(value, dict):
        return {key.format(**values): fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, values) for item in value]
    return value.format(**values) if isinstance(value, str) else value


def prefixed(prefix: str, rules: dict[str, Rule]) -> dict[str, Rule]:
    return {prefix + url: rule for url, rule in rules.items()}


API_DRAFT = {
    "media": "{media}",
    "scheduledFor": "{in_an_hour}",
    "channels": {"{wire}": {"mediumType": "FB_PAGE", "caption": "{word}-typed"}},
}


def tool_call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return the body of a request to /mcp that calls a tool."""
    return {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments},
    }  # fmt: skip


PUBLISHED = {"postId": "{published}", "mediumId": "{wire}"}
# The tools of /mcp: by name its rule. A call that the tool refuses counts as refused.
TOOLS: dict[str, Rule] = {
    "whoami": Rule(post=KEYS, unchanged=True, data=tool_call("whoami")),
    "list_channels": Rule(post=KEYS, unchanged=True, data=tool_call("list_channels")),
    "get_capabilities": Rule(
        post=KEY, to="wire", unchanged=True, data=tool_call("get_capabilities", channelId="{wire}")
    ),
    "validate_post": Rule(post=KEYS, unchanged=True, data=tool_call("validate_post", **API_DRAFT)),
    "create_draft": Rule(post=KEYS, data=tool_call("create_draft", idempotencyKey="{word}-once", **API_DRAFT)),
    "update_draft": Rule(
        post=KEY, to="draft", data=tool_call("update_draft", postId="{draft}", version=1, brief="{word}-typed")
    ),
    "submit_for_approval": Rule(
        post=KEY, to="draft", data=tool_call("submit_for_approval", postId="{draft}", version=1)
    ),
    "list_posts": Rule(post=KEYS, unchanged=True, data=tool_call("list_posts")),
    "get_post": Rule(post=KEY, to="waiting", unchanged=True, data=tool_call("get_post", postId="{waiting}")),
    "withdraw": Rule(post=KEY, to="scheduled", data=tool_call("withdraw", postId="{scheduled}")),
    "delete_draft": Rule(post=KEY, to="draft", data=tool_call("delete_draft", postId="{draft}")),
    "list_events": Rule(post=KEYS, unchanged=True, data=tool_call("list_events")),
    "upload_media": Rule(post=KEYS, data=tool_call("upload_media", url="{media}")),
    "get_published_post": Rule(
        post=KEY, to="published", unchanged=True, data=tool_call("get_published_post", **PUBLISHED)
    ),
    "get_insights": Rule(post=KEY, to="published", unchanged=True, data=tool_call("get_insights", **PUBLISHED)),
    "get_comments": Rule(post=KEY, to="published", unchanged=True, data=tool_call("get_comments", **PUBLISHED)),
}

POST_FORM = {
    "type": "POST", "media_url": "{media}", "version": "1", "on-{wire}": "on", "caption-{wire}": "{word}-typed",
}  # fmt: skip
CHECKS = [f"{name}@{{wire}}" for name in ("channel", "clash.near", "clash.caption", "clash.media", "quota")]
SHOWN = " ".join(f"{check}{rank}" for check in (*CHECKS, "schedule.night@") for rank in ("", ":warn", ":live"))
APPROVAL = {"digest": "{waiting_digest}", "revision": "{waiting_turn}", "checks": SHOWN}
BULK_APPROVAL = {"post": "{waiting}", **{f"{name}-{{waiting}}": value for name, value in APPROVAL.items()}}
RESOLUTION = {
    "delivery": "{delivery}", "post_id": "{account}_4711", "digest": "{failed_digest}", "revision": "{failed_turn}",
}  # fmt: skip
NEW_KEY = {
    "organization": "{organization}", "name": "{word}-agent", "key_id": f"dk_{'0' * 24}", "scopes": "read",
    "reach": "all",
}  # fmt: skip
NEW_CHANNEL = {"type": "FB_PAGE", "platform_id": "4711", "token": "token-of-the-new-page"}
NEW_TEMPLATE = {"name": "{word}-more", "hashtag": "{word}-more", "public": "Thanks"}
LATER = {"when": "2031-01-01T10:00", "version": "1"}
WEBHOOK = {"url": "https://{word}.example.com/news", "kinds": "FAILED", "active": "on"}
NEW_PASSWORD = "another-password-of-the-matrix"
TWO_PASSWORDS = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

# The part after a # distinguishes several rules of one URL.
RULES: dict[str, Rule] = {
    "healthz": Rule(get=EVERYONE),
    "readyz": Rule(get=EVERYONE),
    "metrics": Rule(get=EVERYONE),  # the actors are on this machine; tests/dynamo/test_metrics.py has the others
    "openapi.json": Rule(get=EVERYONE),
    "llms.txt": Rule(get=EVERYONE),
    "mcp": Rule(post=KEYS, unchanged=True, data={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
    **{f"mcp#{name}": rule for name, rule in TOOLS.items()},
    "media-files/<uuid:pk>": Rule(get=MEMBERS, to="media_file"),
    "media/<path:link>": Rule(get=EVERYONE, to="media_link", bearer=True),
    "exports/<str:token>": Rule(get=EVERYONE, to="export", bearer=True),
    **prefixed("meta/", {  # the credential is a signature of Meta's, which no actor has
        "deauthorize": Rule(data={"signed_request": "{word}.e30"}),
        "data-deletion": Rule(data={"signed_request": "{word}.e30"}),
        "data-deletion/<str:code>": Rule(get=EVERYONE, to="deletion", bearer=True),
        "webhook": Rule(data={"object": "page"}),
    }),
    **prefixed("v1/", {
        "organizations": Rule(get=KEYS),
        "channels": Rule(get=KEYS),
        "channels/<str:channel_id>": Rule(get=KEY, to="wire"),
        "workspaces": Rule(get=KEYS),
        "events": Rule(get=KEYS),
        "webhooks": Rule(
            get=KEYS, post=KEYS, data={"url": "https://{word}.example.com/api", "types": ["post.failed"]}
        ),
        "webhooks/<str:webhook_id>": Rule(get=KEY, patch=KEY, delete=KEY, to="webhook", data={"active": False}),
        "webhooks/<str:webhook_id>/rotate": Rule(post=KEY, to="webhook"),
        "webhooks/<str:webhook_id>/test": Rule(post=KEY, to="webhook"),
        "media": Rule(post=KEYS, data={"url": "{media}"}),
        "superpowers": Rule(get=KEYS),
        "posts": Rule(get=KEYS),
        "posts/<str:post_id>": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/insights": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/comments": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/comments/export": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "scheduled-posts": Rule(get=KEYS, post=KEYS, data=API_DRAFT),
        "scheduled-posts/validate": Rule(post=KEYS, data=API_DRAFT, unchanged=True),
        "scheduled-posts/<str:post_id>": Rule(get=KEY, patch=KEY, delete=KEY, to="waiting", data=API_DRAFT),
        "scheduled-posts/<str:post_id>/submit-for-approval": Rule(post=KEY, to="draft"),
        "scheduled-posts/<str:post_id>/reject": Rule(post=KEY, to="waiting", data={"notes": "Shorter"}),
        "scheduled-posts/<str:post_id>/revert": Rule(post=KEY, to="scheduled"),
        "scheduled-posts/<str:post_id>/approve": Rule(to="waiting", data=APPROVAL),  # only a person, in the admin
        "scheduled-posts/<str:post_id>/publish": Rule(to="waiting", data=APPROVAL),
    }),
    r"v1(?:/[\s\S]*)?": Rule(path="v1/nothing"),
    **prefixed("admin/", {
        "": Rule(get=USERS),
        "login/": Rule(
            get=EVERYONE, post=EVERYONE, data={"username": "casa-viewer", "password": PASSWORD}, unchanged=True
        ),
        "login/code/": Rule(get=EVERYONE, post=EVERYONE, data={"code": "000000"}, unchanged=True),  # redirects to login
        "logout/": Rule(post=USERS, unchanged=True),
        "password_change/": Rule(
            get=USERS, post=USERS,
            data={"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
        ),
        "password_change/done/": Rule(get=USERS),
        "password_reset/": Rule(get=EVERYONE, post=EVERYONE, data={"email": "casa-viewer@example.com"}, unchanged=True),
        "password_reset/<str:uid>/<str:token>/": Rule(
            get=EVERYONE, post=EVERYONE, path="admin/password_reset/{password_link}/", bearer=True,
            data={"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
        ),
        "account/time-zone/": Rule(get=USERS, post=USERS, data={"time_zone": "Asia/Tokyo"}),
        "autocomplete/": Rule(get=ROOT, query="?app_label=accounts&model_name=membership&field_name=user&term=r"),
        "account/": Rule(get=USERS),
        "account/mfa/": Rule(get=USERS, post=USERS),
        "account/mfa/recovery-codes/": Rule(get=USERS, post=USERS, data={"code": "000000"}, unchanged=True),
        "account/mfa/disable/": Rule(
            get=USERS, post=USERS, data={"password": PASSWORD, "code": "000000"}, unchanged=True
        ),
        "account/sign-out/": Rule(get=USERS, post=USERS),
        "capacity/": Rule(get=ADMINS | ROOT, query="?posts=1000&image=350&audit_days=365"),
        "media/<uuid:pk>/": Rule(get=MEMBERS, to="media_file"),
        "media/<uuid:pk>/poster/": Rule(get=MEMBERS, to="media_file"),
        "media/published/<int:pk>/": Rule(get=MEMBERS, to="live"),
        "api/": Rule(get=USERS),
        "api/openapi.json": Rule(get=USERS),
        "jsi18n/": Rule(get=USERS),
        "r/": Rule(path="admin/r/"),
        "r/<path:content_type_id>/<path:object_id>/": Rule(to="organization"),
        "<app_label>/": Rule(get=USERS, path="admin/accounts/"),
        "<url>": Rule(path="admin/nothing"),
        "policy/": Rule(get=ADMINS | ROOT),
        "policy/<uuid:organization_id>/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="organization", data={"known": "000010", "second_approver": "on"}
        ),
        "policy/<uuid:organization_id>/time-zone/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="organization", data={"time_zone": "Asia/Tokyo"}
        ),
        "policy/<uuid:organization_id>/publishing/": Rule(
            get=ADMIN | ROOT,
            post=ADMIN | ROOT,
            to="organization",
            data={"action": "pause", "reason": "{word}-reason"},
        ),
        "invitation/<str:token>/": Rule(
            get=EVERYONE, post=EVERYONE, to="joining", bearer=True,
            data={"username": "joiner", "password": NEW_PASSWORD, "again": NEW_PASSWORD},
            unchanged=True,  # a user with another address is refused on the page
        ),
    }),
    **prefixed("admin/accounts/organization/", {
        "": Rule(get=USERS),
        "add/": Rule(get=ROOT, post=ROOT, data={"name": "New", "active": "on", "time_zone": "UTC"}),
        "<path:object_id>/": Rule(get=USERS, to="organization"),  # redirects to change/
        "<path:object_id>/change/": Rule(
            get=MEMBERS | ROOT, post=ROOT, to="organization",
            data={"name": "Renamed", "active": "on", "time_zone": "UTC"},
        ),
        "<path:object_id>/history/": Rule(get=MEMBERS | ROOT, to="organization"),
        "<path:object_id>/delete/": Rule(to="organization", data={"post": "yes"}),
    }),
    **prefixed("admin/accounts/membership/", {
        "": Rule(get=USERS),
        "add/": Rule(get=ROOT, post=ROOT, data={"organization": "{organization}", "user": "{root}", "role": "EDITOR"}),
        "<str:object_id>/change/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership",
            data={"role": "EDITOR", "may_review": "on", "reach": "all"},
        ),
        "<str:object_id>/delete/": Rule(get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership"),
        "<str:object_id>/recovery/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership", data={"sign_out": "on"}
        ),
        "<int:pk>/confirm/": Rule(get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership", unchanged=True),  # confirmed
        "invite/": Rule(
            get=ADMINS | ROOT, post=ADMINS | ROOT, query="?organization={organization}",
            data={"email": "guest@example.com", "role": "VIEWER"},
        ),
        "invited/<uuid:pk>/revoke/": Rule(get=ADMIN | ROOT, post=ADMIN | ROOT, to="invitation"),
    }),
    **prefixed("admin/accounts/user/", {
        "": Rule(get=ROOT),
        "add/": Rule(get=ROOT, post=ROOT, data={"username": "new", **TWO_PASSWORDS}),
        "<id>/password/": Rule(get=ROOT, post=ROOT, to="user", data=TWO_PASSWORDS),
        "<int:pk>/rescue/": Rule(get=ROOT, post=ROOT, to="user", data={"sign_out": "on"}),
        "<path:object_id>/": Rule(get=USERS, to="user"),
        "<path:object_id>/change/": Rule(
            get=ROOT, post=ROOT, to="user", data={"username": "casa-renamed", "time_zone": "UTC", "is_active": "on"}
        ),
        "<path:object_id>/history/": Rule(get=ROOT, to="user"),
        "<path:object_id>/delete/": Rule(to="user", data={"post": "yes"}),
    }),
    **prefixed("admin/accounts/apikey/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(get=ADMINS, post=ADMINS, data=NEW_KEY),
        "<str:key_id>/change/": Rule(get=MEMBERS, to="key"),
        "<str:key_id>/access/": Rule(get=ADMIN, post=ADMIN, to="key", data={"scopes": "read", "reach": "all"}),
        "<str:key_id>/rotate/": Rule(
            get=ADMIN, post=ADMIN, to="key", data={"overlap": "24", "known": "{key_fingerprint}"}
        ),
        "<str:key_id>/revoke/": Rule(get=ADMIN, post=ADMIN, to="key"),
    }),
    **prefixed("admin/accounts/auditevent/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(),
        "<path:object_id>/": Rule(get=USERS, to="event"),
        "<path:object_id>/change/": Rule(get=MEMBERS, to="event", data={"verb": "approve"}),
        "<path:object_id>/history/": Rule(get=MEMBERS, to="event"),
        "<path:object_id>/delete/": Rule(to="event", data={"post": "yes"}),
    }),
    **prefixed("admin/posts/channel/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(get=ADMINS, post=ADMINS, data=NEW_CHANNEL),
        "<str:object_id>/change/": Rule(
            get=ADMIN, post=ADMIN, to="channel", data={"token": "{token}"}
        ),
        "connect/": Rule(get=ADMINS),
        "connect/callback/": Rule(
            get=ADMINS, post=ADMINS, data={"code": "a-code", "state": "forged"}, unchanged=True  # refused on the page
        ),
        "connect/<uuid:login_id>/": Rule(get=ADMIN, post=ADMIN, to="login", data={"channel": "{wire}"}),
        "<int:channel_id>/disconnect/": Rule(post=ADMIN, to="channel"),
        "<int:channel_id>/resume/": Rule(post=ADMIN, to="channel", unchanged=True),
        "<int:channel_id>/reading/": Rule(get=MEMBERS, to="channel"),
    }),
    **prefixed("admin/posts/publishedpost/", {
        "": Rule(get=ALL_MEMBERS),
        "<int:post_id>/": Rule(get=MEMBERS, to="live"),
        "<int:post_id>/comments/": Rule(get=MEMBERS, to="live"),
        "<int:post_id>/comments.csv": Rule(get=MEMBERS, to="live"),
        "<int:post_id>/insights/": Rule(get=MEMBERS, to="live"),
    }),
    **prefixed("admin/posts/superpowertemplate/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(get=EDITORS | OUTSIDER, post=EDITORS | OUTSIDER, data=NEW_TEMPLATE),
        "<str:object_id>/change/": Rule(
            get=EDITORS, post=EDITORS, to="template",
            data={"name": "casa-else", "hashtag": "casa-else", "public": "Thanks"},
        ),
    }),
    **prefixed("admin/scheduling/scheduledpost/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(get=EDITORS | OUTSIDER, post=EDITORS | OUTSIDER, data=POST_FORM),
        "<str:object_id>/change/": Rule(get=EDITORS, post=EDITORS, to="draft", data=POST_FORM),
        "<uuid:post_id>/review/": Rule(get=MEMBERS, to="waiting"),
        "<uuid:post_id>/approve/": Rule(post=REVIEWER, to="waiting", data=APPROVAL, approves=True),
        "<uuid:post_id>/correct/": Rule(
            get=REVIEWER, post=REVIEWER, to="waiting", approves=True,
            data={**APPROVAL, "caption-{wire}": "{word}-typed", "approve": "1"},
        ),
        "<uuid:post_id>/publish/": Rule(post=REVIEWER, to="waiting", data=APPROVAL, approves=True),
        "<uuid:post_id>/reject/": Rule(post=REVIEWER, to="waiting", data={"notes": "Shorter", **APPROVAL}),
        "<uuid:post_id>/live/": Rule(post=REVIEWER, to="failed", data=RESOLUTION, approves=True),  # restores the first
        "<uuid:post_id>/absent/": Rule(post=REVIEWER, to="failed", data=RESOLUTION),
        "<uuid:post_id>/revert/": Rule(post=EDITORS | REVIEWER, to="scheduled"),
        "<uuid:post_id>/submit/": Rule(post=EDITORS, to="draft"),
        "<uuid:post_id>/delete/": Rule(post=EDITORS, to="draft"),
        "<uuid:post_id>/recheck/": Rule(post=EDITORS | REVIEWER, to="waiting", unchanged=True),
        "<uuid:post_id>/move/": Rule(
            get=MEMBERS, post=EDITORS, to="waiting",
            data={**LATER, "way": "edit"},
        ),
        "<uuid:post_id>/move/#approve": Rule(
            get=MEMBERS, post=REVIEWER, to="waiting", approves=True,
            data={"way": "approve", "when": "{in_an_hour:.16}", **APPROVAL},
        ),
        "<uuid:post_id>/move/#reapprove": Rule(
            get=MEMBERS, post=REVIEWER, to="scheduled", approves=True,
            data={**LATER, "way": "reapprove", "digest": "{scheduled_digest}", "revision": "{scheduled_turn}"},
        ),
        "<uuid:post_id>/move/#resubmit": Rule(
            get=MEMBERS, post=EDITORS, to="scheduled",
            data={**LATER, "way": "resubmit"},
        ),
        "approve/": Rule(  # answers for each post
            get=USERS, query="?post={waiting}", post=USERS, data=BULK_APPROVAL, unchanged=True, approves=True
        ),
        "undo/": Rule(post=USERS, data={"approval": "1"}, unchanged=True),  # only the user's own approvals
        "calendar/": Rule(get=ALL_MEMBERS),
        "views/keep/": Rule(post=USERS, data={"name": "Mine", "query": "status=DRAFT"}),
        "views/<int:view_id>/forget/": Rule(post=USERS, to="view", unchanged=True),  # only the user's own
    }),
    **prefixed("admin/scheduling/notification/", {
        "": Rule(get=ALL_MEMBERS),
        "mine/": Rule(get=ALL_MEMBERS, post=ALL_MEMBERS, unchanged=True),  # not every member has notifications
        "<int:dispatch_id>/again/": Rule(post=ADMIN, to="dispatch"),
    }),
    **prefixed("admin/scheduling/webhook/", {
        "": Rule(get=ADMINS),
        "add/": Rule(get=ADMINS, post=ADMINS, data=WEBHOOK),
        "<str:object_id>/change/": Rule(get=ADMIN, post=ADMIN, to="webhook", data=WEBHOOK),
        "<uuid:hook_id>/remove/": Rule(post=ADMIN, to="webhook"),
        "<uuid:hook_id>/rotate/": Rule(
            post=ADMIN, to="webhook", data={"known": "{webhook_fingerprint}"}
        ),
        "<uuid:hook_id>/test/": Rule(post=ADMIN, to="webhook"),
    }),
}  # fmt: skip

POSTS, ADMIN_POSTS = "/v1/scheduled-posts", "/admin/scheduling/scheduledpost"
OTHER_CHANNEL = {**API_DRAFT, "channels": {"{other[wire]}": {"mediumType": "FB_PAGE", "caption": "{word}-typed"}}}
OTHER_TEMPLATE = {"mediumType": "FB_PAGE", "caption": "x", "superpower": {"creativeTemplateId": "{other[template]}"}}

# Requests about the caller's own organization that name a thing of another one, by each parameter that holds an id.
# Values without `other` are of the caller's organization.
CROSS_TENANT_REQUESTS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "list a channel": ("key", "GET", "/v1/posts?mediumId={other[wire]}", {}),
    "read a post": ("key", "GET", "/v1/posts/{other[published]}?mediumId={wire}", {}),
    "read comments": ("key", "GET", "/v1/posts/{published}/comments?mediumId={other[wire]}", {}),
    "draft for a channel": ("key", "POST", POSTS, OTHER_CHANNEL),
    "redirect a post to a channel": ("key", "PATCH", f"{POSTS}/{{waiting}}", OTHER_CHANNEL),
    "use a template": ("key", "POST", POSTS, {**API_DRAFT, "channels": {"{wire}": OTHER_TEMPLATE}}),
    "read the limits of a channel with a tool": (
        "key", "POST", "/mcp", tool_call("get_capabilities", channelId="{other[wire]}")
    ),
    "read a post with a tool": ("key", "POST", "/mcp", tool_call("get_post", postId="{other[waiting]}")),
    "change a post with a tool": (
        "key", "POST", "/mcp", tool_call("update_draft", postId="{other[draft]}", version=1, brief="x")
    ),
    "withdraw a post with a tool": ("key", "POST", "/mcp", tool_call("withdraw", postId="{other[scheduled]}")),
    "read comments with a tool": (
        "key", "POST", "/mcp", tool_call("get_comments", postId="{published}", mediumId="{other[wire]}")
    ),
    "filter by channel": ("viewer", "GET", f"{ADMIN_POSTS}/?channel={{other[channel]}}", {}),
    "filter the audit log": ("viewer", "GET", "/admin/accounts/auditevent/?q={other[waiting]}", {}),
    "search in captions": ("viewer", "GET", f"{ADMIN_POSTS}/?q={{other[phrase]}}", {}),
    "issue a key": (
        "administrator", "POST", "/admin/accounts/apikey/add/", {**NEW_KEY, "organization": "{other[organization]}"}
    ),
    "resolve a delivery": (
        "reviewer", "POST", f"{ADMIN_POSTS}/{{failed}}/absent/", {"delivery": "{other[delivery]}"}
    ),
}  # fmt: skip
