"""Who may do what, a line for each door. A door that has no line here fails the walk: say who may go through it.

Routes: `get`, `post`, … name who is let in; whoever is not named is refused, and changes nothing. `to` names the thing
of an organization that the placeholders stand for (`stage.Side.things`), `send` is what those who may would send.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.security.fixtures import PASSWORD, Side, Stage

Who = frozenset[str]
NOBODY: Who = frozenset()
VIEWER, EDITOR, REVIEWER, ADMINISTRATOR = (
    frozenset({one}) for one in ("viewer", "editor", "reviewer", "administrator")
)
ROOT, OUTSIDER = frozenset({"superuser"}), frozenset({"outsider"})  # an outsider is chief of the other organization
KEY, ANY_KEY = frozenset({"key"}), frozenset({"key", "other key"})
EDITORS, ADMINISTRATORS = EDITOR | ADMINISTRATOR, ADMINISTRATOR | OUTSIDER
MEMBERS = VIEWER | EDITORS | REVIEWER
ANY_MEMBER = MEMBERS | OUTSIDER
PEOPLE = ANY_MEMBER | ROOT
EVERYBODY = PEOPLE | ANY_KEY | {"nobody", "ended session"}

Body = dict[str, Any] | Callable[[Side, Stage], dict[str, Any]]


@dataclass(frozen=True)
class Rule:
    """`ask` is the query that goes with it. `quiet`: who is let in need not change a row (a look-up, a login).

    `decides`: a reviewer's own POST here, and nothing else anywhere, may approve. `bearer`: the address itself is the
    right, to what it names. `path` is an address of a regex.
    """

    get: Who = NOBODY
    post: Who = NOBODY
    patch: Who = NOBODY
    delete: Who = NOBODY
    to: str = ""
    send: Body = lambda _side, _stage: {}
    ask: str = ""
    path: str = ""
    quiet: bool = False
    decides: bool = False
    bearer: bool = False

    def may(self, method: str) -> Who:
        """Return who is let in with the method."""
        return getattr(self, "get" if method == "HEAD" else method.lower(), NOBODY)


def draft(side: Side, stage: Stage) -> dict[str, Any]:
    """What a key sends for a post."""
    channel = {"mediumType": "FB_PAGE", "caption": f"{side.word}-typed"}
    return {"media": stage.media, "scheduledFor": stage.in_an_hour, "channels": {side.things["wire"]: channel}}


def typed(side: Side, stage: Stage) -> dict[str, Any]:
    """What a person types into the form of a post."""
    wire = side.things["wire"]
    texts = {f"on-{wire}": "on", f"caption-{wire}": f"{side.word}-typed"}
    return {"type": "POST", "media_url": stage.media, "version": "1", **texts}


def approval(side: Side, _stage: Stage) -> dict[str, Any]:
    """What the review page of the waiting post sends."""
    return side.pages["waiting"]


def several(side: Side, _stage: Stage) -> dict[str, Any]:
    """What the queue sends for the posts that were ticked."""
    waiting = side.things["waiting"]
    return {"post": waiting, **{f"{name}-{waiting}": value for name, value in side.pages["waiting"].items()}}


def hook(side: Side, _stage: Stage) -> dict[str, Any]:
    """What is typed for a webhook."""
    return {"url": f"https://{side.word}.example.com/news", "kinds": "FAILED", "active": "on"}


def at(state: str, **more: Any) -> Rule:
    """Return the rule of a button on a post in that state."""
    return Rule(to=state, **more)


ROUTES: dict[str, Rule] = {
    "healthz": Rule(get=EVERYBODY),
    "readyz": Rule(get=EVERYBODY),
    "exports/<str:token>": Rule(get=EVERYBODY, to="export", bearer=True),
    # The API. Keys of both organizations reach lists; each sees its own.
    "v1/organizations": Rule(get=ANY_KEY),
    "v1/channels": Rule(get=ANY_KEY),
    "v1/superpowers": Rule(get=ANY_KEY),
    "v1/posts": Rule(get=ANY_KEY),
    "v1/posts/<str:post_id>": Rule(get=KEY, to="published", ask="?mediumId={wire}"),
    "v1/posts/<str:post_id>/insights": Rule(get=KEY, to="published", ask="?mediumId={wire}"),
    "v1/posts/<str:post_id>/comments": Rule(get=KEY, to="published", ask="?mediumId={wire}"),
    "v1/posts/<str:post_id>/comments/export": Rule(get=KEY, to="published", ask="?mediumId={wire}"),
    "v1/scheduled-posts": Rule(get=ANY_KEY, post=ANY_KEY, send=draft),
    "v1/scheduled-posts/<str:post_id>": Rule(get=KEY, patch=KEY, delete=KEY, to="waiting", send=draft),
    "v1/scheduled-posts/<str:post_id>/submit-for-approval": Rule(post=KEY, to="draft"),
    "v1/scheduled-posts/<str:post_id>/reject": Rule(post=KEY, to="waiting", send={"notes": "Shorter"}),
    "v1/scheduled-posts/<str:post_id>/revert": Rule(post=KEY, to="scheduled"),
    "v1/scheduled-posts/<str:post_id>/approve": Rule(to="waiting", send=approval),  # a person does, in the app
    "v1/scheduled-posts/<str:post_id>/publish": Rule(to="waiting", send=approval),
    r"v1(?:/[\s\S]*)?": Rule(path="v1/nothing"),
    # The desk's own endpoints.
    "admin/": Rule(get=PEOPLE),
    "admin/login/": Rule(
        get=EVERYBODY, post=EVERYBODY, send={"username": "casa-viewer", "password": PASSWORD}, quiet=True
    ),
    "admin/logout/": Rule(post=PEOPLE, quiet=True),
    "admin/password_change/": Rule(
        get=PEOPLE,
        post=PEOPLE,
        send={"old_password": PASSWORD, "new_password1": "another-of-the-walk", "new_password2": "another-of-the-walk"},
    ),
    "admin/password_change/done/": Rule(get=PEOPLE),
    "admin/autocomplete/": Rule(get=ROOT, ask="?app_label=accounts&model_name=membership&field_name=user&term=r"),
    "admin/login/code/": Rule(get=EVERYBODY, post=EVERYBODY, send={"code": "000000"}, quiet=True),  # leads to the login
    "admin/you/": Rule(get=PEOPLE),
    "admin/you/factor/": Rule(get=PEOPLE, post=PEOPLE),
    "admin/you/factor/recovery/": Rule(get=PEOPLE, post=PEOPLE, send={"code": "000000"}, quiet=True),
    "admin/you/factor/remove/": Rule(
        get=PEOPLE, post=PEOPLE, send={"password": PASSWORD, "code": "000000"}, quiet=True
    ),
    "admin/you/sign-out/": Rule(get=PEOPLE, post=PEOPLE),
    "admin/api/": Rule(get=PEOPLE),
    "admin/api/openapi.json": Rule(get=PEOPLE),
    "admin/jsi18n/": Rule(get=PEOPLE),
    "admin/r/": Rule(path="admin/r/"),
    "admin/r/<path:content_type_id>/<path:object_id>/": Rule(to="organization"),
    "admin/<app_label>/": Rule(get=ANY_MEMBER | ROOT, path="admin/accounts/"),
    "admin/<url>": Rule(path="admin/nothing"),
    # Organizations and people: superusers manage, members look at where they belong.
    "admin/accounts/organization/": Rule(get=PEOPLE),
    "admin/accounts/organization/add/": Rule(get=ROOT, post=ROOT, send={"name": "New", "active": "on"}),
    "admin/accounts/organization/<path:object_id>/history/": Rule(get=MEMBERS | ROOT, to="organization"),
    "admin/accounts/organization/<path:object_id>/delete/": Rule(to="organization", send={"post": "yes"}),
    "admin/accounts/organization/<path:object_id>/change/": Rule(
        get=MEMBERS | ROOT, post=ROOT, to="organization", send={"name": "Renamed", "active": "on"}
    ),
    "admin/accounts/organization/<path:object_id>/": Rule(get=PEOPLE, to="organization"),  # leads on to /change/
    "admin/accounts/membership/": Rule(get=PEOPLE),
    "admin/accounts/membership/add/": Rule(
        get=ROOT,
        post=ROOT,
        send=lambda side, stage: {"organization": side.things["organization"], "user": stage.root.pk, "role": "EDITOR"},
    ),
    "admin/accounts/membership/<str:object_id>/change/": Rule(
        get=ADMINISTRATOR | ROOT,
        post=ADMINISTRATOR | ROOT,
        to="membership",
        send={"role": "EDITOR", "may_review": "on", "reach": "all"},
    ),
    "admin/accounts/membership/<str:object_id>/delete/": Rule(
        get=ADMINISTRATOR | ROOT, post=ADMINISTRATOR | ROOT, to="membership"
    ),
    "admin/accounts/membership/invite/": Rule(
        get=ADMINISTRATORS | ROOT,
        post=ADMINISTRATORS | ROOT,
        ask="?organization={organization}",
        send={"email": "somebody@example.com", "role": "VIEWER"},
    ),
    "admin/accounts/membership/invited/<uuid:pk>/revoke/": Rule(
        get=ADMINISTRATOR | ROOT, post=ADMINISTRATOR | ROOT, to="invitation"
    ),
    "admin/rules/": Rule(get=ADMINISTRATORS | ROOT),
    "admin/rules/<uuid:organization_id>/": Rule(
        get=ADMINISTRATOR | ROOT,
        post=ADMINISTRATOR | ROOT,
        to="organization",
        send={"known": "0000", "second_approver": "on"},
    ),
    "admin/invitation/<str:token>/": Rule(
        get=EVERYBODY,
        post=EVERYBODY,
        to="joining",
        send={"username": "joiner", "password": "a-new-one-of-the-walk", "again": "a-new-one-of-the-walk"},
        quiet=True,  # whoever is signed in under another address is told so
        bearer=True,
    ),
    "admin/accounts/user/<int:pk>/rescue/": Rule(get=ROOT, post=ROOT, to="user", send={"sign_out": "on"}),
    "admin/accounts/user/": Rule(get=ROOT),
    "admin/accounts/user/add/": Rule(
        get=ROOT,
        post=ROOT,
        send={"username": "new", "password1": "a-new-one-of-the-walk", "password2": "a-new-one-of-the-walk"},
    ),
    "admin/accounts/user/<id>/password/": Rule(
        get=ROOT,
        post=ROOT,
        to="user",
        send={"password1": "a-new-one-of-the-walk", "password2": "a-new-one-of-the-walk"},
    ),
    "admin/accounts/user/<path:object_id>/history/": Rule(get=ROOT, to="user"),
    "admin/accounts/user/<path:object_id>/delete/": Rule(to="user", send={"post": "yes"}),
    "admin/accounts/user/<path:object_id>/change/": Rule(
        get=ROOT, post=ROOT, to="user", send={"username": "casa-renamed", "time_zone": "UTC", "is_active": "on"}
    ),
    "admin/accounts/user/<path:object_id>/": Rule(get=PEOPLE, to="user"),
    # Keys.
    "admin/accounts/apikey/": Rule(get=ANY_MEMBER),
    "admin/accounts/apikey/add/": Rule(
        get=ADMINISTRATOR | OUTSIDER,
        post=ADMINISTRATOR | OUTSIDER,
        send=lambda side, _stage: {
            "organization": side.things["organization"],
            "name": f"{side.word}-agent",
            "key_id": f"dk_{'0' * 24}",
            "scopes": "read",
            "reach": "all",
        },
    ),
    "admin/accounts/apikey/<str:key_id>/change/": Rule(get=MEMBERS, to="key"),
    "admin/accounts/apikey/<str:key_id>/access/": Rule(
        get=ADMINISTRATOR, post=ADMINISTRATOR, to="key", send={"scopes": "read", "reach": "all"}
    ),
    "admin/accounts/apikey/<str:key_id>/rotate/": Rule(
        get=ADMINISTRATOR,
        post=ADMINISTRATOR,
        to="key",
        send=lambda side, _stage: {"overlap": "24", "known": side.fingerprint},
    ),
    "admin/accounts/apikey/<str:key_id>/revoke/": Rule(get=ADMINISTRATOR, post=ADMINISTRATOR, to="key"),
    # The trail: to be read.
    "admin/accounts/auditevent/": Rule(get=ANY_MEMBER),
    "admin/accounts/auditevent/add/": Rule(),
    "admin/accounts/auditevent/<path:object_id>/history/": Rule(get=MEMBERS, to="event"),
    "admin/accounts/auditevent/<path:object_id>/delete/": Rule(to="event", send={"post": "yes"}),
    "admin/accounts/auditevent/<path:object_id>/change/": Rule(get=MEMBERS, to="event", send={"verb": "approve"}),
    "admin/accounts/auditevent/<path:object_id>/": Rule(get=PEOPLE, to="event"),
    # Channels, what is live, superpowers.
    "admin/posts/channel/": Rule(get=ANY_MEMBER),
    "admin/posts/channel/add/": Rule(
        get=ADMINISTRATOR | OUTSIDER,
        post=ADMINISTRATOR | OUTSIDER,
        send=lambda side, _stage: {"type": "FB_PAGE", "platform_id": "4711", "name": f"{side.word}-new", "token": "t"},
    ),
    "admin/posts/channel/<str:object_id>/change/": Rule(
        get=ADMINISTRATOR, post=ADMINISTRATOR, to="channel", send={"name": "casa-renamed", "token": "t"}
    ),
    "admin/posts/channel/<int:channel_id>/disconnect/": Rule(post=ADMINISTRATOR, to="channel"),
    "admin/posts/channel/<int:channel_id>/resume/": Rule(post=ADMINISTRATOR, to="channel", quiet=True),
    "admin/posts/channel/<int:channel_id>/reading/": Rule(get=MEMBERS, to="channel"),
    "admin/posts/publishedpost/": Rule(get=ANY_MEMBER),
    "admin/posts/publishedpost/<int:post_id>/": Rule(get=MEMBERS, to="live"),
    "admin/posts/publishedpost/<int:post_id>/comments/": Rule(get=MEMBERS, to="live"),
    "admin/posts/publishedpost/<int:post_id>/comments.csv": Rule(get=MEMBERS, to="live"),
    "admin/posts/publishedpost/<int:post_id>/insights/": Rule(get=MEMBERS, to="live"),
    "admin/posts/superpowertemplate/": Rule(get=ANY_MEMBER),
    "admin/posts/superpowertemplate/add/": Rule(
        get=EDITORS | OUTSIDER,
        post=EDITORS | OUTSIDER,
        send=lambda side, _stage: {"name": f"{side.word}-more", "hashtag": f"{side.word}-more", "public": "Thanks"},
    ),
    "admin/posts/superpowertemplate/<str:object_id>/change/": Rule(
        get=EDITORS, post=EDITORS, to="template", send={"name": "casa-else", "hashtag": "casa-else", "public": "Thanks"}
    ),
    # Scheduled posts: everybody of the organization looks, editors write, reviewers decide.
    "admin/scheduling/scheduledpost/": Rule(get=ANY_MEMBER),
    "admin/scheduling/scheduledpost/add/": Rule(get=EDITORS | OUTSIDER, post=EDITORS | OUTSIDER, send=typed),
    "admin/scheduling/scheduledpost/<str:object_id>/change/": at("draft", get=EDITORS, post=EDITORS, send=typed),
    "admin/scheduling/scheduledpost/<uuid:post_id>/review/": at("waiting", get=MEMBERS),
    "admin/scheduling/scheduledpost/<uuid:post_id>/approve/": at("waiting", post=REVIEWER, send=approval, decides=True),
    "admin/scheduling/scheduledpost/<uuid:post_id>/publish/": at("waiting", post=REVIEWER, send=approval, decides=True),
    "admin/scheduling/scheduledpost/<uuid:post_id>/reject/": at("waiting", post=REVIEWER, send={"notes": "Shorter"}),
    "admin/scheduling/scheduledpost/<uuid:post_id>/live/": at(
        "failed",
        post=REVIEWER,
        send=lambda side, _stage: {
            "delivery": side.things["delivery"],
            "post_id": f"{side.account.id}_4711",
            **side.pages["failed"],
        },
        decides=True,  # what was approved before turns out to be live
    ),
    "admin/scheduling/scheduledpost/<uuid:post_id>/absent/": at(
        "failed", post=REVIEWER, send=lambda side, _stage: {"delivery": side.things["delivery"], **side.pages["failed"]}
    ),
    "admin/scheduling/scheduledpost/<uuid:post_id>/revert/": at("scheduled", post=EDITORS | REVIEWER),
    "admin/scheduling/scheduledpost/<uuid:post_id>/submit/": at("draft", post=EDITORS),
    "admin/scheduling/scheduledpost/<uuid:post_id>/delete/": at("draft", post=EDITORS),
    "admin/scheduling/scheduledpost/<uuid:post_id>/recheck/": at("waiting", post=EDITORS | REVIEWER, quiet=True),
    "admin/scheduling/scheduledpost/<uuid:post_id>/move/": at(
        "waiting",
        get=MEMBERS,
        post=EDITORS,
        send=lambda _side, stage: {"way": "edit", "when": stage.in_an_hour[:16], "version": "1"},
    ),
    "admin/scheduling/scheduledpost/approve/": Rule(
        post=PEOPLE, send=several, quiet=True, decides=True
    ),  # says of each
    "admin/scheduling/scheduledpost/calendar/": Rule(get=ANY_MEMBER),
    "admin/scheduling/scheduledpost/views/keep/": Rule(post=PEOPLE, send={"name": "Mine", "query": "status=DRAFT"}),
    "admin/scheduling/scheduledpost/views/<int:view_id>/forget/": at("view", post=PEOPLE, quiet=True),  # one's own only
    # What people and systems are told.
    "admin/scheduling/notice/": Rule(get=ANY_MEMBER),
    "admin/scheduling/notice/mine/": Rule(get=ANY_MEMBER, post=ANY_MEMBER, quiet=True),  # some are told nothing
    "admin/scheduling/notice/<int:dispatch_id>/again/": Rule(post=ADMINISTRATOR, to="dispatch"),
    "admin/scheduling/webhook/": Rule(get=ADMINISTRATORS),
    "admin/scheduling/webhook/add/": Rule(get=ADMINISTRATORS, post=ADMINISTRATORS, send=hook),
    "admin/scheduling/webhook/<str:object_id>/change/": Rule(
        get=ADMINISTRATOR, post=ADMINISTRATOR, to="webhook", send=hook
    ),
    "admin/scheduling/webhook/<uuid:hook_id>/remove/": Rule(post=ADMINISTRATOR, to="webhook"),
    "admin/scheduling/webhook/<uuid:hook_id>/rotate/": Rule(
        post=ADMINISTRATOR, to="webhook", send=lambda side, _stage: {"known": side.hook_fingerprint}
    ),
    "admin/scheduling/webhook/<uuid:hook_id>/test/": Rule(post=ADMINISTRATOR, to="webhook"),
}

# More to be sent to the same address: the part after the # only tells the lines apart.
VARIANTS: dict[str, Rule] = {
    "admin/scheduling/scheduledpost/<uuid:post_id>/move/#approve": at(
        "waiting",
        get=MEMBERS,
        post=REVIEWER,
        send=lambda side, stage: {"way": "approve", "when": stage.in_an_hour[:16], **approval(side, stage)},
        decides=True,
    ),
    "admin/scheduling/scheduledpost/<uuid:post_id>/move/#reapprove": at(
        "scheduled",
        get=MEMBERS,
        post=REVIEWER,
        send=lambda side, _stage: {
            "way": "reapprove",
            "when": "2031-01-01T10:00",
            "version": "1",
            **side.pages["scheduled"],
        },
        decides=True,
    ),
    "admin/scheduling/scheduledpost/<uuid:post_id>/move/#resubmit": at(
        "scheduled", get=MEMBERS, post=EDITORS, send={"way": "resubmit", "when": "2031-01-01T10:00", "version": "1"}
    ),
}

# The bulk actions of the desk's lists, by "app.model action": as for routes, `to` names the row that is ticked.
ACTIONS: dict[str, Rule] = {}
