"""PATCH and DELETE /scheduled-posts/{id}."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, Organization
from posts.models import Channel
from scheduling.domain import corrections, review
from scheduling.domain.content import current_content
from scheduling.models import Notification, ScheduledPost
from tests.helpers import SignedClient, approve, fresh
from tests.scheduling.api.vectors import conflict, invalid

pytestmark = pytest.mark.embedded


def patch(api: SignedClient, post: ScheduledPost, body: Any, **given: Any) -> Any:
    return api.patch(f"/scheduled-posts/{post.pk}", body, **given)


def test_patch_keeps_missing_fields_and_increments_the_version(api: SignedClient, make_draft) -> None:
    post = make_draft()
    before = api.get(f"/scheduled-posts/{post.pk}").json()
    answer = patch(api, post, {"type": "STORY", "scheduledFor": None})
    assert answer.status_code == 200
    after = answer.json()
    changed = {name: after[name] for name in ("updatedAt", "checks")} | {"type": "STORY", "version": 2}
    changed["scheduledFor"] = None
    assert after == {**before, **changed}
    assert after == api.get(f"/scheduled-posts/{post.pk}").json()


@pytest.mark.parametrize("body", [{}, {"type": "POST"}])
def test_patch_without_a_change_keeps_the_version(api: SignedClient, make_draft, body) -> None:
    post = make_draft()
    assert (patch(api, post, body).status_code, patch(api, post, body).json()["version"]) == (200, 1)


def test_channels_replace_the_whole_map(api: SignedClient, make_draft, facebook: Channel, instagram: Channel) -> None:
    post = make_draft()
    channels = {instagram.public_id: {"mediumType": "INSTAGRAM_ACCOUNT", "caption": "Only here"}}
    answer = patch(api, post, {"channels": channels})
    shown = {**channels[instagram.public_id], "superpower": None, "outcome": None}
    assert (answer.status_code, answer.json()["mediumsData"]) == (200, {instagram.public_id: shown})
    assert patch(api, post, {"channels": {}}).json()["mediumsData"] == {}


def test_patch_with_an_invalid_body_stores_nothing(api: SignedClient, make_draft, anything_stored) -> None:
    post = make_draft()
    before = anything_stored()
    answer = patch(api, post, {"status": "WAITING_FOR_APPROVAL", "media": 1, "channels": {"x": {}}, "version": 3})
    assert answer.status_code == 422
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [
        (["media"], "string.base"),
        (["channels", "x", "mediumType"], "any.required"),
        (["status"], "any.only"),
        (["version"], "object.unknown"),
    ]
    unknown = patch(api, post, {"media": "new", "channels": {"FB_PAGE_9": {"mediumType": "FB_PAGE"}}})
    assert (unknown.status_code, unknown.json()["message"]) == (400, "Unknown channel FB_PAGE_9")
    assert anything_stored() == before


def test_a_waiting_post_must_stay_publishable(api: SignedClient, make_waiting, anything_stored) -> None:
    post = make_waiting()
    before = anything_stored()
    refused = patch(api, post, {"media": None})
    expected = invalid((["media"], "media.missing", "A post needs a media URL"))
    assert (refused.status_code, refused.json()) == expected
    assert anything_stored() == before
    accepted = patch(api, post, {"media": "https://media.example.com/other.jpg"})
    assert accepted.status_code == 200
    assert (accepted.json()["status"], accepted.json()["version"]) == ("WAITING_FOR_APPROVAL", 2)


@pytest.mark.parametrize("body", [{"media": "https://media.example.com/b.jpg"}, {}, {"status": "DRAFT"}])
def test_patch_of_a_scheduled_post_is_refused(api: SignedClient, make_scheduled, body) -> None:
    post = make_scheduled()
    answer = patch(api, post, body)
    assert (answer.status_code, answer.json()) == conflict("update", "SCHEDULED", ["revert", "delete"])


# The step from REJECTED to DRAFT


def test_patch_redrafts_and_edits_a_rejected_post_in_one_request(api: SignedClient, make_waiting) -> None:
    post = make_waiting()
    api.post(f"/scheduled-posts/{post.pk}/reject", {"notes": "Other picture"})
    answer = patch(api, post, {"status": "DRAFT", "media": "https://media.example.com/b.jpg"})
    changed = {"status": "DRAFT", "media": "https://media.example.com/b.jpg", "version": 2, "notes": "Other picture"}
    assert answer.status_code == 200
    assert changed.items() <= answer.json().items()
    assert list(AuditEvent.objects.order_by("-id").values_list("verb", flat=True)[:2]) == ["redraft", "edit"]


def test_a_rejected_post_keeps_its_state_when_the_correction_is_refused(
    api: SignedClient, make_waiting, anything_stored
) -> None:
    post = make_waiting()
    api.post(f"/scheduled-posts/{post.pk}/reject", {"notes": "Other picture"})
    before = anything_stored()
    answer = patch(api, post, {"status": "DRAFT", "channels": {"FB_PAGE_9": {"mediumType": "FB_PAGE"}}})
    assert (answer.status_code, anything_stored()) == (400, before)


def test_a_rejected_post_may_be_edited_and_stays_rejected(api: SignedClient, make_waiting) -> None:
    post = make_waiting()
    api.post(f"/scheduled-posts/{post.pk}/reject", {"notes": "Other picture"})
    body = patch(api, post, {"media": "anything"}).json()
    assert (body["status"], body["media"]) == ("REJECTED", "anything")


def test_patch_of_a_draft_to_draft_changes_nothing(api: SignedClient, make_draft, anything_stored) -> None:
    post = make_draft()
    before = anything_stored()
    answer = patch(api, post, {"status": "DRAFT"})
    assert (answer.status_code, answer.json()["status"], anything_stored()) == (200, "DRAFT", before)


def test_a_waiting_post_does_not_become_a_draft_and_takes_no_change_with_it(
    api: SignedClient, make_waiting, anything_stored
) -> None:
    post = make_waiting()
    before = anything_stored()
    answer = patch(api, post, {"status": "DRAFT", "media": "https://media.example.com/b.jpg"})
    expected = conflict("redraft", "WAITING_FOR_APPROVAL", ["reject", "update", "delete"])
    assert (answer.status_code, answer.json()) == expected
    assert anything_stored() == before


# If-Match


@pytest.mark.parametrize("tag", ['"1"', "1", "*", '"7", "1"', ' "1" ', '"1.0"', "1.0", 'W/"1", "1.0"'])
def test_a_change_to_the_version_that_the_client_has_seen_is_made(api: SignedClient, make_draft, tag: str) -> None:
    answer = patch(api, make_draft(), {"media": "b"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)


@pytest.mark.parametrize(
    "tag", ['"2"', "0", "garbage", "", "-1", '"1', "1.1", '"1.0.x"', "\uff11", "**", 'W/1"', 'W/"1"']
)
def test_a_change_to_another_version_is_refused(api: SignedClient, make_draft, tag: str, anything_stored) -> None:
    post = make_draft()
    before = anything_stored()
    answer = patch(api, post, {"media": "b"}, headers={"If-Match": tag})
    assert answer.status_code == 412
    assert answer.json() == {
        "message": "This post is at version 1, revision 0",
        "code": "precondition.failed",
        "details": {"version": 1, "revision": 0},
    }
    assert anything_stored() == before


STEPS = [
    ("make_draft", "PATCH", ""),
    ("make_draft", "DELETE", ""),
    ("make_draft", "POST", "/submit-for-approval"),
    ("make_waiting", "POST", "/reject"),
    ("make_scheduled", "POST", "/revert"),
]


@pytest.mark.parametrize(("make", "method", "step"), STEPS)
def test_stale_if_match_changes_nothing_i3(
    api: SignedClient, request: pytest.FixtureRequest, anything_stored, make: str, method: str, step: str
) -> None:
    path = f"/scheduled-posts/{request.getfixturevalue(make)().pk}"
    body = {"/reject": {"notes": "No"}, "": {"media": "b"}}.get(step, {})
    tag = api.get(path).headers["ETag"]
    version, revision, _digest = tag.strip('"').split(".")
    before = anything_stored()
    for stale in (f"{int(version) + 1}", f"{version}.{int(revision) + 1}", f"{version}.{revision}.{'0' * 12}"):
        answer = api.call(method, f"{path}{step}", body, headers={"If-Match": f'"{stale}"'})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition.failed"), stale
    assert anything_stored() == before
    assert api.call(method, f"{path}{step}", body, headers={"If-Match": tag}).status_code == 200


def test_each_state_has_its_own_tag_i3(api: SignedClient, make_waiting) -> None:
    path = f"/scheduled-posts/{make_waiting().pk}"
    waiting = api.get(path).headers["ETag"]
    assert api.get(path).headers["ETag"] == waiting
    rejected = api.post(f"{path}/reject", {"notes": "No"}).headers["ETag"]
    again = api.post(f"{path}/submit-for-approval").headers["ETag"]
    assert len({waiting, rejected, again}) == 3
    assert api.post(f"{path}/reject", {"notes": "No"}, headers={"If-Match": waiting}).status_code == 412
    assert api.get(path).headers["ETag"] == again


@pytest.mark.parametrize(("make", "method", "step"), STEPS)
def test_organization_can_require_if_match_after_an_edit_by_a_person(
    api: SignedClient, request: pytest.FixtureRequest, author, make: str, method: str, step: str
) -> None:
    post = request.getfixturevalue(make)()
    body = {"/reject": {"notes": "No"}, "": {"media": "b"}}.get(step, {})
    path = f"/scheduled-posts/{post.pk}"
    ScheduledPost.objects.update(last_edited_by_user=author, last_edited_by_key=None)
    Organization.objects.update(require_if_match=True)
    for headers in ({}, {"If-Match": "*"}):
        answer = api.call(method, f"{path}{step}", body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition.required")
    assert api.call(method, f"{path}{step}", body, headers={"If-Match": '"1"'}).status_code == 200


@pytest.mark.parametrize("step", ["corrected", "moved", "moved and reverted"])
def test_key_overwrites_a_reviewers_change_with_if_match_and_notifies_the_reviewer_i4(
    step: str, api: SignedClient, make_waiting, organization, reviewer, seat, facebook
) -> None:
    organization.second_approver = step != "moved and reverted"
    organization.reviewers_may_correct = organization.require_if_match = True
    organization.save()
    post, judge = make_waiting(channels=[facebook]), seat(reviewer, organization)
    if step == "corrected":
        shown = {"digest": current_content(fresh(post))[1], "revision": fresh(post).revision}
        corrections.correct_and_approve(judge, fresh(post), captions={facebook.public_id: "Corrected"}, **shown)
    else:
        approve(judge, post, scheduled_for=post.scheduled_for + timedelta(days=1))
    if step == "moved and reverted":
        review.revert(judge.actor, fresh(post))
    assert api.get(f"/scheduled-posts/{post.pk}").json()["updatedBy"]["id"] == str(reviewer.pk)
    changes = {"channels": {facebook.public_id: {"mediumType": "FB_PAGE", "caption": "The agent's"}}}
    answer = patch(api, post, changes)
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition.required")
    version = str(answer.json()["details"]["version"])
    assert patch(api, post, changes, headers={"If-Match": version}).status_code == 200
    assert Notification.objects.get(kind="OVERWRITTEN").details["overwritten"] == reviewer.pk


def test_edit_by_a_key_needs_no_if_match(api: SignedClient, make_draft) -> None:
    post = make_draft()
    Organization.objects.update(require_if_match=True)
    assert patch(api, post, {"media": "b"}).status_code == 200


def test_get_with_the_present_tag_is_not_modified(api: SignedClient, make_draft) -> None:
    path = f"/scheduled-posts/{make_draft().pk}"
    tag = api.get(path).headers["ETag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = api.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag), given
    for given in ('"1"', '"1.0"', ""):
        assert api.get(path, headers={"If-None-Match": given}).status_code == 200, given


# DELETE


def test_deleted_post_is_not_found(api: SignedClient, make_draft) -> None:
    post = make_draft()
    answer = api.delete(f"/scheduled-posts/{post.pk}")
    assert (answer.status_code, answer.json()) == (200, {"message": "Scheduled post deleted"})
    assert ScheduledPost.objects.count() == 0
    assert api.delete(f"/scheduled-posts/{post.pk}").status_code == 404


def test_a_scheduled_posts_task_is_cancelled_with_it(
    api: SignedClient, make_scheduled, django_capture_on_commit_callbacks
) -> None:
    post = make_scheduled()
    with django_capture_on_commit_callbacks() as callbacks:
        answer = api.delete(f"/scheduled-posts/{post.pk}")
    assert (answer.status_code, ScheduledPost.objects.count(), len(callbacks)) == (200, 0, 1)


@pytest.mark.parametrize("state", ["PUBLISHING", "PUBLISHED"])
def test_delete_of_a_publishing_or_published_post_is_refused(api: SignedClient, make_scheduled, state: str) -> None:
    post = make_scheduled()
    ScheduledPost.objects.filter(pk=post.pk).update(status=state)
    answer = api.delete(f"/scheduled-posts/{post.pk}")
    assert (answer.status_code, answer.json()) == conflict("delete", state, [])
    assert ScheduledPost.objects.count() == 1
