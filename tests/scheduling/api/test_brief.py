"""The brief: an internal note for the reviewer; stored and versioned, not part of the approved content."""

import pytest

from accounts.domain import actors
from accounts.models import AuditEvent
from posts.models import Channel
from scheduling.domain import content, drafts, review
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient

URL = "/scheduled-posts"
BRIEF = "Asked for by Rita.\nSource: https://example.org/menu\nRisk: the price may change."


def test_brief_is_returned_unchanged_or_null(api: SignedClient, facebook: Channel) -> None:
    post, bare = api.post(URL, {"brief": BRIEF}).json(), api.post(URL, {}).json()
    assert (post["brief"], bare["brief"]) == (BRIEF, None)
    assert api.get(f"{URL}/{post['id']}").json()["brief"] == BRIEF
    assert {item["id"]: item["brief"] for item in api.get(URL).json()} == {post["id"]: BRIEF, bare["id"]: None}


@pytest.mark.parametrize("brief", ["", " \n", None, "x" * 10_000, "\u202e 🌊"])
def test_brief_may_be_blank_null_or_ten_thousand_characters(api: SignedClient, facebook: Channel, brief) -> None:
    post = api.post(URL, {"brief": "before"}).json()
    answer = api.patch(f"{URL}/{post['id']}", {"brief": brief})
    assert (answer.status_code, answer.json()["brief"], answer.json()["version"]) == (200, brief, 2)


@pytest.mark.parametrize(("brief", "code"), [("x" * 10_001, "string.max"), (7, "string.base"), (["x"], "string.base")])
def test_invalid_brief_is_refused(api: SignedClient, facebook: Channel, brief, code: str, anything_stored) -> None:
    before = anything_stored()
    answer = api.post(URL, {"brief": brief})
    assert answer.status_code == 422
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [(["brief"], code)]
    assert anything_stored() == before


def test_new_brief_is_recorded_and_keeps_the_digest(
    api: SignedClient, make_waiting, seat, reviewer, organization, key
) -> None:
    post = make_waiting()
    seen = content.current_content(post)[1]

    answer = api.patch(f"{URL}/{post.pk}", {"brief": BRIEF})

    assert answer.json()["version"] == post.version + 1
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("id")
    assert (event.verb, event.digest) == ("edit", seen)
    assert (event.details["fields"], event.details["brief"]) == (["brief"], BRIEF)
    assert "brief" not in event.details["content"]
    review.approve(seat(reviewer, organization), post, revision=post.revision, digest=seen)
    assert ScheduledPost.objects.get(pk=post.pk).status == Status.SCHEDULED


def test_new_brief_keeps_the_last_editor(make_waiting, seat, make_member, organization, key) -> None:
    post = make_waiting()
    both = make_member("both", organization, may_review=True)
    drafts.edit(actors.user_actor(both), post, changes={"media": f"{post.media}&v=2"})
    drafts.edit(actors.api_key_actor(key), post, changes={"brief": "Nothing to see"})
    post.refresh_from_db()
    assert review.is_author(both, post)


def test_brief_can_be_changed_after_the_scheduled_time(make_waiting, key) -> None:
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for="2020-01-01T00:00Z")
    post.refresh_from_db()
    assert drafts.edit(actors.api_key_actor(key), post, changes={"brief": "Late"}).brief == "Late"
