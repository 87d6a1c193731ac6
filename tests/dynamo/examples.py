"""What must be so before an example of the API's description can be replayed, and how its answer is compared."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.conf import settings
from django.test import override_settings

from accounts import clock
from accounts.domain import actors
from accounts.models import Organization, User
from posts.api.openapi import COMMENT, METRICS, PAGE
from posts.api.openapi import POST as LIVE
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from scheduling.api.openapi import DRAFT, GREETER, MEDIA, WITH_SUPERPOWER
from scheduling.domain import content, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import run
from scheduling.models import ScheduledPost
from tests.dynamo.sandbox.calls import Caller
from tests.helpers import MISSING, SignedClient, stamp
from tests.services.sandbox import FACEBOOK, SandboxControl

EARLIER = "122100000000001_22000000000000"
NOWHERE = "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11"
DUE = datetime(2031, 7, 1, 13, tzinfo=UTC)
# What is another at each call is compared by its kind.
DIFFERS = {
    "id", "orgId", "taskId", "createdAt", "updatedAt", "publishedAt", "fetchedAt", "media", "postId", "permalink",
    "nextCursor", "csvUrl", "creativeTemplateId",
}  # fmt: skip
KINDS = (
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    r"https?://\S+",
    r"\d+_\d+",
    r"[\w:.=-]+",
)


def differences(expected: Any, actual: Any, at: str = "") -> list[str]:
    """Return the differences between the example and the response."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        return [line for key in expected for line in differences(expected[key], actual[key], f"{at}.{key}")]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for n, (a, b) in enumerate(zip(expected, actual, strict=True))
            for line in differences(a, b, f"{at}[{n}]")
        ]
    differs = at.rpartition(".")[2] in DIFFERS and isinstance(expected, str) and isinstance(actual, str)
    if expected == actual or (differs and kind(expected) == kind(actual)):
        return []
    return [f"{at or 'the whole'}: {expected!r} is {actual!r}"]


def kind(text: str) -> str:
    """Return the first kind of text that it is one of."""
    return next((item for item in KINDS if re.fullmatch(item, text)), "text")


@dataclass(frozen=True)
class Stage:
    """What the scenes are made of: the fixtures of the suite."""

    api: SignedClient
    organization: Organization
    facebook: Channel
    sandbox: SandboxControl
    make_draft: Callable[..., ScheduledPost]
    seat: Callable[..., Any]
    reviewer: User

    def post(self, status: str) -> str:
        """Bring a post into a state; return its id."""
        published = status == "PUBLISHED"
        post = self.make_draft(
            submit=status not in {"DRAFT", "REJECTED"},
            media=self.sandbox.media() if published else MEDIA,
            scheduled_for=DUE,
            channels={self.facebook.public_id: ChannelText("FB_PAGE", "Hello 👋", None)},
        )
        if status == "REJECTED":
            review.submit(actors.api_key_actor(self.api.key), post)
            review.reject(actors.api_key_actor(self.api.key), post, notes="Shorter, please")
        if status in {"SCHEDULED", "PUBLISHED"}:
            seated = self.seat(self.reviewer, self.organization)
            review.approve(seated, post, revision=post.revision, digest=content.current_content(post)[1], now=published)
            post.refresh_from_db()
        if published:
            assert run.publish(str(post.pk), str(post.task_id)) == "published"
            ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=DUE)
            post.deliveries.update(permalink=LIVE["permalink"])
        return str(post.pk)

    def publish(self) -> str:
        """Publish on the platform, with two comments; return the post's id there."""
        self.sandbox.reset()
        name = Caller(self.sandbox, FACEBOOK).edge("feed", message=LIVE["caption"])["id"]
        metrics = LIVE["metrics"]
        PublishedPost.objects.create(
            organization=self.organization, channel=self.facebook, platform_id=name, published_at=DUE,
            caption=LIVE["caption"], media_url=LIVE["mediaUrl"], media_type=LIVE["mediaType"],
            permalink=LIVE["permalink"], **metrics,
        )  # fmt: skip
        first = {"id": COMMENT["id"], "text": COMMENT["text"], "likes": COMMENT["likes"], "created_at": DUE.timestamp()}
        items = [first, {"id": EARLIER, "text": "Até já!", "created_at": DUE.timestamp() - 60}]
        self.sandbox.call("POST", "/__comments", {"post": name, "items": items})
        values = {metric: value for metric, (_, value) in METRICS.items()}
        self.sandbox.call("POST", "/__insights", {"post": name, "values": values, "refused": {"post_clicks": 100}})
        return str(name)


@dataclass
class Call:
    """How an example is sent. `post` is the id that its path names."""

    path: str
    post: str = NOWHERE
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    settings: dict[str, Any] = field(default_factory=dict)
    before: int = 0


@dataclass(frozen=True)
class Scene:
    """The state that an example needs, as `arrange` names it, and the parts of the request that it does not contain."""

    given: str = ""
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def scene(operation: dict[str, Any], name: str) -> Scene:
    """Return the scene of an example of the operation; its body is that of the request's example of the same name."""
    result = SCENES.get(f"{operation['operationId']} {name}") or SCENES.get(name) or Scene()
    bodies = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
    for key, example in bodies.items():
        if example.get("summary", key) == name:
            result = replace(result, body=example["value"])
    needs_channel = any(
        parameter["name"] == "mediumId" and parameter.get("required") for parameter in operation.get("parameters", [])
    )
    if needs_channel and "mediumId" not in result.query and name != "Without its channel":
        result = replace(result, query={"mediumId": PAGE, **result.query})
    return result


def replay(stage: Stage, method: str, path: str, scene: Scene) -> tuple[int, str]:
    """Set up the scene, send its request, and return the status and content of the response."""
    call = Call(path.removeprefix("/v1"))
    arrange(stage, call, scene.given)
    if isinstance(scene.body, bytes):
        call.body = scene.body
    as_json = MISSING if call.body is not None or scene.body is None else scene.body
    with override_settings(**call.settings), time_machine.travel(clock.now(), tick=False):
        for _ in range(1 + call.before):
            answer = stage.api.call(
                method, call.path.replace("{post_id}", call.post), as_json, body=call.body,
                content_type=call.content_type if call.body is not None else None,
                headers={**call.headers, **scene.headers}, query=scene.query,
            )  # fmt: skip
    result = answer.status_code, answer.getvalue().decode()
    stage.sandbox.heal()
    return result


def arrange(stage: Stage, call: Call, given: str) -> None:
    """Create the state `given`. Raises KeyError for an unknown one."""
    if match := re.fullmatch(r"an? ([A-Z_]+) post", given):
        call.post = stage.post(match[1])
        return
    is_published = call.path.startswith("/posts") and given != "nothing there"
    if is_published or ("{post_id}" in call.path and given != "nothing there"):
        call.post = stage.publish() if is_published else stage.post("DRAFT")
    if given:
        SETUPS[given](stage, call)


def _signed(**headers: str) -> Callable[[Stage, Call], None]:
    return lambda _stage, call: call.headers.update({name.replace("_", "-"): text for name, text in headers.items()})


def _organization(**columns: Any) -> Callable[[Stage, Call], None]:
    return lambda stage, _call: _write(stage.organization, **columns)


def _write(row: Any, **columns: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**columns)


def _old(stage: Stage, call: Call) -> None:
    call.headers |= stage.api.signature(stamp(clock.now() - timedelta(minutes=5)))


def _large(_stage: Stage, call: Call) -> None:
    # The whole body is covered by a full signature.
    call.headers["x-signature-full"] = "0" * 64
    call.body = b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)


def _many(_stage: Stage, call: Call) -> None:
    call.settings, call.before = {"API_RATE_PER_MINUTE": 1}, 1


def _typed(_stage: Stage, call: Call) -> None:
    call.body, call.content_type = b"status=DRAFT", "application/x-www-form-urlencoded"


def _empty(stage: Stage, call: Call) -> None:
    call.post = str(stage.make_draft(media=None, media_type=None, scheduled_for=None, channels={}).pk)


def _hashtag(stage: Stage, _call: Call) -> None:
    stage.make_draft(channels={stage.facebook.public_id: ChannelText("FB_PAGE", "Hello 👋", GREETER)})


def _template(stage: Stage, _call: Call) -> None:
    document = {"name": "Greeter", "hashtag": "greeter", "templateType": "GENERAL", "active": True}
    SuperpowerTemplate.objects.create(
        organization=stage.organization, name="Greeter", lookup_hashtag="greeter", document=document
    )


def _fault(fault: str, **more: Any) -> Callable[[Stage, Call], None]:
    return lambda stage, _call: stage.sandbox.fault("GET .*(comments|insights)", fault, times=50, **more)


def _nothing(_stage: Stage, _call: Call) -> None:
    """It is so already."""


SETUPS: dict[str, Callable[[Stage, Call], None]] = {
    "nothing there": _nothing,
    "a platform that fails": _fault("expired_token"),
    "a platform that is busy": _fault("throttle", minutes=3),
    "an inactive organization": _organization(active=False),
    "a full signature is required": _organization(require_full_signature=True),
    "a key without scopes": lambda stage, _call: _write(stage.api.key, scopes=[]),
    "no signature": _signed(x_signature=""),
    "a wrong signature": _signed(x_signature="0" * 64),
    "a date that is none": _signed(x_date="yesterday"),
    "an old signature": _old,
    "too large a body": _large,
    "too many requests": _many,
    "another content type": _typed,
    "an empty DRAFT post": _empty,
    "a hashtag in use": _hashtag,
    "a superpower template": _template,
}

WAITING = {**DRAFT, "status": "WAITING_FOR_APPROVAL"}


def _channel(name: str = PAGE, **more: Any) -> dict[str, Any]:
    return {"channels": {name: {"mediumType": "FB_PAGE", "caption": "Hello 👋", **more}}}


# By the example's name; where operations differ, by the operation's id and the name.
SCENES: dict[str, Scene] = {
    "Inactive organization": Scene("an inactive organization"),
    "No signature": Scene("no signature"),
    "No date": Scene("a date that is none"),
    "Old signature": Scene("an old signature"),
    "Wrong signature": Scene("a wrong signature"),
    "Full signature wanted": Scene("a full signature is required"),
    "Scope missing": Scene("a key without scopes"),
    "Too large": Scene("too large a body"),
    "Too many": Scene("too many requests"),
    "Not JSON by its type": Scene("another content type"),
    "Not JSON": Scene(body=b'{"status": '),
    "Not found": Scene("nothing there"),
    "Whatever the post": Scene("nothing there"),
    "A limit out of bounds": Scene(query={"limit": "1000"}),
    # Channels, superpowers and published posts
    "A Page": Scene(query={"limit": "1"}),
    "A template": Scene("a superpower template"),
    "One channel, one month": Scene(query={"mediumId": PAGE, "startDate": "2031-07-01", "endDate": "2031-07-31"}),
    "getPosts No date": Scene(query={"startDate": "yesterday"}),
    "Unknown channel": Scene(query={"mediumId": "FB_PAGE_4711"}),
    "A channel to connect again": Scene("a platform that fails"),
    "Rate limited by the platform": Scene("a platform that is busy"),
    "A page of one": Scene(query={"limit": "1"}),
    "getPostComments A limit out of bounds": Scene(query={"limit": "200"}),
    "A cursor of another list": Scene(query={"after": "abc"}),
    "A link": Scene(query={"delivery": "url"}),
    # Scheduled posts
    "Waiting posts": Scene("a WAITING_FOR_APPROVAL post", query={"status": "WAITING_FOR_APPROVAL"}),
    "Unknown state": Scene(query={"status": "LIVE"}),
    "Its date has passed": Scene(body={**WAITING, "scheduledFor": "2024-07-01T13:00:00.000Z"}),
    "postScheduledPosts Nothing in it": Scene(body={"status": "WAITING_FOR_APPROVAL"}),
    "Nothing in it": Scene("an empty DRAFT post"),
    "postScheduledPosts Unknown channel": Scene(body=_channel("FB_PAGE_4711")),
    "patchScheduledPost Unknown channel": Scene(body=_channel("FB_PAGE_4711")),
    "Hashtag in use": Scene("a hashtag in use", body=WITH_SUPERPOWER),
    "Scheduling is for people": Scene(body={**DRAFT, "status": "SCHEDULED"}),
    "A time without an offset": Scene(body={"scheduledFor": "2031-07-01T13:00:00"}),
    "A condition without values": Scene(
        body=_channel(superpower={**GREETER, "conditionGroups": [{"conditions": [{"values": []}]}]})
    ),
    "Incomplete superpower": Scene(body=_channel(superpower={"hashtag": "welcome"})),
    "Published": Scene("a PUBLISHED post"),
    "Another date": Scene("a DRAFT post", headers={"If-Match": '"1"'}),
    "Back from rejected": Scene("a REJECTED post"),
    "No longer publishable": Scene("a WAITING_FOR_APPROVAL post", body={"media": None}),
    "An old version": Scene("a DRAFT post", body={"brief": "Newer"}, headers={"If-Match": '"7"'}),
    "A scheduled post": Scene("a SCHEDULED post", body={"media": MEDIA}),
    "A published post": Scene("a PUBLISHED post"),
    "getPost A published post": Scene(),
    "Sent back": Scene("a WAITING_FOR_APPROVAL post"),
    "A draft post": Scene("a DRAFT post", body={"notes": "Shorter, please"}),
    "Without notes": Scene(body={}),
    "Blank notes": Scene(body={"notes": " "}),
    "Taken back": Scene("a SCHEDULED post"),
}
