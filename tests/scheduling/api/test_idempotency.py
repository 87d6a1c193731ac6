"""A POST that is repeated with its Idempotency-Key has one effect and one answer."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.domain import idempotency
from accounts.models import ApiKey, IdempotencyKey
from accounts.tasks import delete_expired_idempotency_keys
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient, at_once

pytestmark = pytest.mark.embedded

PATH = "/scheduled-posts"
KEPT = ("Content-Type", "Location", "ETag")
THREADS = 16


def create(api: SignedClient, name: str = "k1", media: str = "a", path: str = PATH) -> Any:
    return api.post(path, {"media": media}, headers={"Idempotency-Key": name})


def test_repeated_request_gets_the_first_answer_i1(api: SignedClient) -> None:
    first = create(api)
    ScheduledPost.objects.update(media="edited since")
    again = create(api)
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (201, False)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.content == first.content
    assert [again.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
    assert ScheduledPost.objects.count() == 1


def test_another_body_or_path_is_a_mismatch_i1(api: SignedClient) -> None:
    post = create(api).json()
    for answer in (create(api, media="b"), create(api, path=f"{PATH}/{post['id']}/submit-for-approval")):
        body = {"message": "This Idempotency-Key was used for another request", "code": "idempotency.mismatch"}
        assert (answer.status_code, answer.json()) == (422, body)
    assert ScheduledPost.objects.count() == 1


def test_key_belongs_to_its_api_key(api: SignedClient, other_api: SignedClient) -> None:
    assert [create(client).status_code for client in (api, other_api)] == [201, 201]
    assert ScheduledPost.objects.count() == 2


def test_answer_is_kept_for_24_hours(api: SignedClient) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        create(api)
    with time_machine.travel(start + timedelta(hours=24, seconds=-1), tick=False):
        assert create(api).headers["Idempotency-Replayed"] == "true"
        assert delete_expired_idempotency_keys() == 0
    with time_machine.travel(start + timedelta(hours=24), tick=False):
        assert "Idempotency-Replayed" not in create(api).headers
        assert ScheduledPost.objects.count() == 2
    with time_machine.travel(start + timedelta(hours=48), tick=False):
        assert delete_expired_idempotency_keys() == 1


def test_refused_request_frees_its_key(api: SignedClient, make_draft: Any, facebook: Channel) -> None:
    post = make_draft(channels=[facebook], media=None)
    path = f"{PATH}/{post.pk}/submit-for-approval"
    headers = {"Idempotency-Key": "k1"}
    assert api.post(path, headers=headers).status_code == 400
    assert not IdempotencyKey.objects.exists()
    api.patch(f"{PATH}/{post.pk}", {"media": "https://media.example.com/a.jpg"})
    submitted = api.post(path, headers=headers)
    assert (submitted.status_code, submitted.json()["status"]) == (200, "WAITING_FOR_APPROVAL")
    assert api.post(path, headers=headers).content == submitted.content


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 256, "\t", "\x7f", "é".encode().decode("latin-1")])
def test_malformed_key_gets_422(api: SignedClient, name: str) -> None:
    answer = create(api, name)
    [error] = answer.json()["error"]
    assert (answer.status_code, error["path"], error["type"]) == (422, ["Idempotency-Key"], "string.base")
    assert not ScheduledPost.objects.exists()


def test_longest_key_is_accepted(api: SignedClient) -> None:
    assert [create(api, "~" * 255).status_code for _ in range(2)] == [201, 201]
    assert ScheduledPost.objects.count() == 1


def test_key_of_other_methods_is_ignored(api: SignedClient) -> None:
    path = f"{PATH}/{create(api).json()['id']}"
    headers = {"Idempotency-Key": "k1"}
    assert api.get(path, headers=headers).status_code == 200
    assert api.patch(path, {"media": "b"}, headers=headers).json()["media"] == "b"
    assert api.post(f"{path}/approve", headers={"Idempotency-Key": ""}).status_code == 403


def test_stored_answer_is_encrypted(api: SignedClient) -> None:
    assert b"sunset" in create(api, media="sunset").content
    row = IdempotencyKey.objects.get()
    assert row.body_encrypted
    assert "sunset" not in str(IdempotencyKey.objects.values_list())


def test_revoked_key_gets_no_stored_answer(api: SignedClient) -> None:
    create(api)
    ApiKey.objects.update(revoked_at=clock.now())
    assert create(api).json()["code"] == "signature.invalid"


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_make_one_post_i1(api: SignedClient) -> None:
    answers = at_once(*[lambda: create(SignedClient(api.key))] * THREADS)
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in made) == 1
    assert ScheduledPost.objects.count() == IdempotencyKey.objects.count() == 1
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json()["code"], answer.headers["Retry-After"]) == ("idempotency.in_progress", "1")


@pytest.mark.django_db(transaction=True)
def test_concurrent_expired_claims_have_one_winner(api: SignedClient) -> None:
    create(api)
    IdempotencyKey.objects.update(created_at=clock.now() - idempotency.LIFETIME)
    at_once(*[lambda: create(SignedClient(api.key))] * 4)
    assert ScheduledPost.objects.count() == 2
