"""A call is repeated only where a second request has no second effect, and always with the same key."""

import io

import pytest

from dynamo_client import ApiError, Client, NoResponse, RateLimited, RetryPolicy, ServerError, SignatureAuth
from scheduling.models import ScheduledPost
from tests.client.proxy import BREAK, LOSE, Answer, Proxy
from tests.posts.conftest import LivePost


def test_lost_response_repeats_a_create_with_the_same_key_i1(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [LOSE, LOSE]
    post = agent_behind_proxy.create_draft(brief="Once")
    assert str(ScheduledPost.objects.get().pk) == post.id  # one post, of three requests
    keys = {headers["idempotency-key"] for _, _, headers in proxy.requests}
    dates = {headers["x-date"] for _, _, headers in proxy.requests}
    assert (len(proxy.requests), len(keys)) == (3, 1)
    assert len(dates) == 3  # each attempt is signed again


def test_two_calls_have_two_keys(agent_behind_proxy: Client, proxy: Proxy) -> None:
    agent_behind_proxy.create_draft()
    agent_behind_proxy.create_draft()
    assert len({headers["idempotency-key"] for _, _, headers in proxy.requests}) == 2


def test_key_of_the_caller_is_sent(agent_behind_proxy: Client, proxy: Proxy) -> None:
    agent_behind_proxy.create_draft(idempotency_key="monday-post")
    assert proxy.requests[0][2]["idempotency-key"] == "monday-post"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, headers={"Retry-After": "0"}),
        Answer(502),
        Answer(429, headers={"Retry-After": "1"}),
        Answer(409, {"message": "In progress", "code": "idempotency.in_progress"}, {"Retry-After": "0"}),
    ],
    ids=lambda answer: str(answer.status),
)
def test_temporary_refusal_is_repeated(agent_behind_proxy: Client, proxy: Proxy, answer: Answer) -> None:
    proxy.faults = [answer]
    post = agent_behind_proxy.create_draft()
    assert ScheduledPost.objects.get().pk.hex == post.id.replace("-", "")
    assert len(proxy.requests) == 2


def test_lost_response_of_a_change_is_not_repeated(agent_behind_proxy: Client, proxy: Proxy) -> None:
    post = agent_behind_proxy.create_draft()
    proxy.faults = [LOSE]
    with pytest.raises(NoResponse) as failure:
        agent_behind_proxy.update_draft(post.id, version=1, brief="Changed")
    assert failure.value.sent
    assert [method for method, _, _ in proxy.requests] == ["POST", "PATCH"]
    assert agent_behind_proxy.get_scheduled_post(post.id).brief == "Changed"


def test_error_of_the_server_is_not_repeated(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [Answer(500)]
    with pytest.raises(ServerError):
        agent_behind_proxy.create_draft()
    assert len(proxy.requests) == 1


def test_long_wait_is_left_to_the_caller(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [Answer(429, headers={"Retry-After": "40"})]
    with pytest.raises(RateLimited) as refusal:
        agent_behind_proxy.get_organization()
    assert refusal.value.retry_after == 40
    assert len(proxy.requests) == 1


def test_attempts_are_limited(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [Answer(503)] * 9
    with pytest.raises(ServerError):
        agent_behind_proxy.get_organization()
    assert len(proxy.requests) == 4


def test_unreachable_server_gives_no_response() -> None:
    retries = RetryPolicy(max_attempts=2, first_delay=0.01)
    auth = SignatureAuth("dk_1", "s3cret")
    with Client("http://127.0.0.1:1", auth, retries=retries) as client, pytest.raises(NoResponse) as failure:
        client.create_draft()
    assert not failure.value.sent
    assert "s3cret" not in str(failure.value)


def test_broken_export_is_not_taken_for_complete(agent_behind_proxy: Client, proxy: Proxy, page_post: LivePost) -> None:
    page_post.comments(count=60, replies=0, seed=3)
    proxy.faults = [BREAK]
    with pytest.raises(NoResponse):
        agent_behind_proxy.export_comments(page_post.id, page_post.channel.public_id, io.BytesIO())


def test_redirect_is_not_followed(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [Answer(301, {}, {"Location": "https://elsewhere.example/v1/organizations"})]
    with pytest.raises(ApiError, match=r"redirects to https://elsewhere\.example"):
        agent_behind_proxy.get_organization()
    assert len(proxy.requests) == 1
