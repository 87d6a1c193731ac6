"""submit-for-approval, reject, revert, and the two verbs that no key has."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.models import AuditEvent
from scheduling.models import Delivery, Notification, ScheduledPost
from tests.helpers import MISSING, SignedClient
from tests.scheduling.api.vectors import conflict, invalid

pytestmark = pytest.mark.embedded

HUMAN = {
    "message": "A human reviewer approves and schedules posts, in the app; the API cannot",
    "code": "approval.human_only",
}


def step(api: SignedClient, post: ScheduledPost, verb: str, *body: Any, **given: Any) -> Any:
    return api.post(f"/scheduled-posts/{post.pk}/{verb}", *body, **given)


def state(post: ScheduledPost) -> str:
    return str(ScheduledPost.objects.get(pk=post.pk).status)


def test_a_draft_is_submitted_without_a_body_or_a_content_type(api: SignedClient, make_draft) -> None:
    post = make_draft()
    answer = step(api, post, "submit-for-approval")
    assert (answer.status_code, answer.json()["status"], state(post)) == (200, *["WAITING_FOR_APPROVAL"] * 2)
    assert answer.json() == api.get(f"/scheduled-posts/{post.pk}").json()


def test_what_is_not_publishable_is_not_submitted(api: SignedClient, make_draft) -> None:
    post = make_draft(scheduled_for=clock.now() - timedelta(seconds=1), media=None)
    answer = step(api, post, "submit-for-approval")
    assert (answer.status_code, answer.json()) == invalid(
        (["scheduledFor"], "scheduledFor.past", "scheduledFor must be in the future"),
        (["media"], "media.missing", "A post needs a media URL"),
    )
    assert state(post) == "DRAFT"


def test_rejection_contains_its_notes(api: SignedClient, make_waiting) -> None:
    post = make_waiting()
    notes = " Brighter,\nplease 🌞 "
    answer = step(api, post, "reject", {"notes": notes})
    assert (answer.status_code, answer.json()["status"], answer.json()["notes"]) == (200, "REJECTED", notes)


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (MISSING, "any.required"),
        ({}, "any.required"),
        ({"notes": ""}, "string.empty"),
        ({"notes": " \n\t\u00a0"}, "string.empty"),
        ({"notes": "\u200b \u202e"}, "string.empty"),
        ({"notes": None}, "string.base"),
        ({"notes": 5}, "string.base"),
        ({"notes": "a\x00"}, "string.base"),
    ],
)
def test_a_rejection_without_notes_is_refused(api: SignedClient, make_waiting, body, type_: str) -> None:
    post = make_waiting()
    answer = step(api, post, "reject", body)
    assert (answer.status_code, state(post)) == (422, "WAITING_FOR_APPROVAL")
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [(["notes"], type_)]


@pytest.mark.parametrize(
    ("outcome", "expected"), [("FAILED", (200, "DRAFT")), ("PUBLISHED", (409, "FAILED")), ("UNKNOWN", (409, "FAILED"))]
)
def test_revert_of_a_failed_post_requires_that_nothing_is_published(
    api: SignedClient, make_scheduled, outcome: str, expected: tuple[int, str]
) -> None:
    post = make_scheduled()
    ScheduledPost.objects.filter(pk=post.pk).update(status="FAILED", task_id=None)
    first = Delivery.objects.filter(post=post).earliest("pk")
    Delivery.objects.filter(post=post).update(state="FAILED")
    Delivery.objects.filter(pk=first.pk).update(state=outcome)
    answer = step(api, post, "revert")
    assert (answer.status_code, state(post)) == expected


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_reason_is_in_the_history_and_the_notification(api: SignedClient, make_scheduled, method: str) -> None:
    post = make_scheduled()
    path = f"/scheduled-posts/{post.pk}" + ("/revert" if method == "POST" else "")
    assert api.call(method, path, {"reason": " Closed that day. ", "other": 1}).status_code == 200
    event = AuditEvent.objects.get(verb="revert" if method == "POST" else "delete")
    notice = Notification.objects.get(kind__in=["REVERTED", "DELETED"])
    assert event.details["reason"] == notice.details["reason"] == "Closed that day."


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("body", "type_"), [({"reason": "x" * 1001}, "string.max"), ({"reason": 5}, "string.base"), ([], "object.base")]
)
def test_wrong_reason_is_refused(api: SignedClient, make_scheduled, method: str, body, type_: str) -> None:
    post = make_scheduled()
    answer = api.call(method, f"/scheduled-posts/{post.pk}" + ("/revert" if method == "POST" else ""), body)
    assert (answer.status_code, state(post)) == (422, "SCHEDULED")
    assert [error["type"] for error in answer.json()["error"]] == [type_]


ALLOWED = {
    "DRAFT": ["submit-for-approval", "update", "delete"],
    "WAITING_FOR_APPROVAL": ["reject", "update", "delete"],
    "REJECTED": ["submit-for-approval", "update", "delete"],
    "SCHEDULED": ["revert", "delete"],
    "PUBLISHING": [],
    "PUBLISHED": [],
    "FAILED": ["revert", "delete"],
}
VERBS = {"submit-for-approval": "submit", "reject": "reject", "revert": "revert"}


@pytest.mark.parametrize("status", ALLOWED)
@pytest.mark.parametrize("verb", VERBS)
def test_illegal_action_reports_status_and_allowed_actions(
    api: SignedClient, make_scheduled, status: str, verb: str
) -> None:
    post = make_scheduled()
    ScheduledPost.objects.filter(pk=post.pk).update(status=status)
    answer = step(api, post, verb, {"notes": "x"})
    if verb in ALLOWED[status]:
        assert answer.status_code == 200, answer.content
        return
    assert (answer.status_code, answer.json()) == conflict(VERBS[verb], status, ALLOWED[status])
    assert state(post) == status


BODIES: list[tuple[bytes, str | None]] = [
    (b"", None),
    (b'{"digest": "x", "now": true}', None),
    (b"{", None),
    (b"<x/>", "text/xml"),
    (b"x" * (1024 * 1024 + 1), None),
]


@pytest.mark.parametrize("verb", ["approve", "publish"])
@pytest.mark.parametrize("status", ALLOWED)
def test_approve_and_publish_by_a_key_are_forbidden(api: SignedClient, make_scheduled, verb: str, status: str) -> None:
    post = make_scheduled()
    ScheduledPost.objects.filter(pk=post.pk).update(status=status)
    for body, content_type in BODIES:
        answer = step(api, post, verb, body=body, content_type=content_type)
        assert (answer.status_code, answer.json(), state(post)) == (403, HUMAN, status)


@pytest.mark.parametrize("verb", ["approve", "publish"])
@pytest.mark.parametrize("post_id", [str(uuid.UUID(int=7)), "nonsense", "%00"])
def test_approve_of_an_unknown_post_is_forbidden_alike(api: SignedClient, verb: str, post_id: str) -> None:
    answer = api.post(f"/scheduled-posts/{post_id}/{verb}")
    assert (answer.status_code, answer.json()) == (403, HUMAN)
