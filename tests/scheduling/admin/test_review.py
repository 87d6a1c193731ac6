"""The review page and its buttons, pressed through the real forms."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors, api_keys
from accounts.models import AuditEvent, Organization, Role, User
from posts.models import Channel
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from scheduling.lifecycle import Status
from scheduling.models import Approval, ScheduledPost
from tests.admin_client import POSTS, Desk

QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"


def fresh(post: Any) -> ScheduledPost:
    return ScheduledPost.objects.get(pk=post.pk)


def edit(post: Any, key: Any, channel: Channel, caption: str) -> None:
    channels = {channel.public_id: ChannelText(channel.type, caption, None)}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": channels})


def test_approving_schedules_what_was_shown_and_leads_back_to_the_queue(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    shown = desk.form("approve").fields["digest"]

    desk.press("approve")

    stored = fresh(post)
    assert (desk.answer.status_code, desk.answer.url) == (302, QUEUE)
    assert (stored.status, stored.scheduled_for) == (Status.SCHEDULED, post.scheduled_for)
    assert stored.approval is not None
    assert (stored.approval.reviewer, stored.approval.digest) == (reviewer, shown)
    assert desk.follow().text.count("Approved: “Olá from Casa do Sol 👋” goes out on") == 1


def test_after_a_decision_the_next_waiting_post_comes_up(make_waiting: Any, reviewer: User) -> None:
    soon, late = (make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2))
    desk = Desk(reviewer).review(soon).press("approve")
    assert desk.answer.url == f"{POSTS}{late.pk}/review/"


def test_the_instant_can_be_changed_in_the_readers_time_zone(make_waiting: Any, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="America/Sao_Paulo")
    year = clock.now().year + 1
    post = make_waiting()
    Desk(reviewer).review(post).press("approve", when=f"{year}-07-01T09:30")
    assert str(fresh(post).scheduled_for) == f"{year}-07-01 12:30:00+00:00"


def test_an_hour_that_the_clocks_skip_is_refused_and_stays_typed(make_waiting: Any, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="Europe/Lisbon")
    post = make_waiting()
    desk = Desk(reviewer).review(post).press("approve", when="2027-03-28T01:30")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "skip this hour" in desk.text
    assert desk.form("approve").fields["when"] == "2027-03-28T01:30"


def test_publishing_now_moves_the_instant_to_this_moment(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    before = clock.now()
    Desk(reviewer).review(post).press("publish")
    stored = fresh(post)
    assert stored.status == Status.SCHEDULED
    assert stored.scheduled_for is not None
    assert before <= stored.scheduled_for <= clock.now()


def test_a_stale_page_is_refused_with_the_difference_and_must_be_looked_at_anew(
    make_waiting: Any, reviewer: User, key: Any, facebook: Channel
) -> None:
    post = make_waiting(channels=[facebook])
    desk = Desk(reviewer).review(post)
    seen = desk.form("approve").fields["digest"]
    edit(post, key, facebook, "Olá from Casa do Sol, rewritten")

    desk.press("approve")

    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert Approval.objects.count() == 0
    html = desk.answer.content.decode()
    assert f'data-path="channels.{facebook.public_id}.caption"' in html
    assert "<ins>Sol, rewritten</ins>" in html
    assert desk.form("approve").fields["digest"] != seen

    desk.press("approve")
    assert fresh(post).status == Status.SCHEDULED


def test_a_change_of_the_instant_since_the_page_was_loaded_is_not_overwritten_by_approving(
    make_waiting: Any, reviewer: User, key: Any
) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    moved = clock.now().replace(microsecond=0) + timedelta(days=3)
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"scheduled_for": moved})
    desk.press("approve")
    assert (fresh(post).status, fresh(post).scheduled_for) == (Status.WAITING_FOR_APPROVAL, moved)
    assert desk.form("approve").fields["when"] == f"{moved:%Y-%m-%dT%H:%M}" + (f":{moved:%S}" if moved.second else "")


def test_nobody_approves_what_they_wrote(make_waiting: Any, make_member: Any, organization: Organization) -> None:
    writer = make_member("writer", organization, Role.EDITOR, may_review=True)
    post = make_waiting(actor=actors.user_actor(writer))
    desk = Desk(writer).review(post)
    assert not desk.offers("approve")
    assert "You wrote or last edited this post" in desk.text

    answer = desk.send(f"{POSTS}{post.pk}/approve/", digest="0" * 64)

    assert answer.status_code == 403
    assert "You wrote or last edited this post" in desk.text
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL


def test_rejecting_needs_notes_and_says_so(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post).press("reject", notes=" \r\n ")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "Say in the notes what should change" in desk.text

    desk.press("reject", notes="Warmer,\r\nplease.")
    stored = fresh(post)
    assert (stored.status, stored.notes) == (Status.REJECTED, "Warmer,\nplease.")
    assert "Warmer,\nplease." in desk.review(post).answer.content.decode()


def test_a_rejected_post_that_comes_back_shows_what_changed(
    make_waiting: Any, reviewer: User, key: Any, facebook: Channel
) -> None:
    from scheduling.domain import review

    post = make_waiting(channels=[facebook])
    Desk(reviewer).review(post).press("reject", notes="No.")
    edit(post, key, facebook, "Bom dia from Casa do Sol 👋")
    review.submit(actors.api_key_actor(key), fresh(post))
    html = Desk(reviewer).review(post).answer.content.decode()
    assert "<del>Olá </del><ins>Bom dia </ins>" in html


def test_reverting_takes_a_scheduled_post_back(make_scheduled: Any, reviewer: User) -> None:
    post = make_scheduled()
    desk = Desk(reviewer).review(post).press("revert")
    stored = fresh(post)
    assert (stored.status, stored.task_id, stored.approval) == (Status.DRAFT, None, None)
    assert "is a draft again" in desk.follow().text


def test_a_rejected_post_is_taken_back_to_draft_by_its_author(make_waiting: Any, reviewer: User, author: User) -> None:
    post = make_waiting()
    Desk(reviewer).review(post).press("reject", notes="No.")
    Desk(author).review(post).press("revert")
    assert fresh(post).status == Status.DRAFT


def test_an_author_submits_and_deletes(make_draft: Any, author: User) -> None:
    post = make_draft()
    desk = Desk(author).review(post).press("submit")
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    desk.follow().press("delete")
    assert not ScheduledPost.objects.filter(pk=post.pk).exists()
    assert desk.answer.url == POSTS


def test_the_loser_of_a_race_is_told_where_the_post_is(make_waiting: Any, reviewer: User, author: User) -> None:
    post = make_waiting()
    first, second = Desk(reviewer).review(post), Desk(reviewer).review(post)
    first.press("approve")
    second.press("reject", notes="Too late.")
    assert fresh(post).status == Status.SCHEDULED
    assert "this post is “Scheduled” by now" in second.text

    third = Desk(reviewer).review(post)
    Desk(author).review(post).press("delete")
    third.press("revert")
    assert third.answer.status_code == 404


def test_the_page_shows_channels_outcomes_and_history(make_scheduled: Any, reviewer: User, facebook: Channel) -> None:
    post = make_scheduled()
    delivery = post.deliveries.get(channel=facebook)
    delivery.state, delivery.error_code, delivery.error_message = "FAILED", "190/463", "The token has expired."
    delivery.save(update_fields=["state", "error_code", "error_message"])
    text = Desk(reviewer).review(post).text
    for words in ("Facebook", "Instagram", "Did not go live", "The token has expired.", "agent API key wrote it"):
        assert words in text
    assert "reviewer approved and scheduled it" in text


@pytest.mark.parametrize("name", ["approve", "publish", "reject", "revert", "submit", "delete"])
def test_buttons_answer_to_post_alone_and_with_a_token(name: str, make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    client, token = desk.client, desk.page.forms[0].fields["csrfmiddlewaretoken"]
    url = f"{POSTS}{post.pk}/{name}/"
    events = AuditEvent.objects.count()
    methods = ("get", "head", "options", "put", "patch", "delete")
    answers = [getattr(client, method)(url, headers={"x-csrftoken": token}).status_code for method in methods]
    assert answers == [405] * 6
    assert client.post(url, {"notes": "x"}).status_code == 403
    assert AuditEvent.objects.count() == events


def test_without_a_session_a_button_leads_to_the_sign_in(make_waiting: Any, client: Any) -> None:
    post = make_waiting()
    answer = client.post(f"{POSTS}{post.pk}/approve/", {"digest": "x"})
    assert answer.url == f"/admin/login/?next={POSTS}{post.pk}/review/"
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL


def test_the_page_costs_the_same_however_many_posts_wait(
    make_waiting: Any, reviewer: User, django_assert_max_num_queries: Any
) -> None:
    first = make_waiting()
    desk = Desk(reviewer).review(first)
    with django_assert_max_num_queries(40) as one:
        desk.review(first)
    for _ in range(3):
        make_waiting()
    with django_assert_max_num_queries(len(one)):
        desk.review(first)


def test_a_digest_that_nobody_ever_showed_is_refused_without_a_made_up_difference(
    make_waiting: Any, reviewer: User
) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post).press("approve", digest="0" * 64)
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL
    assert "Nothing was approved." in desk.text
    assert "data-path" not in desk.answer.content.decode()


def test_a_long_history_is_told_without_loading_what_each_event_carries(
    make_waiting: Any, key: Any, facebook: Channel, reviewer: User
) -> None:
    post = make_waiting(looked=False)
    for number in range(3):
        edit(post, key, facebook, f"Olá {number}")
    desk = Desk(reviewer).review(post)
    history = desk.answer.context["history"]
    assert [line.event.verb for line in history] == ["edit", "edit", "edit", "submit", "create"]
    assert {"details"} == {name for line in history for name in line.event.get_deferred_fields()}


def test_a_key_that_the_reviewer_rotated_leads_them_past_its_posts(
    make_waiting: Any, make_member: Any, key: Any, organization: Organization
) -> None:
    first, second = make_waiting(), make_waiting()
    keeper = make_member("keeper", organization, Role.ADMIN, may_review=True)
    assert Desk(keeper).review(first).answer.context["upcoming"] == second
    api_keys.rotate(actors.user_actor(keeper), key, overlap=timedelta(0))
    page = Desk(keeper).review(first).answer.context
    assert (page["may"].approve, page["upcoming"]) == (False, None)
