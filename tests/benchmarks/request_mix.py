"""What agents ask of the API, and how often: reads, drafts, submissions, and signatures that are wrong."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from accounts import clock
from accounts.models import ApiKey
from posts.domain import seeding
from posts.models import Channel
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost
from tests.api_client import stamp
from tests.chaos.scenarios import MEDIA
from tests.services.sandbox import SandboxControl

PUBLISHED, DRAFTED = 2000, 5000  # posts that there are before


@dataclass(frozen=True)
class Kind:
    """One request. `share` is out of a hundred. `{draft}` in the path is an id of one that was made before."""

    name: str
    share: int
    method: str
    path: str
    body: bytes = b""
    wanted: int = 200
    genuine: bool = True

    @property
    def makes_draft(self) -> bool:
        """Whether the answer is a draft that others may ask for."""
        return self.wanted == 201

    @property
    def uses_up(self) -> bool:
        """Whether the draft that it names is none afterwards."""
        return self.path.endswith("/submit-for-approval")


def kinds(sandbox: SandboxControl, channel: Channel) -> list[Kind]:
    """Return the requests. Drafts are whole: media, an instant, a caption."""
    said = {
        "media": sandbox.media(f"{MEDIA[0]}.jpg"),
        "mediaType": "IMAGE",
        "scheduledFor": stamp(clock.now() + timedelta(days=30)),
        "channels": {channel.wire_id: {"mediumType": channel.type, "caption": "Drafted under load"}},
        "brief": "Because somebody asked",
    }
    draft, changed = json.dumps(said).encode(), json.dumps({"brief": "Because it was asked again"}).encode()
    return [
        Kind("list published posts", 25, "GET", "/posts?limit=10"),
        Kind("list scheduled posts", 20, "GET", "/scheduled-posts?limit=10"),
        Kind("read a scheduled post", 20, "GET", "/scheduled-posts/{draft}"),
        Kind("list channels", 10, "GET", "/channels"),
        Kind("list organizations", 4, "GET", "/organizations"),
        Kind("create a draft", 11, "POST", "/scheduled-posts", draft, 201),
        Kind("edit a draft", 4, "PATCH", "/scheduled-posts/{draft}", changed),
        Kind("submit a draft", 2, "POST", "/scheduled-posts/{draft}/submit-for-approval"),
        Kind("a wrong signature", 4, "GET", "/channels", wanted=403, genuine=False),
    ]


def fill(key: ApiKey, channel: Channel) -> None:
    """Give the organization what lists are made of, in tables that the database has looked at, as it does by itself."""
    seeding.fill(key.organization, seeding.channels(key.organization, 20), PUBLISHED)
    now = clock.now()
    posts = [
        ScheduledPost(
            organization_id=key.organization_id,
            status=(Status.DRAFT, Status.REJECTED)[number % 2],
            scheduled_for=now + timedelta(days=20, minutes=number),
            created_by_key=key,
        )
        for number in range(DRAFTED)
    ]
    ScheduledPost.objects.bulk_create(posts, batch_size=1000)
    Delivery.objects.bulk_create(
        [Delivery(post=one, organization_id=key.organization_id, channel=channel, caption="Ready") for one in posts],
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def head(kind: Kind, path: str, signature: dict[str, str]) -> bytes:
    """Return the request as it goes over the wire, body included."""
    lines = [f"{kind.method} /v1{path} HTTP/1.1", "host: localhost", *(f"{one}: {it}" for one, it in signature.items())]
    if kind.body:
        lines += ["content-type: application/json", f"content-length: {len(kind.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + kind.body
