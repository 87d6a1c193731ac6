"""What a page of the list of posts costs: CPU of Python and PostgreSQL together, beside the least that it can cost."""

import json
from contextlib import ExitStack

import psycopg
from django.db import connections
from django.test import RequestFactory
from rest_framework.request import Request

from accounts.api.pagination import KeysetPagination
from accounts.models import Organization
from posts.domain import seeding
from posts.models import PublishedPost
from tests.benchmarks.report import Figure, at
from tests.benchmarks.web_server import Caller, Web, cpu
from tests.chaos.environment import Stage

CHANNELS, SMALL = 50, 10_000
ROUNDS, EACH = 6, 50
CROWD = 1200


def measure(stage: Stage, count: int) -> list[Figure]:
    """Return the figures for `count` posts; the few that they are compared with are in a database of their own."""
    organization = Organization.objects.create(name="Reading")
    caller = Caller(organization)
    on = seeding.channels(organization, CHANNELS)
    seeding.fill(organization, on, SMALL)
    small = _copied(stage)
    seeding.fill(organization, on, count)
    deep = min(500_000, count // 2)
    with ExitStack() as stack:
        web = stack.enter_context(Web(stage.postgres.url, caller, stage.folder / "web.log"))
        other = stack.enter_context(Web(small, caller, stage.folder / "web-small.log"))
        if json.loads(web.ask("/bench/floor")[0]) != json.loads(web.ask("/posts")[0]):
            raise RuntimeError("the floor is another list")
        asked = {
            "floor": (web, "/bench/floor"),
            "ours": (web, "/posts"),
            "plain": (web, "/bench/plain"),
            "naive": (web, "/bench/naive"),
            "deep": (web, f"/posts?cursor={_cursor(caller, deep)}"),
            "channel": (web, f"/posts?mediumId={on[0].wire_id}"),
            "type": (web, "/posts?type=STORY"),
            "dates": (web, "/posts?startDate=2020-01-01&endDate=2999-12-31"),
            "small": (other, "/posts"),
        }
        cost = _costs(stage, asked)
        waits = {name: web.crowd(path, CROWD) for name, path in (("ours", "/posts"), ("plain", "/bench/plain"))}
    return [*_ratios(cost, count), *_evenness(cost, count, deep), *_tails(waits)]


def _ratios(cost: dict[str, float], count: int) -> list[Figure]:
    floor = cost["floor"]

    def said(name: str) -> str:
        return f"{cost[name] / floor:.2f} x ({cost[name] * 1000:.1f} ms)"

    return [
        Figure(f"reading {count:,} posts, 100 a page, CPU", "-", "-", f"floor {floor * 1000:.1f} ms"),
        Figure("  ours / the floor", "4.5 django-ninja", "<= 1.6 x", said("ours"), cost["ours"] <= 1.6 * floor),
        Figure("  DRF's ModelSerializer, select_related", "5.6", "-", said("plain")),
        Figure("  naive DRF: a query per row, a count", "31", "-", said("naive")),
    ]


def _evenness(cost: dict[str, float], count: int, deep: int) -> list[Figure]:
    pairs = [
        (f"page {deep // 100:,} / page 1", "deep", "ours"),
        (f"{CHANNELS} channels merged / one", "ours", "channel"),
        (f"{count:,} posts / {SMALL:,}", "ours", "small"),
        ("filtered by type / not", "type", "ours"),
        ("filtered by dates / not", "dates", "ours"),
    ]
    figures = []
    for name, one, other in pairs:
        ratio = cost[one] / cost[other]
        good = 1 / 1.2 <= ratio <= 1.2
        figures.append(Figure(f"  {name}", "grows with the offset", "within 1.2 x", f"{ratio:.2f} x", good))
    return figures


def _tails(waits: dict[str, list[float]]) -> list[Figure]:
    figures = []
    for name, goal in (("ours", 3.0), ("plain", None)):
        middle, last = at(waits[name], 0.5), at(waits[name], 0.99)
        said = f"{last / middle:.1f} x (p50 {middle * 1000:.0f}, p99 {last * 1000:.0f} ms)"
        good = None if goal is None else last <= goal * middle
        figures.append(
            Figure(f"  p99 / p50, 4 connections, {name}", "8 plain DRF", "<= 3 x" if goal else "-", said, good)
        )
    return figures


def _costs(stage: Stage, asked: dict[str, tuple[Web, str]]) -> dict[str, float]:
    """Return the CPU seconds of one request each. They take turns, so that all see the same machine."""
    spent = dict.fromkeys(asked, 0.0)
    for number in range(ROUNDS + 1):
        for name, (web, path) in asked.items():
            if stage.postgres.process is None:
                raise RuntimeError("PostgreSQL is gone")
            times = EACH if name != "naive" else EACH // 5
            pids = (web.process.pid, stage.postgres.process.pid)
            before = cpu(pids)
            web.ask(path, times)
            if number:  # the first round warms up
                spent[name] += (cpu(pids) - before) / times
    return {name: seconds / ROUNDS for name, seconds in spent.items()}


def _copied(stage: Stage) -> str:
    """Return the URL of a copy of the database as it is now."""
    connections.close_all()
    url = stage.postgres.url.rpartition("/")[0]
    with psycopg.connect(f"{url}/template1", autocommit=True) as connection:
        connection.execute("CREATE DATABASE small TEMPLATE postgres")
        connection.execute("VACUUM ANALYZE")
    return f"{url}/small"


def _cursor(caller: Caller, deep: int) -> str:
    """Return the cursor that follows the row at this place, without walking there."""
    rows = PublishedPost.objects.filter(organization=caller.key.organization)
    last = rows.order_by("-published_at", "-platform_id")[deep - 1]
    request = Request(RequestFactory().get("/v1/posts"))
    request._auth = caller.key
    return KeysetPagination("posts", ["-published_at", "-platform_id"]).encode_cursor(request, last)
