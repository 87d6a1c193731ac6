"""Faults to order: what the client sees, and what was done all the same."""

import json
import time
from typing import Any

import pytest
import requests

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.processes import eventually

FEED = r"POST /\d+/feed"


def post(page: Caller, message: str = "x") -> requests.Response:
    return page.send("POST", f"{page.id}/feed", data={"message": message})


@pytest.mark.parametrize(("fault", "published"), [("drop_before", 0), ("drop_after", 1)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_does_the_work_or_not(page: Caller, fault: str, published: int, reset: bool) -> None:
    page.sandbox.fault(FEED, fault, reset=reset)
    with pytest.raises(requests.ConnectionError):
        post(page)
    assert len(page.sandbox.posts) == published
    assert post(page, "y").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "wanted", "published"),
    [
        ("error", 500, (2, None), 0),
        ("error_after", 500, (2, None), 1),
        ("error400_after", 400, (1, 99), 1),
        ("spam_after", 403, (4, 2207051), 1),
        ("expired_token", 400, (190, 463), 0),
        ("flicker", 400, (100, 33), 0),
        ("quota", 400, (9, 2207042), 0),
        ("policy_block", 400, (368, 1390008), 0),
        ("localised", 400, (9004, 2207052), 0),
        ("publishing_authorization", 403, (368, 1404078), 0),
        ("restricted", 400, (25, 2207050), 0),
        ("development_mode", 400, (100, 1885183), 0),
    ],
)
def test_an_error_comes_before_or_after_the_work(
    page: Caller, fault: str, status: int, wanted: Any, published: int
) -> None:
    page.sandbox.fault(FEED, fault)
    answer = post(page)
    assert (answer.status_code, code(answer.json())) == (status, wanted)
    assert answer.json()["error"]["fbtrace_id"] == answer.headers["x-fb-request-id"]
    assert len(page.sandbox.posts) == published
    assert post(page, "y").status_code == 200


@pytest.mark.parametrize(("fault", "published"), [("html_502", 0), ("html_502_after", 1)])
def test_a_gateway_answers_html(page: Caller, fault: str, published: int) -> None:
    page.sandbox.fault(FEED, fault)
    answer = post(page)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert len(page.sandbox.posts) == published


def test_truncated_json_is_a_200_that_cannot_be_read(page: Caller) -> None:
    page.sandbox.fault(FEED, "truncated_json")
    answer = post(page)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(page.sandbox.posts) == 1


@pytest.mark.parametrize(("number", "status"), [(4, 403), (17, 400), (32, 403), (613, 400), (80001, 403), (80002, 400)])
def test_a_throttle_comes_with_its_headers(page: Caller, number: int, status: int) -> None:
    page.sandbox.fault(FEED, "throttle", code=number, minutes=7, retry_after=30)
    answer = post(page)
    assert (answer.status_code, code(answer.json())) == (status, (number, None))
    usage = json.loads(answer.headers["X-Business-Use-Case-Usage"])[page.id][0]
    assert (usage["call_count"], usage["estimated_time_to_regain_access"]) == (100, 7)
    assert answer.headers["Retry-After"] == "30"
    assert page.sandbox.posts == []


def test_a_delay_holds_up_its_own_call_only(page: Caller) -> None:
    page.sandbox.fault(FEED, "delay", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        page.session.post(f"{page.sandbox.url}/{page.id}/feed", data={"message": "x"}, timeout=(10, 0.2))
    began = time.monotonic()
    assert page.get(page.id)["id"] == page.id
    assert time.monotonic() - began < 30
    assert page.sandbox.posts == []


def test_a_delay_after_the_work_leaves_a_post_behind_the_timeout(page: Caller) -> None:
    page.sandbox.fault(FEED, "delay_after", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        page.session.post(f"{page.sandbox.url}/{page.id}/feed", data={"message": "x"}, timeout=(10, 0.3))
    eventually(lambda: page.sandbox.posts, what="the work")
    assert [entry["message"] for entry in page.sandbox.posts] == ["x"]


def test_a_reset_ends_delayed_calls_before_they_act_on_what_comes_after(page: Caller) -> None:
    page.sandbox.fault(FEED, "delay", seconds=2)
    with pytest.raises(requests.ReadTimeout):
        page.session.post(f"{page.sandbox.url}/{page.id}/feed", data={"message": "x"}, timeout=(10, 0.1))
    eventually(lambda: page.sandbox.call("GET", "/__faults")["faults"][0]["hits"], what="the delayed call")
    page.sandbox.reset()
    time.sleep(2)
    assert page.sandbox.posts == []


def test_a_fault_acts_as_often_as_ordered_after_those_it_skips(page: Caller) -> None:
    page.sandbox.fault(FEED, "error", times=2, skip=1)
    assert [post(page, str(number)).status_code for number in range(5)] == [200, 500, 500, 200, 200]
    assert [fault["hits"] for fault in page.sandbox.call("GET", "/__faults")["faults"]] == [2]


def test_a_fault_without_times_acts_until_it_is_taken_back(page: Caller) -> None:
    page.sandbox.fault(FEED, "error", times=None)  # type: ignore[arg-type]
    assert [post(page, str(number)).status_code for number in range(3)] == [500, 500, 500]
    page.sandbox.heal()
    assert post(page).status_code == 200


def test_chance_is_the_same_for_the_same_seed(page: Caller) -> None:
    def run() -> list[int]:
        page.sandbox.heal()
        page.sandbox.fault("GET", "error", times=None, probability=0.5, seed=7)  # type: ignore[arg-type]
        return [page.send("GET", page.id).status_code for _ in range(20)]

    first = run()
    assert run() == first
    assert set(first) == {200, 500}


def test_what_was_seen_is_listed_with_the_fault_that_struck(page: Caller) -> None:
    page.sandbox.fault(FEED, "drop_before")
    with pytest.raises(requests.ConnectionError):
        post(page)
    post(page)
    seen = [
        (request["method"], request["path"], request["status"], request["fault"])
        for request in page.sandbox.call("GET", "/__requests")["requests"]
    ]
    path = f"/v27.0/{page.id}/feed"
    assert seen == [("POST", path, None, "drop_before"), ("POST", path, 200, None)]
