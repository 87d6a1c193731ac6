"""The review page and its actions, submitted through its forms."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors, api_keys
from accounts.models import AuditEvent, Organization, Role, User
from posts.models import Channel
from scheduling.admin import unsent_input
from scheduling.domain import drafts, review
from scheduling.domain.drafts import ChannelText
from scheduling.lifecycle import Status
from scheduling.models import Approval, ScheduledPost
from tests.helpers import POSTS, AdminClient, fresh
from tests.posts.graph.raw import answer, serving

QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"


def edit(post: Any, key: Any, channel: Channel, caption: str) -> None:
    channels = {channel.public_id: ChannelText(channel.type, caption, None)}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": channels})


def test_approve_schedules_the_shown_content(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    displayed = site.form("approve").fields["digest"]

    site.press("approve")

    stored = fresh(post)
    assert (site.answer.status_code, site.answer.url) == (302, QUEUE)
    assert (stored.status, stored.scheduled_for) == (Status.SCHEDULED, post.scheduled_for)
    assert stored.approval is not None
    assert (stored.approval.reviewer, stored.approval.digest) == (reviewer, displayed)
    assert site.follow().text.count("Approved: “Olá from Casa do Sol 👋” will be published on") == 1


def test_approve_redirects_to_the_next_waiting_post(make_waiting, reviewer: User) -> None:
    soon, late = (make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2))
    site = AdminClient(reviewer).review(soon).press("approve")
    assert site.answer.url == f"{POSTS}{late.pk}/review/"


def test_approve_for_another_time_in_local_time(make_waiting, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="America/Sao_Paulo")
    year = clock.now().year + 1
    post = make_waiting()
    AdminClient(reviewer).review(post).press("approve", when=f"{year}-07-01T09:30")
    assert str(fresh(post).scheduled_for) == f"{year}-07-01 12:30:00+00:00"


def test_nonexistent_local_time_is_refused_and_kept(make_waiting, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="Europe/Lisbon")
    post = make_waiting()
    site = AdminClient(reviewer).review(post).press("approve", when="2027-03-28T01:30")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "skip this hour" in site.text
    assert site.form("approve").fields["when"] == "2027-03-28T01:30"


def test_stale_page_is_refused_with_the_changes(make_waiting, reviewer: User, key, facebook: Channel) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).review(post)
    seen = site.form("approve").fields["digest"]
    edit(post, key, facebook, "Olá from Casa do Sol, rewritten")

    site.press("approve")

    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert Approval.objects.count() == 0
    html = site.answer.content.decode()
    assert f'data-path="channels.{facebook.public_id}.caption"' in html
    assert "<ins>Sol, rewritten</ins>" in html
    assert site.form("approve").fields["digest"] != seen

    site.press("approve")
    assert fresh(post).status == Status.SCHEDULED


def test_removed_channel_is_named(make_waiting, reviewer: User, key, facebook: Channel, instagram: Channel) -> None:
    texts = {channel.public_id: ChannelText(channel.type, "Dinner is on", None) for channel in (facebook, instagram)}
    post = make_waiting(channels=texts)
    site = AdminClient(reviewer).review(post)
    edit(post, key, facebook, "Dinner is on")
    site.press("approve")
    label = f'<dt data-path="channels.{instagram.public_id}"><bdi>{instagram.name}</bdi></dt>'
    assert label in site.answer.content.decode()


def test_approve_does_not_overwrite_a_changed_time(make_waiting, reviewer: User, key) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    moved = clock.now().replace(microsecond=0) + timedelta(days=3)
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"scheduled_for": moved})
    site.press("approve")
    assert (fresh(post).status, fresh(post).scheduled_for) == (Status.WAITING_FOR_APPROVAL, moved)
    assert site.form("approve").fields["when"] == f"{moved:%Y-%m-%dT%H:%M}"


def test_author_cannot_approve_own_post(make_waiting, make_member, organization: Organization) -> None:
    writer = make_member("writer", organization, Role.EDITOR, may_review=True)
    post = make_waiting(actor=actors.user_actor(writer))
    site = AdminClient(writer).review(post)
    assert not site.offers("approve")
    assert review.SELF_APPROVAL_FORBIDDEN in site.text

    answer = site.send(f"{POSTS}{post.pk}/approve/", digest="0" * 64)

    assert answer.status_code == 403
    assert review.SELF_APPROVAL_FORBIDDEN in site.text
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL


def test_reject_without_notes_is_refused(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post).press("reject", notes=" \r\n ")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "Say in the notes what should change" in site.text

    site.press("reject", notes="Warmer,\r\nplease.")
    stored = fresh(post)
    assert (stored.status, stored.notes) == (Status.REJECTED, "Warmer,\nplease.")
    assert "Warmer,\nplease." in site.review(post).answer.content.decode()


def test_resubmitted_post_shows_changes(make_waiting, reviewer: User, key, facebook: Channel) -> None:
    post = make_waiting(channels=[facebook])
    AdminClient(reviewer).review(post).press("reject", notes="No.")
    edit(post, key, facebook, "Bom dia from Casa do Sol 👋")
    review.submit(actors.api_key_actor(key), fresh(post))
    html = AdminClient(reviewer).review(post).answer.content.decode()
    assert "<del>Olá </del><ins>Bom dia </ins>" in html


def test_author_reverts_rejected_post(make_waiting, reviewer: User, author: User) -> None:
    post = make_waiting()
    AdminClient(reviewer).review(post).press("reject", notes="No.")
    AdminClient(author).review(post).press("revert")
    assert fresh(post).status == Status.DRAFT


def test_author_submits_and_deletes(make_draft, author: User) -> None:
    post = make_draft()
    site = AdminClient(author).review(post).press("submit")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    site.follow().press("delete")
    assert not ScheduledPost.objects.filter(pk=post.pk).exists()
    assert site.answer.url == POSTS


def test_edit_conflict_shows_the_new_status(make_waiting, reviewer: User, author: User) -> None:
    post = make_waiting()
    first, second = AdminClient(reviewer).review(post), AdminClient(reviewer).review(post)
    first.press("approve")
    second.press("reject", notes="Too late.")
    assert fresh(post).status == Status.SCHEDULED
    assert "it is now “Scheduled”" in second.text

    third = AdminClient(reviewer).review(post)
    AdminClient(author).review(post).press("delete")
    third.press("revert")
    assert third.answer.status_code == 404


def test_review_page_shows_channels_outcomes_and_history(make_scheduled, reviewer: User, facebook: Channel) -> None:
    post = make_scheduled()
    delivery = post.deliveries.get(channel=facebook)
    delivery.state, delivery.error_code, delivery.error_message = "FAILED", "190/463", "The token has expired."
    delivery.save(update_fields=["state", "error_code", "error_message"])
    text = AdminClient(reviewer).review(post).text
    for words in ("Facebook", "Instagram", "Failed", "The token has expired.", "agent API key created the draft"):
        assert words in text
    assert "reviewer approved and scheduled it" in text


def test_review_page_has_constant_queries(make_waiting, reviewer: User, django_assert_max_num_queries) -> None:
    first = make_waiting()
    site = AdminClient(reviewer).review(first)
    with django_assert_max_num_queries(40) as one:
        site.review(first)
    for _ in range(3):
        make_waiting()
    with django_assert_max_num_queries(len(one)):
        site.review(first)


def test_unknown_digest_is_refused_without_changes(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post).press("approve", digest="0" * 64)
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "Nothing was approved." in site.text
    assert "data-path" not in site.answer.content.decode()


def test_history_defers_event_details(make_waiting, key, facebook: Channel, reviewer: User) -> None:
    post = make_waiting(looked=False)
    for number in range(3):
        edit(post, key, facebook, f"Olá {number}")
    site = AdminClient(reviewer).review(post)
    history = site.answer.context["history"]
    assert [entry.event.verb for entry in history] == ["edit", "edit", "edit", "submit", "create"]
    assert {"details"} == {name for entry in history for name in entry.event.get_deferred_fields()}


def test_posts_of_a_key_rotated_by_the_reviewer_are_skipped(
    make_waiting, make_member, key, organization: Organization
) -> None:
    first, second = make_waiting(), make_waiting()
    keeper = make_member("keeper", organization, Role.ADMIN, may_review=True)
    assert AdminClient(keeper).review(first).answer.context["next"] == second
    api_keys.rotate(actors.user_actor(keeper), key, overlap=timedelta(0))
    page = AdminClient(keeper).review(first).answer.context
    assert (page["may"].approve, page["next"]) == (False, None)


def test_reject_of_another_version_is_refused_and_keeps_the_notes_a22(
    make_waiting, reviewer: User, key, facebook: Channel
) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).review(post)
    edit(post, key, facebook, "Olá, corrected")
    site.press("reject", notes="A typo.")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "Nothing was rejected." in site.text
    assert site.form("reject").fields["notes"] == "A typo."
    site.press("reject")
    assert (fresh(post).status, fresh(post).notes) == (Status.REJECTED, "A typo.")


def test_notes_typed_in_an_expired_session_survive_the_login_a22(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    site.client.session.flush()
    site.press("reject", notes="Warmer, please.")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL

    form = site.follow().page.forms[0]
    password = reviewer.raw_password  # type: ignore[attr-defined]
    site.send(form.action, next=form.fields["next"], username=reviewer.get_username(), password=password)
    site.follow()

    assert site.form("reject").fields["notes"] == "Warmer, please."
    assert "has not been sent" in site.text
    site.press("reject")
    assert (fresh(post).status, fresh(post).notes) == (Status.REJECTED, "Warmer, please.")
    assert "has not been sent" not in site.review(post).text


@pytest.mark.parametrize(
    ("action", "field", "text"), [("reject", "notes", "Warmer, please."), ("approve", "when", "2031-05-04T10:30")]
)
def test_input_of_a_page_from_before_a_new_login_is_kept_a22(
    make_waiting, reviewer: User, action: str, field: str, text: str
) -> None:
    post = make_waiting()
    site, elsewhere = AdminClient(reviewer).review(post), AdminClient(reviewer).open("/admin/")
    site.client.cookies = elsewhere.client.cookies  # the browser signed in again in another tab
    site.press(action, **{field: text})
    assert (site.answer.status_code, fresh(post).status) == (403, Status.WAITING_FOR_APPROVAL)
    assert f"{POSTS}{post.pk}/review/" in site.page.links
    assert site.review(post).form(action).fields[field] == text
    assert "has not been sent" in site.text
    site.press(action)
    assert fresh(post).status in {Status.SCHEDULED, Status.REJECTED}


def test_input_that_another_site_posts_is_not_kept(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    url = f"{POSTS}{post.pk}/reject/"
    answer = site.client.post(url, {"notes": "Foreign."}, headers={"origin": "https://other.example"})
    assert (answer.status_code, unsent_input.COOKIE in answer.cookies) == (403, False)
    assert site.client.get(url).status_code == 405


@pytest.mark.parametrize(
    ("name", "typed", "status"),
    [
        ("approve", {}, Status.SCHEDULED),
        ("reject", {"notes": "No."}, Status.REJECTED),
        ("publish", {}, Status.SCHEDULED),
        ("delete", {}, None),
        ("revert", {}, Status.DRAFT),
    ],
)
def test_double_click_of_one_person_is_done_a22(
    name: str, typed: dict[str, str], status: Any, make_waiting, make_scheduled, make_member, organization: Organization
) -> None:
    person = make_member("person", organization, Role.EDITOR, may_review=True)
    post = make_scheduled() if name == "revert" else make_waiting()
    first, second = AdminClient(person).review(post), AdminClient(person).review(post)
    for site in (first, second):
        site.press(name, **typed)
        assert site.answer.status_code == 302
    assert "another user" not in second.follow().text
    assert getattr(ScheduledPost.objects.filter(pk=post.pk).first(), "status", None) == status


def test_reject_with_other_notes_after_ones_own_is_refused_a22(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    first, second = AdminClient(reviewer).review(post), AdminClient(reviewer).review(post)
    first.press("reject", notes="No.")
    second.press("reject", notes="Another reason.")
    assert (second.answer.status_code, fresh(post).notes) == (200, "No.")


def test_approval_is_undone_by_the_button_of_the_next_page(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post).press("approve").follow()
    assert fresh(post).status == Status.SCHEDULED
    site.press("undo")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert not site.follow().offers("undo")
    assert site.offers("approve")


def test_second_click_of_undo_is_undone_a22(make_waiting, reviewer: User, author: User) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post).press("approve").follow()
    approval = site.form("undo").fields["approval"]
    site.press("undo")
    site.send(f"{POSTS}undo/", approval=approval)
    assert "was not changed" not in site.follow().text
    assert site.text.count("is waiting for approval again") == 2
    assert AuditEvent.objects.filter(verb="undo").count() == 1

    site.press("approve")
    site.send(f"{POSTS}undo/", approval=approval)  # of the earlier approval
    assert "was not changed" in site.follow().text
    assert fresh(post).status == Status.SCHEDULED


def test_undo_of_another_persons_approval_changes_nothing(make_scheduled, admin_member: User, viewer: User) -> None:
    post = make_scheduled()
    for person in (admin_member, viewer):
        site = AdminClient(person).review(post)
        site.send(f"{POSTS}undo/", approval=str(fresh(post).approval_id))
        site.send(f"{POSTS}undo/", approval="x" * 20)
        assert fresh(post).status == Status.SCHEDULED


@pytest.mark.parametrize("loss", ["membership", "right", "channel", "account"])
def test_scheduled_post_of_a_former_reviewer_states_that_it_is_not_published(
    make_scheduled, reviewer: User, viewer: User, loss: str
) -> None:
    post = make_scheduled()
    site = AdminClient(viewer).review(post)
    assert ("It will be published on" in site.text, "It will not be published" in site.text) == (True, False)
    if loss == "membership":
        reviewer.memberships.all().delete()
    elif loss == "account":
        User.objects.filter(pk=reviewer.pk).update(is_active=False)
    else:
        reviewer.memberships.update(**({"may_review": False} if loss == "right" else {"review_channels": []}))
    site.review(post)
    assert "It will be published on" not in site.text
    assert "It will not be published: The person who approved this may no longer review it." in site.text


def test_media_that_are_no_media_are_not_shown_as_a_link_m7(make_waiting, reviewer: User, facebook: Channel) -> None:
    with serving(answer(b'{"a": 1}')) as server:
        post = make_waiting(channels=[facebook], media=f"{server.url}/a?id=3", media_type=None)
    shown = AdminClient(reviewer).review(post).answer.context
    assert shown["media_kind"] == "unusable"
    assert "neither a page, an image nor a video" in shown["media_problem"]
