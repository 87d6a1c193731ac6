"""What an agent learns about the review of its post, and the fields that are its own."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.domain import actors
from accounts.models import ApiKey, Organization, User
from posts.models import Channel
from scheduling.domain import content, drafts, review, undo
from scheduling.domain.corrections import correct_and_approve
from scheduling.domain.drafts import ChannelText
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient, approve, fresh

URL = "/scheduled-posts"


def test_notes_after_the_next_submit_are_null_and_the_review_keeps_them_i5(
    api: SignedClient, make_waiting: Callable[..., ScheduledPost], key: ApiKey
) -> None:
    post = make_waiting()
    rejected = api.post(f"{URL}/{post.pk}/reject", {"notes": "Shorter"}).json()
    assert (rejected["notes"], rejected["review"]["decision"], rejected["review"]["notes"]) == (
        "Shorter", "REJECTED", "Shorter",
    )  # fmt: skip
    assert rejected["review"]["by"] == {"kind": "API_KEY", "id": key.pk, "name": "agent"}
    again = api.post(f"{URL}/{post.pk}/submit-for-approval").json()
    assert (again["notes"], again["review"]) == (None, rejected["review"])


def test_notes_survive_the_step_back_to_draft_i5(api: SignedClient, make_waiting: Callable[..., Any]) -> None:
    post = make_waiting()
    api.post(f"{URL}/{post.pk}/reject", {"notes": "Shorter"})
    assert api.patch(f"{URL}/{post.pk}", {"status": "DRAFT"}).json()["notes"] == "Shorter"


def test_review_names_the_person_and_the_version_that_was_approved(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    approve(seat(reviewer, organization), post)
    shown = api.get(f"{URL}/{post.pk}").json()
    assert (shown["review"]["decision"], shown["review"]["version"], shown["review"]["notes"]) == ("APPROVED", 1, None)
    assert shown["review"]["by"] == {"kind": "USER", "id": str(reviewer.pk), "name": reviewer.get_username()}
    assert shown["review"]["correctedBy"] is None


def test_review_after_an_undone_approval_is_the_one_before(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    rejected = api.post(f"{URL}/{post.pk}/reject", {"notes": "Shorter"}).json()["review"]
    api.post(f"{URL}/{post.pk}/submit-for-approval")
    drafts.edit(post.created_by_key and actors.api_key_actor(post.created_by_key), fresh(post), changes={"brief": "x"})
    person = seat(reviewer, organization)
    approval = approve(person, post)
    assert api.get(f"{URL}/{post.pk}").json()["review"]["decision"] == "APPROVED"
    undo.undo(person, approval.pk)
    shown = api.get(f"{URL}/{post.pk}").json()
    assert (shown["status"], shown["review"]) == ("WAITING_FOR_APPROVAL", rejected)


def test_review_after_the_first_of_two_approvals_is_null(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    organization.second_approver = True
    organization.save()
    post = make_waiting()
    approve(seat(reviewer, organization), post)
    assert api.get(f"{URL}/{post.pk}").json()["review"] is None


def test_review_names_the_reviewer_who_corrected(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    organization.reviewers_may_correct = True
    organization.save()
    post = make_waiting()
    public_id = post.deliveries.get(channel__type="FB_PAGE").channel.public_id
    correct_and_approve(
        seat(reviewer, organization),
        post,
        captions={public_id: "Corrected"},
        digest=content.current_content(post)[1],
        revision=post.revision,
    )
    shown = api.get(f"{URL}/{post.pk}").json()["review"]
    assert shown["correctedBy"] == shown["by"] == {
        "kind": "USER", "id": str(reviewer.pk), "name": reviewer.get_username(),
    }  # fmt: skip


def test_updated_by_names_the_person_who_changed_the_text_i4(
    api: SignedClient, make_waiting: Callable[..., Any], author: User, key: ApiKey
) -> None:
    post = make_waiting()
    public_id = post.deliveries.get(channel__type="FB_PAGE").channel.public_id
    texts = {public_id: ChannelText("FB_PAGE", "By a person")}
    drafts.edit(actors.user_actor(author), post, changes={"channels": texts})
    listed, shown = api.get(URL).json()[0], api.get(f"{URL}/{post.pk}").json()
    assert shown["updatedBy"] == {"kind": "USER", "id": str(author.pk), "name": author.get_username()}
    assert listed["updatedBy"] == shown["updatedBy"]
    assert shown["createdBy"]["kind"] == "API_KEY"


def test_checks_are_those_of_the_review_page_and_only_of_one_post(
    api: SignedClient, make_waiting: Callable[..., Any]
) -> None:
    post = make_waiting()
    checks = api.get(f"{URL}/{post.pk}").json()["checks"]
    assert checks
    assert {check["severity"] for check in checks} <= {"BLOCKER", "WARNING", "PASSED", "PENDING"}
    assert all(set(check) == {"code", "severity", "message", "channelId"} for check in checks)
    assert api.get(URL).json()[0]["checks"] is None


def test_checks_of_an_incomplete_draft_are_blockers(api: SignedClient, facebook: Channel) -> None:
    checks = api.post(URL, {}).json()["checks"]
    blockers = {check["code"] for check in checks if check["severity"] == "BLOCKER"}
    assert blockers == {"scheduledFor.missing", "media.missing", "channels.empty"}


def test_external_id_and_metadata_are_returned_and_patched(api: SignedClient) -> None:
    own = {"externalId": "menu-27", "metadata": {"campaign": "terrace", "empty": ""}}
    post = api.post(URL, own).json()
    assert {name: post[name] for name in own} == own
    changed = api.patch(f"{URL}/{post['id']}", {"externalId": None, "metadata": {}}).json()
    assert (changed["externalId"], changed["metadata"], changed["version"]) == (None, {}, 2)


def test_external_id_in_use_names_the_other_post(api: SignedClient, other_api: SignedClient) -> None:
    post = api.post(URL, {"externalId": "menu-27"}).json()
    refused = api.post(URL, {"externalId": "menu-27"})
    assert (refused.status_code, refused.json()["details"]) == (409, {"id": post["id"]})
    second = api.post(URL, {}).json()
    assert api.patch(f"{URL}/{second['id']}", {"externalId": "menu-27"}).status_code == 409
    assert api.patch(f"{URL}/{post['id']}", {"externalId": "menu-27"}).status_code == 200
    assert other_api.post(URL, {"externalId": "menu-27"}).status_code == 201
    api.delete(f"{URL}/{post['id']}")
    assert api.post(URL, {"externalId": "menu-27"}).status_code == 201


def test_external_id_in_use_by_a_post_of_another_channel_does_not_name_it(
    api: SignedClient, facebook: Channel, organization: Organization, author: User, make_key: Callable[..., Any]
) -> None:
    text = {"mediumType": "FB_PAGE", "caption": "Hello"}
    api.post(URL, {"externalId": "menu-27", "channels": {facebook.public_id: text}})
    limited = SignedClient(make_key(organization, author, channels=["FB_PAGE_1"]))
    refused = limited.post(URL, {"externalId": "menu-27"})
    assert (refused.status_code, refused.json().get("details")) == (409, None)


@pytest.mark.parametrize(
    ("metadata", "path", "code"),
    [
        ({str(number): "" for number in range(21)}, ["metadata"], "object.max"),
        ({"x" * 41: "a"}, ["metadata", "x" * 41], "string.max"),
        ({"": "a"}, ["metadata", ""], "string.max"),
        ({"a": "x" * 501}, ["metadata", "a"], "string.max"),
        ({"a": 1}, ["metadata", "a"], "string.base"),
        (["a"], ["metadata"], "object.base"),
        (None, ["metadata"], "object.base"),
    ],
)
def test_invalid_metadata_is_refused(api: SignedClient, metadata: Any, path: list[str], code: str) -> None:
    answer = api.post(URL, {"metadata": metadata})
    assert answer.status_code == 422
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [(path, code)]


def test_new_metadata_keeps_the_digest_and_the_last_editor(api: SignedClient, make_waiting: Callable[..., Any]) -> None:
    post = make_waiting()
    digest = content.current_content(post)[1]
    api.patch(f"{URL}/{post.pk}", {"metadata": {"a": "b"}, "externalId": "x"})
    assert content.current_content(fresh(post))[1] == digest
    assert review.reload_post(actors.api_key_actor(api.key), post).version == post.version + 1
