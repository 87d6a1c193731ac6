"""Versions, tokens, proof, scopes, headers and control endpoints of the sandbox."""

import hashlib
import hmac
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import time_machine

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK, PlatformAccount, SandboxControl

BEARER = {"Authorization": f"Bearer {FACEBOOK.token}"}


def get(sandbox: SandboxControl, path: str, **more: Any) -> requests.Response:
    return requests.get(f"{sandbox.url}{path}", timeout=10, **more)


@pytest.mark.parametrize(
    ("path", "day", "ran"),
    [
        ("/v27.0/me", "2026-11-29", "v27.0"),
        ("/v26.0/me", "2026-11-29", "v26.0"),
        ("/v21.0/me", "2027-01-20", "v21.0"),
        ("/v21.0/me", "2027-01-22", "v22.0"),
        ("/v3.1/me", "2026-11-29", "v21.0"),
        ("/me", "2026-11-29", "v27.0"),
    ],
)
def test_old_versions_run_on_the_oldest_living_one(sandbox: SandboxControl, path: str, day: str, ran: str) -> None:
    with time_machine.travel(day):
        answer = get(sandbox, path, headers=BEARER)
    assert answer.json() == {"id": FACEBOOK.id, "name": FACEBOOK.name}
    assert answer.headers["facebook-api-version"] == ran


@pytest.mark.parametrize(
    "path", ["/v99.0/me", "/v28.0/me", "/v0.0/me", "/v27.1/me", "/v27/me", "/v27.0/not-an-id", "/v27.0/1/2/3", "/v27.0"]
)
def test_an_unknown_version_or_path_is_refused(sandbox: SandboxControl, path: str) -> None:
    answer = get(sandbox, path, headers=BEARER)
    assert (answer.status_code, code(answer.json())) == (400, (2500, None))
    assert answer.json()["error"]["message"].startswith("Unknown path components: /")


@pytest.mark.parametrize(
    "params",
    [{"method": "delete"}, {"ids": "1,2"}, {"callback": "f"}, {"date_format": "U"}, {"pretty": "1"}, {"debug": "all"}],
    ids=lambda params: next(iter(params)),
)
def test_what_new_apps_may_not_use_is_refused(sandbox: SandboxControl, params: dict[str, str]) -> None:
    page = Caller(sandbox, FACEBOOK)
    post = page.edge("feed", message="Olá")["id"]
    assert code(page.get(post, **params)) == (100, None)
    assert code(page.post(post, **params)) == (100, None)
    answer = page.send("POST", post, headers={"X-HTTP-Method-Override": "DELETE"}).json()
    assert code(answer) == (100, None)
    assert page.get(post)["id"] == post


@pytest.mark.parametrize(
    ("edge", "params"),
    [
        ("feed", {"message": "Olá", "caption": "x"}),
        ("photos", {"published": "false", "alt_text": "x"}),
        ("videos", {"upload_phase": "start", "file_size": "9", "message": "x"}),
        ("video_reels", {"upload_phase": "start", "caption": "x"}),
    ],
)
def test_unknown_parameter_of_a_write_is_refused(sandbox: SandboxControl, edge: str, params: dict[str, str]) -> None:
    page = Caller(sandbox, FACEBOOK)
    answer = page.edge(edge, **params)
    assert code(answer) == (100, None)
    assert "Unexpected parameter: " in answer["error"]["message"]
    assert sandbox.posts == []


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (FACEBOOK.id, {"suppress_http_code": "1"}),
        (FACEBOOK.id, {"limit": "1"}),
        (f"{FACEBOOK.id}/published_posts", {"foo": "1"}),
        (f"{FACEBOOK.id}/published_posts", {"filter": "stream"}),
        ("me", {"metadata": "1"}),
    ],
)
def test_unknown_parameter_of_a_read_is_refused(sandbox: SandboxControl, path: str, params: dict[str, str]) -> None:
    answer = Caller(sandbox, FACEBOOK).get(path, **params)
    assert (code(answer), "Unexpected parameter: " in answer["error"]["message"]) == ((100, None), True)


def test_a_token_is_taken_from_header_query_and_form(sandbox: SandboxControl) -> None:
    url = f"{sandbox.url}/v27.0/{FACEBOOK.id}"
    assert requests.get(url, headers=BEARER, timeout=10).json()["id"] == FACEBOOK.id
    assert requests.get(url, params={"access_token": FACEBOOK.token}, timeout=10).json()["id"] == FACEBOOK.id
    made = requests.post(f"{url}/feed", data={"access_token": FACEBOOK.token, "message": "x"}, timeout=10).json()
    assert set(made) == {"id"}
    seen = sandbox.call("GET", "/__requests")["requests"]
    assert [item["token_from"] for item in seen] == ["header", "query", "form"]
    assert FACEBOOK.token not in json.dumps(seen)


def test_missing_unknown_and_expired_tokens_differ(sandbox: SandboxControl) -> None:
    node = f"/v27.0/{FACEBOOK.id}"
    assert code(get(sandbox, node).json()) == (104, None)
    assert code(get(sandbox, "/v27.0/me").json()) == (2500, None)
    garbage = get(sandbox, node, headers={"Authorization": "Bearer nonsense"})
    assert code(garbage.json()) == (190, None)
    assert garbage.status_code == 400
    assert garbage.headers["WWW-Authenticate"].startswith('OAuth "Facebook Platform" "invalid_token" "Invalid OAuth')
    sandbox.call("POST", "/__accounts", {"id": FACEBOOK.id, "expired": True})
    assert code(get(sandbox, node, headers=BEARER).json()) == (190, 463)


def test_replaced_token_is_refused(sandbox: SandboxControl) -> None:
    sandbox.call("POST", "/__accounts", {"id": FACEBOOK.id, "token": "fresh"})
    assert code(get(sandbox, "/me", headers=BEARER).json()) == (190, None)
    assert get(sandbox, "/me", headers={"Authorization": "Bearer fresh"}).json()["id"] == FACEBOOK.id


def test_a_lacking_scope_is_a_403(sandbox: SandboxControl) -> None:
    sandbox.register(FACEBOOK, scopes=["pages_read_engagement"])
    page = Caller(sandbox, FACEBOOK)
    answer = page.send("POST", f"{page.id}/feed", data={"message": "x"})
    assert (answer.status_code, code(answer.json())) == (403, (200, None))
    assert page.list("published_posts") == {"data": []}


def proof(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def test_the_proof_is_checked_in_both_forms(sandbox: SandboxControl) -> None:
    sandbox.settings(app_secret="hush")
    at = str(int(time.time()))
    timed = proof("hush", f"{FACEBOOK.token}|{at}")
    stale = proof("hush", f"{FACEBOOK.token}|1000")

    def ask(**params: str) -> dict[str, Any]:
        return dict(get(sandbox, "/me", headers=BEARER, params=params).json())

    assert ask(appsecret_proof=proof("hush", FACEBOOK.token))["id"] == FACEBOOK.id
    assert ask(appsecret_proof=timed, appsecret_time=at)["id"] == FACEBOOK.id
    assert code(ask(appsecret_proof=stale, appsecret_time="1000")) == (100, None)
    assert code(ask(appsecret_proof=proof("other", FACEBOOK.token))) == (100, None)
    assert ask()["id"] == FACEBOOK.id
    sandbox.settings(require_proof=True)
    assert code(ask()) == (100, None)
    assert sandbox.call("GET", "/__settings")["app_secret"] is True


def test_usage_headers_come_after_a_few_calls_and_can_be_forced(sandbox: SandboxControl) -> None:
    page = Caller(sandbox, FACEBOOK)
    answers = [page.send("GET", page.id) for _ in range(4)]
    assert ["X-App-Usage" in answer.headers for answer in answers] == [False, False, False, True]
    sandbox.settings(usage={"app": 80, "business": 95})
    headers = page.send("GET", page.id).headers
    assert json.loads(headers["X-App-Usage"])["call_count"] == 80
    usage = json.loads(headers["X-Business-Use-Case-Usage"])[page.id]
    assert [(item["type"], item["call_count"]) for item in usage] == [("pages", 95)]
    sandbox.settings(usage={"business": 19, "minutes": 45, "other": 100})
    usage = json.loads(page.send("GET", page.id).headers["X-Business-Use-Case-Usage"])[page.id]
    found = [(item["type"], item["call_count"], item["estimated_time_to_regain_access"]) for item in usage]
    assert found == [("custom_audience", 100, 60), ("pages", 19, 45)]


def test_an_account_that_used_up_its_hour_is_throttled(sandbox: SandboxControl) -> None:
    sandbox.settings(hourly_calls=2)
    page = Caller(sandbox, FACEBOOK)
    answers = [page.send("GET", page.id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert code(answers[2].json()) == (80001, None)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("multipart/form-data", b"x"),
        ("application/x-www-form-urlencoded", b"message=x&published=perhaps"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(sandbox: SandboxControl, content_type: str, body: bytes) -> None:
    headers = {**BEARER, "Content-Type": content_type}
    answer = requests.post(f"{sandbox.url}/{FACEBOOK.id}/feed", headers=headers, data=body, timeout=10).json()
    assert code(answer) == (100, None)
    assert sandbox.posts == []


def test_chunked_bodies_and_kept_connections_work(sandbox: SandboxControl) -> None:
    line = http.client.HTTPConnection(str(urlsplit(sandbox.url).netloc), timeout=10)
    headers = {**BEARER, "Content-Type": "application/json"}
    for number in range(2):
        line.request(
            "POST", f"/{FACEBOOK.id}/feed", iter([b'{"mess', b'age":"%d"}' % number]), headers, encode_chunked=True
        )
        assert line.getresponse().read().startswith(b'{"id"')
    line.close()
    assert [entry["message"] for entry in sandbox.posts] == ["0", "1"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/__accounts", {"id": "abc", "type": "FB_PAGE", "token": "t"}),
        ("/__accounts", {"id": "5", "type": "FB_PAGE", "token": FACEBOOK.token}),
        ("/__accounts", {"id": "5"}),
        ("/__accounts", {"id": "5", "type": "MYSPACE", "token": "t"}),
        ("/__settings", {"latency_ms": "slow"}),
        ("/__settings", {"latency": 5}),
        ("/__faults", {"route": "(", "fault": "delay"}),
        ("/__faults", {"route": "x", "fault": "gremlin"}),
        ("/__faults", {"fault": "delay"}),
        ("/__faults", [1]),
        ("/__posts", {"account": "1", "count": 1}),
        ("/__posts", {"account": FACEBOOK.id, "items": [{"kind": "poem"}]}),
        ("/__posts", {"account": FACEBOOK.id, "items": [{"origin": "moon"}]}),
        ("/__posts", {"account": FACEBOOK.id, "items": [{"words": "x"}]}),
        ("/__posts", {"account": FACEBOOK.id, "number": 3}),
        ("/__comments", {"post": "1", "count": 1}),
        ("/__comments", {"post": None, "count": 3_000_000}),
        ("/__comments", {"post": None, "items": [{"words": "x"}]}),
        ("/__comments", {"post": None, "delete": ["1_2"]}),
        ("/__metrics", {"post": None, "reactions": {"MEH": 1}}),
        ("/__insights", {"post": None, "value": 1}),
    ],
)
def test_malformed_control_call_is_refused(sandbox: SandboxControl, post: str, path: str, body: Any) -> None:
    if "post" in body:
        body = {**body, "post": body["post"] or post}
    answer = requests.post(f"{sandbox.url}{path}", json=body, timeout=10)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_pages_of_other_origins_cannot_order_anything(sandbox: SandboxControl) -> None:
    answer = requests.post(f"{sandbox.url}/__reset", headers={"Origin": "https://evil.example"}, timeout=10)
    assert answer.status_code == 403
    assert len(sandbox.call("GET", "/__accounts")["accounts"]) == 3


def test_tokens_are_never_shown(sandbox: SandboxControl) -> None:
    secret = PlatformAccount("FB_PAGE", "777", "Silent", "a-secret-token")
    sandbox.register(secret)
    shown = json.dumps(sandbox.call("GET", "/__accounts")) + get(sandbox, "/").text
    assert secret.token not in shown
