"""What must be so before an example of the API's description can be replayed, and how its answer is compared."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.conf import settings
from django.test import override_settings

from accounts import clock
from accounts.api.examples import Example
from accounts.domain import actors
from accounts.models import Organization, User
from posts.api.examples import COMMENT, EARLIER, FIGURES
from posts.api.examples import POST as LIVE
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from scheduling.api.examples import GREETER, MEDIA
from scheduling.domain import digest, publishing, review
from scheduling.domain.drafts import ChannelText
from scheduling.models import ScheduledPost
from tests.api_client import MISSING, SignedClient, stamp
from tests.dynamo.sandbox.calls import Caller
from tests.services.sandbox import FACEBOOK, SandboxControl

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


def differences(said: Any, found: Any, at: str = "") -> list[str]:
    """Return where the answer is not what the example says."""
    if isinstance(said, dict) and isinstance(found, dict) and said.keys() == found.keys():
        return [line for key in said for line in differences(said[key], found[key], f"{at}.{key}")]
    if isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        return [
            line for n, (a, b) in enumerate(zip(said, found, strict=True)) for line in differences(a, b, f"{at}[{n}]")
        ]
    differs = at.rpartition(".")[2] in DIFFERS and isinstance(said, str) and isinstance(found, str)
    if said == found or (differs and kind(said) == kind(found)):
        return []
    return [f"{at or 'the whole'}: {said!r} is {found!r}"]


def kind(text: str) -> str:
    """Return the first kind of text that it is one of."""
    return next((one for one in KINDS if re.fullmatch(one, text)), "text")


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
            channels={self.facebook.wire_id: ChannelText("FB_PAGE", "Hello 👋", None)},
        )
        if status == "REJECTED":
            review.submit(actors.api_key(self.api.key), post)
            review.reject(actors.api_key(self.api.key), post, notes="Shorter, please")
        if status in {"SCHEDULED", "PUBLISHED"}:
            seated = self.seat(self.reviewer, self.organization)
            review.approve(seated, post, turn=post.turn, digest=digest.current(post)[1], now=published)
            post.refresh_from_db()
        if published:
            assert publishing.publish(str(post.pk), str(post.task_id)) == "published"
            ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=DUE)
            post.deliveries.update(permalink=LIVE["permalink"])
        return str(post.pk)

    def live(self) -> str:
        """Publish on the platform, where two people say something; return the post's id there."""
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
        values = {metric: value for metric, (_, value) in FIGURES.items()}
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


def replay(stage: Stage, method: str, path: str, example: Example) -> tuple[int, str]:
    """Bring about what the example needs, send it, and return the answer's status and content."""
    call = Call(path.removeprefix("/v1"))
    arrange(stage, call, example.given)
    if isinstance(example.body, bytes):
        call.body = example.body
    as_json = MISSING if call.body is not None or example.body is None else example.body
    with override_settings(**call.settings), time_machine.travel(clock.now(), tick=False):
        for _ in range(1 + call.before):
            answer = stage.api.call(
                method, call.path.replace("{post_id}", call.post), as_json, body=call.body,
                content_type=call.content_type if call.body is not None else None,
                headers={**call.headers, **example.headers}, query=dict(example.query),
            )  # fmt: skip
    found = answer.status_code, answer.getvalue().decode()
    stage.sandbox.heal()
    return found


def arrange(stage: Stage, call: Call, given: str) -> None:
    """Make it so. Raises KeyError for words that nobody knows."""
    if found := re.fullmatch(r"an? ([A-Z_]+) post", given):
        call.post = stage.post(found[1])
        return
    if "live" in given or ("{post_id}" in call.path and given != "nothing there"):
        call.post = stage.live() if "/posts" in call.path else stage.post("DRAFT")
    if given:
        WORDS[given](stage, call)


def _signed(**headers: str) -> Callable[[Stage, Call], None]:
    return lambda _stage, call: call.headers.update({name.replace("_", "-"): text for name, text in headers.items()})


def _organization(**columns: Any) -> Callable[[Stage, Call], None]:
    return lambda stage, _call: _write(stage.organization, **columns)


def _write(row: Any, **columns: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**columns)


def _old(stage: Stage, call: Call) -> None:
    call.headers |= stage.api.signature(stamp(clock.now() - timedelta(minutes=5)))


def _large(_stage: Stage, call: Call) -> None:
    # A full signature has the body read where nobody else looks at it.
    call.headers["x-signature-full"] = "0" * 64
    call.body = b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)


def _many(_stage: Stage, call: Call) -> None:
    call.settings, call.before = {"API_RATE_PER_MINUTE": 1}, 1


def _typed(_stage: Stage, call: Call) -> None:
    call.body, call.content_type = b"status=DRAFT", "application/x-www-form-urlencoded"


def _empty(stage: Stage, call: Call) -> None:
    call.post = str(stage.make_draft(media=None, media_type=None, scheduled_for=None, channels={}).pk)


def _hashtag(stage: Stage, _call: Call) -> None:
    stage.make_draft(channels={stage.facebook.wire_id: ChannelText("FB_PAGE", "Hello 👋", GREETER)})


def _template(stage: Stage, _call: Call) -> None:
    document = {"name": "Greeter", "hashtag": "greeter", "templateType": "GENERAL", "active": True}
    SuperpowerTemplate.objects.create(
        organization=stage.organization, name="Greeter", lookup_hashtag="greeter", document=document
    )


def _fault(fault: str, **more: Any) -> Callable[[Stage, Call], None]:
    return lambda stage, _call: stage.sandbox.fault("GET .*(comments|insights)", fault, times=50, **more)


def _nothing(_stage: Stage, _call: Call) -> None:
    """It is so already."""


WORDS: dict[str, Callable[[Stage, Call], None]] = {
    "nothing there": _nothing,
    "two channels": _nothing,
    "a live post": _nothing,
    "a live post, and a platform that fails": _fault("expired_token"),
    "a live post, and a platform that is busy": _fault("throttle", minutes=3),
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
