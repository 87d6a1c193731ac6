"""Who may do what: one rule for each URL. A URL without a rule fails the tests.

A rule names the actors that are let in by method; all others are refused, and change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.security.fixtures import PASSWORD, Scenario, Tenant

Actors = frozenset[str]
NONE: Actors = frozenset()
VIEWER, EDITOR, REVIEWER = frozenset({"viewer"}), frozenset({"editor"}), frozenset({"reviewer"})
ADMIN, ROOT = frozenset({"administrator"}), frozenset({"superuser"})
OUTSIDER = frozenset({"outsider"})  # administrator and reviewer of the other organization
KEY, KEYS = frozenset({"key"}), frozenset({"key", "other key"})
EDITORS, ADMINS = EDITOR | ADMIN, ADMIN | OUTSIDER
MEMBERS = VIEWER | EDITORS | REVIEWER
ALL_MEMBERS = MEMBERS | OUTSIDER
USERS = ALL_MEMBERS | ROOT
EVERYONE = USERS | KEYS | {"anonymous", "ended session"}

Fields = dict[str, Any]
Data = Fields | Callable[[Tenant, Scenario], Fields]


@dataclass(frozen=True)
class Rule:
    """The actors by method, and what is sent.

    `to` names the entry of `Tenant.ids` that replaces the placeholders of the URL, `path` replaces a URL that is a
    regular expression, `query` is appended. `unchanged`: a permitted POST need not change a row. `approves`: a
    reviewer's POST may approve here, and nowhere else. `bearer`: the URL itself is the credential.
    """

    get: Actors = NONE
    post: Actors = NONE
    patch: Actors = NONE
    delete: Actors = NONE
    to: str = ""
    data: Data = lambda _tenant, _scenario: {}
    query: str = ""
    path: str = ""
    unchanged: bool = False
    approves: bool = False
    bearer: bool = False

    def allowed(self, method: str) -> Actors:
        return getattr(self, "get" if method == "HEAD" else method.lower(), NONE)

    def data_of(self, tenant: Tenant, scenario: Scenario) -> Fields:
        return self.data(tenant, scenario) if callable(self.data) else self.data


def api_draft(tenant: Tenant, scenario: Scenario, channel: str = "", **more: Any) -> Fields:
    """Return what a key sends for a post."""
    content = {"mediumType": "FB_PAGE", "caption": f"{tenant.word}-typed", **more}
    channels = {channel or tenant.ids["wire"]: content}
    return {"media": scenario.media, "scheduledFor": scenario.in_an_hour(), "channels": channels}


def post_form(tenant: Tenant, scenario: Scenario) -> Fields:
    wire = tenant.ids["wire"]
    texts = {f"on-{wire}": "on", f"caption-{wire}": f"{tenant.word}-typed"}
    return {"type": "POST", "media_url": scenario.media, "version": "1", **texts}


def approval(tenant: Tenant, _scenario: Scenario) -> Fields:
    return tenant.review_fields["waiting"]


def bulk_approval(tenant: Tenant, _scenario: Scenario) -> Fields:
    waiting = tenant.ids["waiting"]
    return {"post": waiting, **{f"{name}-{waiting}": value for name, value in tenant.review_fields["waiting"].items()}}


def new_key(tenant: Tenant, _scenario: Scenario) -> Fields:
    names = {"organization": tenant.ids["organization"], "name": f"{tenant.word}-agent", "key_id": f"dk_{'0' * 24}"}
    return {**names, "scopes": "read", "reach": "all"}


def new_channel(tenant: Tenant, _scenario: Scenario) -> Fields:
    return {"type": "FB_PAGE", "platform_id": "4711", "name": f"{tenant.word}-new", "token": "t"}


def new_member(tenant: Tenant, scenario: Scenario) -> Fields:
    return {"organization": tenant.ids["organization"], "user": scenario.root.pk, "role": "EDITOR"}


def new_template(tenant: Tenant, _scenario: Scenario) -> Fields:
    return {"name": f"{tenant.word}-more", "hashtag": f"{tenant.word}-more", "public": "Thanks"}


def webhook_form(tenant: Tenant, _scenario: Scenario) -> Fields:
    return {"url": f"https://{tenant.word}.example.com/news", "kinds": "FAILED", "active": "on"}


def resolution(tenant: Tenant, _scenario: Scenario) -> Fields:
    post_id = f"{tenant.account.id}_4711"
    return {"delivery": tenant.ids["delivery"], "post_id": post_id, **tenant.review_fields["failed"]}


def move_and_approve(tenant: Tenant, scenario: Scenario) -> Fields:
    return {"way": "approve", "when": scenario.in_an_hour()[:16], **approval(tenant, scenario)}


def move_and_reapprove(tenant: Tenant, _scenario: Scenario) -> Fields:
    return {"way": "reapprove", "when": "2031-01-01T10:00", "version": "1", **tenant.review_fields["scheduled"]}


def prefixed(prefix: str, rules: dict[str, Rule]) -> dict[str, Rule]:
    return {prefix + url: rule for url, rule in rules.items()}


NEW_PASSWORD = "another-password-of-the-matrix"
TWO_PASSWORDS = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

# The part after a # distinguishes several rules of one URL.
RULES: dict[str, Rule] = {
    "healthz": Rule(get=EVERYONE),
    "readyz": Rule(get=EVERYONE),
    "exports/<str:token>": Rule(get=EVERYONE, to="export", bearer=True),
    **prefixed("v1/", {
        "organizations": Rule(get=KEYS),
        "channels": Rule(get=KEYS),
        "superpowers": Rule(get=KEYS),
        "posts": Rule(get=KEYS),
        "posts/<str:post_id>": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/insights": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/comments": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "posts/<str:post_id>/comments/export": Rule(get=KEY, to="published", query="?mediumId={wire}"),
        "scheduled-posts": Rule(get=KEYS, post=KEYS, data=api_draft),
        "scheduled-posts/<str:post_id>": Rule(get=KEY, patch=KEY, delete=KEY, to="waiting", data=api_draft),
        "scheduled-posts/<str:post_id>/submit-for-approval": Rule(post=KEY, to="draft"),
        "scheduled-posts/<str:post_id>/reject": Rule(post=KEY, to="waiting", data={"notes": "Shorter"}),
        "scheduled-posts/<str:post_id>/revert": Rule(post=KEY, to="scheduled"),
        "scheduled-posts/<str:post_id>/approve": Rule(to="waiting", data=approval),  # only a person, in the admin
        "scheduled-posts/<str:post_id>/publish": Rule(to="waiting", data=approval),
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
        "autocomplete/": Rule(get=ROOT, query="?app_label=accounts&model_name=membership&field_name=user&term=r"),
        "you/": Rule(get=USERS),
        "you/factor/": Rule(get=USERS, post=USERS),
        "you/factor/recovery/": Rule(get=USERS, post=USERS, data={"code": "000000"}, unchanged=True),
        "you/factor/remove/": Rule(
            get=USERS, post=USERS, data={"password": PASSWORD, "code": "000000"}, unchanged=True
        ),
        "you/sign-out/": Rule(get=USERS, post=USERS),
        "api/": Rule(get=USERS),
        "api/openapi.json": Rule(get=USERS),
        "jsi18n/": Rule(get=USERS),
        "r/": Rule(path="admin/r/"),
        "r/<path:content_type_id>/<path:object_id>/": Rule(to="organization"),
        "<app_label>/": Rule(get=USERS, path="admin/accounts/"),
        "<url>": Rule(path="admin/nothing"),
        "rules/": Rule(get=ADMINS | ROOT),
        "rules/<uuid:organization_id>/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="organization", data={"known": "0000", "second_approver": "on"}
        ),
        "invitation/<str:token>/": Rule(
            get=EVERYONE, post=EVERYONE, to="joining", bearer=True,
            data={"username": "joiner", "password": NEW_PASSWORD, "again": NEW_PASSWORD},
            unchanged=True,  # a user with another address is refused on the page
        ),
    }),
    **prefixed("admin/accounts/organization/", {
        "": Rule(get=USERS),
        "add/": Rule(get=ROOT, post=ROOT, data={"name": "New", "active": "on"}),
        "<path:object_id>/": Rule(get=USERS, to="organization"),  # redirects to change/
        "<path:object_id>/change/": Rule(
            get=MEMBERS | ROOT, post=ROOT, to="organization", data={"name": "Renamed", "active": "on"}
        ),
        "<path:object_id>/history/": Rule(get=MEMBERS | ROOT, to="organization"),
        "<path:object_id>/delete/": Rule(to="organization", data={"post": "yes"}),
    }),
    **prefixed("admin/accounts/membership/", {
        "": Rule(get=USERS),
        "add/": Rule(get=ROOT, post=ROOT, data=new_member),
        "<str:object_id>/change/": Rule(
            get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership",
            data={"role": "EDITOR", "may_review": "on", "reach": "all"},
        ),
        "<str:object_id>/delete/": Rule(get=ADMIN | ROOT, post=ADMIN | ROOT, to="membership"),
        "invite/": Rule(
            get=ADMINS | ROOT, post=ADMINS | ROOT, query="?organization={organization}",
            data={"email": "somebody@example.com", "role": "VIEWER"},
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
        "add/": Rule(get=ADMINS, post=ADMINS, data=new_key),
        "<str:key_id>/change/": Rule(get=MEMBERS, to="key"),
        "<str:key_id>/access/": Rule(get=ADMIN, post=ADMIN, to="key", data={"scopes": "read", "reach": "all"}),
        "<str:key_id>/rotate/": Rule(
            get=ADMIN, post=ADMIN, to="key", data=lambda tenant, _: {"overlap": "24", "known": tenant.key_fingerprint()}
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
        "add/": Rule(get=ADMINS, post=ADMINS, data=new_channel),
        "<str:object_id>/change/": Rule(
            get=ADMIN, post=ADMIN, to="channel", data={"name": "casa-renamed", "token": "t"}
        ),
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
        "add/": Rule(get=EDITORS | OUTSIDER, post=EDITORS | OUTSIDER, data=new_template),
        "<str:object_id>/change/": Rule(
            get=EDITORS, post=EDITORS, to="template",
            data={"name": "casa-else", "hashtag": "casa-else", "public": "Thanks"},
        ),
    }),
    **prefixed("admin/scheduling/scheduledpost/", {
        "": Rule(get=ALL_MEMBERS),
        "add/": Rule(get=EDITORS | OUTSIDER, post=EDITORS | OUTSIDER, data=post_form),
        "<str:object_id>/change/": Rule(get=EDITORS, post=EDITORS, to="draft", data=post_form),
        "<uuid:post_id>/review/": Rule(get=MEMBERS, to="waiting"),
        "<uuid:post_id>/approve/": Rule(post=REVIEWER, to="waiting", data=approval, approves=True),
        "<uuid:post_id>/publish/": Rule(post=REVIEWER, to="waiting", data=approval, approves=True),
        "<uuid:post_id>/reject/": Rule(post=REVIEWER, to="waiting", data={"notes": "Shorter"}),
        "<uuid:post_id>/live/": Rule(post=REVIEWER, to="failed", data=resolution, approves=True),  # restores the first
        "<uuid:post_id>/absent/": Rule(post=REVIEWER, to="failed", data=resolution),
        "<uuid:post_id>/revert/": Rule(post=EDITORS | REVIEWER, to="scheduled"),
        "<uuid:post_id>/submit/": Rule(post=EDITORS, to="draft"),
        "<uuid:post_id>/delete/": Rule(post=EDITORS, to="draft"),
        "<uuid:post_id>/recheck/": Rule(post=EDITORS | REVIEWER, to="waiting", unchanged=True),
        "<uuid:post_id>/move/": Rule(
            get=MEMBERS, post=EDITORS, to="waiting",
            data=lambda _, scenario: {"way": "edit", "when": scenario.in_an_hour()[:16], "version": "1"},
        ),
        "<uuid:post_id>/move/#approve": Rule(
            get=MEMBERS, post=REVIEWER, to="waiting", data=move_and_approve, approves=True
        ),
        "<uuid:post_id>/move/#reapprove": Rule(
            get=MEMBERS, post=REVIEWER, to="scheduled", data=move_and_reapprove, approves=True
        ),
        "<uuid:post_id>/move/#resubmit": Rule(
            get=MEMBERS, post=EDITORS, to="scheduled",
            data={"way": "resubmit", "when": "2031-01-01T10:00", "version": "1"},
        ),
        "approve/": Rule(post=USERS, data=bulk_approval, unchanged=True, approves=True),  # answers for each post
        "calendar/": Rule(get=ALL_MEMBERS),
        "views/keep/": Rule(post=USERS, data={"name": "Mine", "query": "status=DRAFT"}),
        "views/<int:view_id>/forget/": Rule(post=USERS, to="view", unchanged=True),  # only the user's own
    }),
    **prefixed("admin/scheduling/notice/", {
        "": Rule(get=ALL_MEMBERS),
        "mine/": Rule(get=ALL_MEMBERS, post=ALL_MEMBERS, unchanged=True),  # not every member has notifications
        "<int:dispatch_id>/again/": Rule(post=ADMIN, to="dispatch"),
    }),
    **prefixed("admin/scheduling/webhook/", {
        "": Rule(get=ADMINS),
        "add/": Rule(get=ADMINS, post=ADMINS, data=webhook_form),
        "<str:object_id>/change/": Rule(get=ADMIN, post=ADMIN, to="webhook", data=webhook_form),
        "<uuid:hook_id>/remove/": Rule(post=ADMIN, to="webhook"),
        "<uuid:hook_id>/rotate/": Rule(
            post=ADMIN, to="webhook", data=lambda tenant, _: {"known": tenant.webhook_fingerprint()}
        ),
        "<uuid:hook_id>/test/": Rule(post=ADMIN, to="webhook"),
    }),
}  # fmt: skip

POSTS, ADMIN_POSTS = "/v1/scheduled-posts", "/admin/scheduling/scheduledpost"
CrossTenantRequest = Callable[[Tenant, Tenant, Scenario], tuple[str, str, str, Fields]]

# Requests about the caller's own organization that name a thing of another one, by each parameter that holds an id:
# (own tenant, the other, scenario) to actor, method, path and data.
CROSS_TENANT_REQUESTS: dict[str, CrossTenantRequest] = {
    "list a channel": lambda _own, other, _: ("key", "GET", f"/v1/posts?mediumId={other.ids['wire']}", {}),
    "read a post through the own channel": lambda own, other, _: (
        "key", "GET", f"/v1/posts/{other.ids['published']}?mediumId={own.ids['wire']}", {}
    ),
    "read comments through another channel": lambda own, other, _: (
        "key", "GET", f"/v1/posts/{own.ids['published']}/comments?mediumId={other.ids['wire']}", {}
    ),
    "draft for a channel": lambda own, other, scenario: (
        "key", "POST", POSTS, api_draft(own, scenario, other.ids["wire"])
    ),
    "redirect a post to a channel": lambda own, other, scenario: (
        "key", "PATCH", f"{POSTS}/{own.ids['waiting']}", api_draft(own, scenario, other.ids["wire"])
    ),
    "use a template": lambda own, other, scenario: (
        "key", "POST", POSTS, api_draft(own, scenario, superpower={"creativeTemplateId": other.ids["template"]})
    ),
    "filter by channel": lambda _own, other, _: (
        "viewer", "GET", f"{ADMIN_POSTS}/?channel={other.ids['channel']}", {}
    ),
    "filter the audit log": lambda _own, other, _: (
        "viewer", "GET", f"/admin/accounts/auditevent/?q={other.ids['waiting']}", {}
    ),
    "search in captions": lambda _own, other, _: ("viewer", "GET", f"{ADMIN_POSTS}/?q={other.ids['phrase']}", {}),
    "issue a key": lambda _own, other, scenario: (
        "administrator", "POST", "/admin/accounts/apikey/add/", {**new_key(other, scenario), "name": "mine"}
    ),
    "resolve a delivery": lambda own, other, _: (
        "reviewer", "POST", f"{ADMIN_POSTS}/{own.ids['failed']}/absent/", {"delivery": other.ids["delivery"]}
    ),
}  # fmt: skip
