"""GET /posts/{id}/comments/export: every comment once, defused, and never a short file that looks whole."""

import csv
import http.client
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import clock
from posts.domain import comment_export
from posts.domain.comment_export import COLUMNS
from posts.graph.errors import GraphError
from tests.helpers import SignedClient
from tests.posts.conftest import LivePost
from tests.services.processes import ProcessGroup
from tests.services.sandbox import SandboxControl


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "files")


def rows(body: bytes) -> list[list[str]]:
    csv.field_size_limit(20_000_000)
    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert read[0] == list(COLUMNS)
    return read[1:]


def test_all_comments_and_replies_are_in_the_file_once(api: SignedClient, live_post: LivePost) -> None:
    live_post.comments(count=330, replies=0.4, seed=3)
    answer = api.get(live_post.path("comments/export"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="comments-{live_post.id}.csv"'
    found = rows(answer.getvalue())
    assert len({row[0] for row in found}) == len(found) == 330
    assert {row[1] for row in found if row[1]} < {row[0] for row in found}


def test_a_failure_in_the_middle_breaks_the_stream(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl
) -> None:
    live_post.comments(count=2000, replies=0, seed=3)
    stream = iter(api.get(live_post.path("comments/export")).streaming_content)
    assert next(stream).startswith(b"\xef\xbb\xbfid,")
    sandbox.fault("GET .*/comments", "expired_token", times=None)
    with pytest.raises(GraphError):
        list(stream)


def test_export_closed_by_the_client_stops_the_calls(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl
) -> None:
    live_post.comments(count=2000, replies=0, seed=3)
    sandbox.fault("GET .*/comments", "delay", times=None, seconds=0)

    def calls() -> int:
        return int(sandbox.call("GET", "/__faults")["faults"][0]["hits"])

    answer = api.get(live_post.path("comments/export"))
    assert calls() == 1  # the first page alone, before the first byte
    assert next(iter(answer.streaming_content)).count(b"\r\n") > 1
    assert calls() == 1  # the first chunk does not wait for the second page
    answer.close()
    assert calls() == 1


def test_a_link_opens_the_same_file_until_it_expires(
    api: SignedClient, live_post: LivePost, time_machine: Any, tmp_path: Path
) -> None:
    live_post.comments(count=120, seed=3)
    streamed = api.get(live_post.path("comments/export")).getvalue()
    body = api.get(live_post.path("comments/export", delivery="url")).json()
    assert (set(body), body["totalCount"]) == ({"totalCount", "csvUrl"}, 120)
    link = body["csvUrl"].removeprefix(settings.ADMIN_URL)  # never the Host header (A21)
    kept = api.client.get(link)
    assert (kept.getvalue(), kept.headers["Cache-Control"]) == (streamed, "private, no-store")
    assert len(list(tmp_path.rglob("*.csv"))) == 1
    middle = len(link) // 2
    tampered = link[:middle] + ("A" if link[middle] != "A" else "B") + link[middle + 1 :]
    assert (api.client.get(tampered).status_code, api.client.get("/exports/x").status_code) == (404, 404)
    assert api.client.post(link).status_code == 405
    time_machine.move_to(clock.now() + timedelta(seconds=comment_export.LIFETIME + 1), tick=True)
    assert api.client.get(link).status_code == 403
    assert comment_export.delete_expired() == 1
    assert api.client.get(link).status_code == 403


def test_export_failure_stores_nothing(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl, tmp_path: Path
) -> None:
    live_post.comments(count=2000, replies=0, seed=3)
    sandbox.fault("GET .*/comments", "expired_token", times=None, skip=3)
    answer = api.get(live_post.path("comments/export", delivery="url"))
    assert (answer.status_code, set(answer.json())) == (502, {"message", "code"})
    assert not list(tmp_path.rglob("*.csv"))


def test_export_beyond_the_limit_is_throttled(api: SignedClient, page_post: LivePost) -> None:
    page_post.comments(count=5)
    open_ones = [comment_export.Export(page_post.channel, page_post.id) for _ in range(comment_export.MAX_EXPORTS)]
    answer = api.get(page_post.path("comments/export"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    for open_one in open_ones:
        open_one.close()
    answer = api.get(page_post.path("comments/export"))
    assert answer.status_code == 200
    answer.close()  # frees its place


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("*/*", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/csv; charset=utf-8"),
        ("image/png", "text/csv; charset=utf-8"),
    ],
)
def test_accept_selects_a_link_or_the_file_p2(
    api: SignedClient, page_post: LivePost, accept: str, expected: str
) -> None:
    page_post.comments(count=3)
    answer = api.get(page_post.path("comments/export"), headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Vary"]) == (200, expected, "Accept")
    if expected == "application/json":
        assert (set(answer.json()), answer.json()["totalCount"]) == ({"totalCount", "csvUrl"}, 3)
    answer.close()  # frees its place


@pytest.fixture
def _few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posts.graph.cursor_reader.TRIES", 2)


FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"fault": "throttle", "code": 80002, "minutes": 2}, 503),
    ({"fault": "error", "code": 2, "status": 500}, 502),
    ({"fault": "error", "code": 10, "status": 400}, 502),
    ({"fault": "flicker"}, 502),
]


@pytest.mark.usefixtures("_few_tries")
@pytest.mark.parametrize(("fault", "status"), FAULTS)
def test_export_failure_of_the_first_page_is_json_p2(
    api: SignedClient, media_post: LivePost, sandbox: SandboxControl, fault: dict[str, Any], status: int
) -> None:
    media_post.comments(count=120, replies=0, seed=3)
    sandbox.fault("GET .*/comments", times=None, **fault)
    answer = api.get(media_post.path("comments/export"), headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert (set(answer.json()), bool(answer.headers["x-request-id"])) == ({"message", "code"}, True)
    assert answer.headers.get("Retry-After") == ("180" if status == 503 else None)


@pytest.mark.usefixtures("_few_tries")
@pytest.mark.parametrize("route", ["GET .*/comments", "GET .*/replies"])
@pytest.mark.parametrize(("fault", "_status"), FAULTS)
def test_export_failure_of_a_later_call_comes_after_the_first_page_p2(
    api: SignedClient, media_post: LivePost, sandbox: SandboxControl, route: str, fault: dict[str, Any], _status: int
) -> None:
    """The file breaks off visibly: what was known without that call was sent. Five replies come with their comment."""
    media_post.comments(count=120, replies=0, seed=3)
    top = media_post.comments(items=[{"text": "newest", "created_at": clock.now().timestamp() + 5}])[0]
    replies = [{"text": str(number), "parent": top} for number in range(8 if "replies" in route else 2)]
    media_post.comments(items=replies)
    sandbox.fault(route, times=None, skip=0 if "replies" in route else 1, **fault)
    answer = api.get(media_post.path("comments/export"))
    assert (answer.status_code, bool(answer.headers["x-request-id"])) == (200, True)
    sent: list[bytes] = []
    with pytest.raises(GraphError):
        sent.extend(answer.streaming_content)
    assert len(rows(b"".join(sent))) == (6 if "replies" in route else 52)


def test_an_unknown_delivery_is_refused(api: SignedClient, page_post: LivePost) -> None:
    answer = api.get(page_post.path("comments/export", delivery="post"))
    assert [(item["path"], item["type"]) for item in answer.json()["error"]] == [(["delivery"], "any.only")]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_export_failure_aborts_the_http_response(
    processes: ProcessGroup,
    api: SignedClient,
    on_sandbox: Callable[..., LivePost],
    facebook: Any,
    sandbox: SandboxControl,
) -> None:
    post = on_sandbox(facebook)
    post.comments(count=6000, replies=0, seed=3)
    _, url = processes.web(DYNAMO_WEB_WORKERS="1")

    def ask(version: str = "HTTP/1.1") -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection._http_vsn_str, connection._http_vsn = version, int(version[-1]) + 10  # type: ignore[attr-defined]
        connection.request("GET", f"/v1{post.path('comments/export')}", headers=api.signature())
        return connection, connection.getresponse()

    connection, whole = ask()
    assert len(rows(whole.read())) == 6000
    connection.close()
    for version, expected in (("HTTP/1.1", 200), ("HTTP/1.0", 502)):
        sandbox.heal()
        sandbox.fault("GET .*/comments", "expired_token", times=None, skip=10)
        connection, broken = ask(version)
        assert broken.status == expected
        if expected == 200:
            with pytest.raises(http.client.IncompleteRead):
                broken.read()
        connection.close()
