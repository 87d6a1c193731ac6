"""CPU of requests: of the mix that agents send, by kind, and of a page of the list of posts beside its floor."""

import http.client
import json
import random
from collections import deque
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from accounts import clock
from accounts.models import ApiKey, Organization
from posts.models import Channel, PublishedPost
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost
from tests.benchmarks.fake_posts import create_channels, create_posts
from tests.benchmarks.publish_latency import PostSeries
from tests.benchmarks.report import Figure
from tests.benchmarks.web_server import Caller, Web, cpu
from tests.chaos.environment import Stage
from tests.chaos.scenarios import MEDIA
from tests.helpers import stamp
from tests.services.sandbox import SandboxControl

WARM_UP, REQUESTS = 60, 300
CHANNELS, ROUNDS, EACH = 50, 6, 50


@dataclass(frozen=True)
class Kind:
    """One kind of request and its share in percent. `{draft}` in the path stands for the id of an existing draft."""

    name: str
    share: int
    method: str
    path: str
    body: bytes = b""
    status: int = 200


def request_kinds(sandbox: SandboxControl, channel: Channel) -> list[Kind]:
    """Return the mix. The drafts are complete: media, scheduled time, caption."""
    draft = {
        "media": sandbox.media(f"{MEDIA[0]}.jpg"),
        "mediaType": "IMAGE",
        "scheduledFor": stamp(clock.now() + timedelta(days=30)),
        "channels": {channel.public_id: {"mediumType": channel.type, "caption": "Drafted under load"}},
        "brief": "A request of the benchmark",
    }
    return [
        Kind("list published posts", 25, "GET", "/posts?limit=10"),
        Kind("list scheduled posts", 20, "GET", "/scheduled-posts?limit=10"),
        Kind("read a scheduled post", 20, "GET", "/scheduled-posts/{draft}"),
        Kind("list channels", 10, "GET", "/channels"),
        Kind("list organizations", 4, "GET", "/organizations"),
        Kind("create a draft", 11, "POST", "/scheduled-posts", json.dumps(draft).encode(), 201),
        Kind("edit a draft", 4, "PATCH", "/scheduled-posts/{draft}", b'{"brief": "Another request of the benchmark"}'),
        Kind("submit a draft", 2, "POST", "/scheduled-posts/{draft}/submit-for-approval"),
        Kind("a wrong signature", 4, "GET", "/channels", status=403),
    ]


def create_data(key: ApiKey, channel: Channel) -> None:
    """Create the posts that the mix lists, once for an organization."""
    if PublishedPost.objects.filter(organization=key.organization).exists():
        return
    create_posts(create_channels(key.organization, 20), 2000)
    posts = [
        ScheduledPost(
            organization_id=key.organization_id,
            status=(Status.DRAFT, Status.REJECTED)[number % 2],
            scheduled_for=clock.now() + timedelta(days=20, minutes=number),
            created_by_key=key,
        )
        for number in range(5000)
    ]
    ScheduledPost.objects.bulk_create(posts, batch_size=1000)
    Delivery.objects.bulk_create(
        [Delivery(post=post, organization_id=key.organization_id, channel=channel, caption="Ready") for post in posts],
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def send(connection: http.client.HTTPConnection, caller: Caller, kind: Kind, drafts: deque[str]) -> str:
    """Send one request of the kind; return the status. A created draft is added to `drafts`, a submitted one leaves."""
    headers, path = caller.headers(), kind.path
    if kind.body:
        headers["content-type"] = "application/json"
    if kind.status == 403:
        headers["x-signature"] = "0" * 64
    if "{draft}" in path:
        draft = drafts.popleft() if path.endswith("/submit-for-approval") else random.choice(drafts)
        path = path.replace("{draft}", draft)
    connection.request(kind.method, f"/v1{path}", kind.body or None, headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == 201:
        drafts.append(json.loads(body)["id"])
    return "" if answer.status == kind.status else f"{answer.status} to {kind.name}"


def measure_mix(series: PostSeries) -> list[Figure]:
    """Return the CPU of each kind, sent on one connection while nothing else runs, and of the mix."""
    stage, channel = series.stage, series.crowd.channels[0]
    caller = Caller(series.crowd.organization)
    create_data(caller.key, channel)
    kinds = request_kinds(stage.sandbox, channel)
    create = next(kind for kind in kinds if kind.status == 201)
    used: dict[str, list[float]] = {}
    with Web(caller, stage.folder / "web.log", processes=1, threads=2) as web:
        pids = [process.pid for process in (web.server.process, stage.postgres.process, stage.redis.process) if process]
        connection, drafts = web.connect(), deque[str]()
        for kind in kinds:
            _send_many(connection, caller, create, drafts, WARM_UP + REQUESTS if "{draft}" in kind.path else 1)
            _send_many(connection, caller, kind, drafts, WARM_UP)
            before = [cpu([pid]) for pid in pids]
            _send_many(connection, caller, kind, drafts, REQUESTS)
            used[kind.name] = [(cpu([pid]) - start) / REQUESTS for pid, start in zip(pids, before, strict=True)]
        connection.close()
    mix = [sum(kind.share * used[kind.name][part] for kind in kinds) / 100 for part in range(3)]
    rows = [("a signed request of the mix, CPU", mix), *((f"  {name}", parts) for name, parts in used.items())]
    return [Figure(name, "-", _cpu_text(*parts)) for name, parts in rows]


def _send_many(
    connection: http.client.HTTPConnection, caller: Caller, kind: Kind, drafts: deque[str], times: int
) -> None:
    for _ in range(times):
        if error := send(connection, caller, kind, drafts):
            raise RuntimeError(error)


def _cpu_text(web: float, postgres: float, redis: float) -> str:
    milliseconds = f"web {web * 1000:.2f}, PostgreSQL {postgres * 1000:.2f}, Redis {redis * 1000:.2f}"
    return f"{(web + postgres + redis) * 1000:.2f} ms ({milliseconds})"


def measure_list(stage: Stage, count: int) -> list[Figure]:
    """Return the CPU, of Python and PostgreSQL together, of a page of 100 out of `count` posts, as ratios."""
    organization = Organization.objects.create(name="Reading")
    channels = create_channels(organization, CHANNELS)
    create_posts(channels, count)
    with Web(Caller(organization), stage.folder / "web.log", processes=1, threads=4) as web:
        if json.loads(web.get("/bench/floor")[0]) != json.loads(web.get("/posts")[0]):
            raise RuntimeError("the floor is another list")
        deep, deep_page = 2, "/posts"
        while deep < min(1000, count // 200):
            deep_page = web.get(deep_page)[1].partition("/v1")[2].partition(">")[0]
            deep += 1
        paths = {
            "floor": "/bench/floor",
            "ours": "/posts",
            "deep": deep_page,
            "channel": f"/posts?mediumId={channels[0].public_id}",
            "type": "/posts?type=STORY",
            "dates": "/posts?startDate=2020-01-01&endDate=2999-12-31",
        }
        pids = [process.pid for process in (web.server.process, stage.postgres.process) if process]
        used = dict.fromkeys(paths, 0.0)
        for number in range(ROUNDS + 1):  # the paths take turns, so that all see the same machine
            for name, path in paths.items():
                before = cpu(pids)
                web.get(path, EACH)
                if number:  # the first round warms up
                    used[name] += (cpu(pids) - before) / EACH / ROUNDS
    floor, ours = used["floor"], used["ours"]
    pairs = {
        f"page {deep:,} / page 1": used["deep"] / ours,
        f"{CHANNELS} channels merged / one": ours / used["channel"],
        "filtered by type / not": used["type"] / ours,
        "filtered by dates / not": used["dates"] / ours,
    }
    return [
        Figure(f"reading {count:,} posts, 100 a page, CPU", "-", f"floor {floor * 1000:.1f} ms"),
        Figure("  ours / the floor", "<= 1.6 x", f"{ours / floor:.2f} x ({ours * 1000:.1f} ms)", ours <= 1.6 * floor),
        *(Figure(f"  {name}", "within 1.2 x", f"{x:.2f} x", 1 / 1.2 <= x <= 1.2) for name, x in pairs.items()),
    ]
