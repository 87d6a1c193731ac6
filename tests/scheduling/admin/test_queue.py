"""The queue: what a row says, how it is narrowed down and kept, and approving several at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Membership, Organization, User
from posts.domain.published_posts import record_published
from posts.models import Channel, PublishedPost
from scheduling.admin.permissions import load_permission_context, permissions_for
from scheduling.admin.posts import ALL
from scheduling.domain import drafts, review, saved_views
from scheduling.domain.content import current_content
from scheduling.domain.drafts import ChannelText
from scheduling.domain.preflight.checks import refresh_levels
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, ChannelCheck, Delivery, SavedView, ScheduledPost
from tests.accounts.admin.test_login import enrol
from tests.admin_client import POSTS, Desk

QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"


def status(post: Any) -> str:
    return str(ScheduledPost.objects.get(pk=post.pk).status)


def listed(desk: Desk) -> list[Any]:
    return [row.post.pk for row in desk.answer.context["rows"]]


@pytest.fixture
def two(make_waiting: Any) -> list[Any]:
    return [make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2)]


def send(desk: Desk, posts: list[Any], **typed: str) -> Desk:
    """Choose these posts on the page and approve them; `typed` replaces fields."""
    fields = {**desk.form("approve").fields, **typed}
    fields.pop("post", None)
    chosen = {**fields, "post": [str(post.pk) for post in posts]}
    return desk._keep(desk.client.post(desk.form("approve").action, chosen))


def test_a_row_says_who_wrote_it_when_and_what_the_checks_say(two: list[Any], reviewer: User) -> None:
    ScheduledPost.objects.filter(pk=two[0].pk).update(created_at=clock.now() - timedelta(hours=3, minutes=5))
    User.objects.filter(pk=reviewer.pk).update(time_zone="Asia/Kolkata")
    desk = Desk(reviewer).open(QUEUE)
    assert "API key agent · 3 hours ago" in desk.text
    assert "UTC in 59 minutes" in desk.text
    row = desk.answer.context["rows"][0]
    assert (row.checks.tone, row.checks.words in desk.text) == ("amber", True)


def test_each_is_approved_under_its_own_digest(two: list[Any], reviewer: User) -> None:
    desk = send(Desk(reviewer).open(QUEUE), two)
    assert "2 approved" in desk.text
    approvals = Approval.objects.order_by("id")
    assert [(approval.post_id, approval.reviewer, bool(approval.checks)) for approval in approvals] == [
        (post.pk, reviewer, True) for post in two
    ]
    assert [status(item) for item in two] == [Status.SCHEDULED] * 2


def test_a_refusal_stops_none_of_the_others_and_says_why(
    two: list[Any], make_waiting: Any, make_draft: Any, other_key: Any, other_facebook: Channel, key: Any, author: User,
    reviewer: User, facebook: Channel,
) -> None:  # fmt: skip
    rejected, changed, deleted, good = (
        make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (3, 4, 5, 6)
    )
    desk = Desk(reviewer).open(QUEUE)
    review.reject(actors.user_actor(reviewer), ScheduledPost.objects.get(pk=rejected.pk), notes="No.")
    text: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "New words", None)}}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=changed.pk), changes=text)
    drafts.delete(actors.api_key_actor(key), ScheduledPost.objects.get(pk=deleted.pk))
    foreign: Any = {"channels": {other_facebook.public_id: ChannelText(other_facebook.type, "Rival's secret", None)}}
    theirs = drafts.create(actors.api_key_actor(other_key), organization=other_key.organization, changes=foreign)

    send(desk, [rejected, changed, deleted, theirs, good])
    assert desk.answer.status_code == 200
    for words in (
        "1 approved, 4 not",
        "It is “Rejected” by now",
        "It has changed since",
        "2 of those that you chose are not",
    ):
        assert words in desk.text
    assert "Rival" not in desk.text
    assert [status(item) for item in (rejected, changed, good, two[0])] == [
        "REJECTED", "WAITING_FOR_APPROVAL", "SCHEDULED", "WAITING_FOR_APPROVAL",
    ]  # fmt: skip
    assert Approval.objects.count() == 1


def test_a_database_that_fails_midway_is_told_of_the_one_post_alone(
    two: list[Any], reviewer: User, monkeypatch: Any
) -> None:
    desk = Desk(reviewer).open(QUEUE)
    real = ScheduledPost.apply_transition

    def broken(self: Any, step: str, **columns: Any) -> Any:
        if self.pk == two[0].pk:
            raise OperationalError("the connection was lost")
        return real(self, step, **columns)

    monkeypatch.setattr(ScheduledPost, "apply_transition", broken)
    send(desk, two)
    assert "It could not be stored. Try this one again." in desk.text
    assert [status(item) for item in two] == [Status.WAITING_FOR_APPROVAL, Status.SCHEDULED]
    assert Approval.objects.count() == 1


def test_who_may_not_decide_is_offered_nothing_and_refused(
    two: list[Any], viewer: User, make_member: Any, organization: Any, key: Any
) -> None:
    desk = Desk(viewer).open(QUEUE)
    assert not any(form.fields.get("post") or "digest" in str(form.fields) for form in desk.page.forms)
    rows = desk.answer.context["rows"]
    digests = {f"digest-{row.post.pk}": row.digest for row in rows}
    answer = desk.send(f"{POSTS}approve/", post=str(two[0].pk), **digests)
    assert ("You do not have permission to approve posts" in desk.text, answer.status_code) == (True, 200)
    assert [status(item) for item in two] == [Status.WAITING_FOR_APPROVAL] * 2

    both = make_member("both", organization, may_review=True)
    sooner: Any = {"scheduled_for": clock.now() + timedelta(minutes=30)}
    drafts.edit(actors.user_actor(both), ScheduledPost.objects.get(pk=two[0].pk), changes=sooner)
    own = Desk(both).open(QUEUE)
    assert [row.pickable for row in own.answer.context["rows"]] == [False, True]
    assert "another person decides" in own.text


def test_what_is_in_the_way_is_not_approved_from_the_list(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    desk = Desk(reviewer).open(QUEUE)
    assert not desk.offers("approve") or "post" not in desk.form("approve").fields
    assert "1 in the way" in desk.text


def test_the_lists_buttons_answer_to_post_alone_and_with_a_token(two: list[Any], reviewer: User, client: Any) -> None:
    view = saved_views.save_view(reviewer, "Mine", "q=x")
    urls = [f"{POSTS}approve/", f"{POSTS}views/keep/", f"{POSTS}views/{view.pk}/forget/"]
    desk = Desk(reviewer).open(QUEUE)
    events = AuditEvent.objects.count()
    assert [desk.client.get(url).status_code for url in urls] == [405] * 3
    assert [desk.client.post(url).status_code for url in urls] == [403] * 3
    assert [client.post(url).url for url in urls] == [f"/admin/login/?next={POSTS}"] * 3
    assert (AuditEvent.objects.count(), SavedView.objects.count()) == (events, 1)


def test_a_view_is_kept_changed_and_deleted_by_its_owner_alone(
    two: list[Any], reviewer: User, author: User, outsider: User
) -> None:
    desk = Desk(reviewer).open(f"{QUEUE}&author=key-{two[0].created_by_key_id}")
    desk.press("keep", name="The agent's")
    view = SavedView.objects.get()
    assert desk.answer.url == f"{POSTS}?{view.query}"
    assert "Kept as “The agent's”." in desk.follow().text
    User.objects.filter(pk=outsider.pk).update(is_superuser=True)
    for somebody in (author, outsider):  # of the same organization and of another
        other = Desk(somebody).open(f"{QUEUE}&q=theirs")
        assert "The agent's" not in other.text
        other.send(f"{POSTS}views/{view.pk}/forget/")
        other.press("keep", name="The agent's")
        assert SavedView.objects.get(pk=view.pk).query == view.query
        assert [saved_view.query for saved_view in saved_views.saved_views(somebody)] == [
            "status=WAITING_FOR_APPROVAL&q=theirs"
        ]
    desk.press("forget")
    assert (saved_views.saved_views(reviewer), SavedView.objects.count()) == ([], 2)


def test_filters_narrow_down_by_author_and_by_checks(
    make_waiting: Any, author: User, reviewer: User, facebook: Channel, key: Any
) -> None:
    agents = make_waiting(channels=[facebook])
    own = make_waiting(
        actor=actors.user_actor(author), channels=[facebook], scheduled_for=clock.now() + timedelta(days=2)
    )
    ScheduledPost.objects.filter(pk=own.pk).update(media_metadata={"problem": "It is gone"}, check_level_at=None)
    refresh_levels()
    desk = Desk(reviewer)
    for query, expected in (
        (f"author=key-{key.pk}", [agents.pk]),
        (f"author=user-{author.pk}", [own.pk]),
        ("checks=stop", [own.pk]),
        ("checks=passed", []),
        ("checks=open", [agents.pk, own.pk]),
        ("author=nobody", [agents.pk, own.pk]),
    ):
        assert listed(desk.open(f"{QUEUE}&{query}")) == expected, query


def test_checks_filter_compares_night_hours_in_the_readers_time_zone(
    make_waiting: Any, reviewer: User, facebook: Channel
) -> None:
    ChannelCheck.objects.create(channel=facebook, at=clock.now())
    noon = (clock.now() + timedelta(days=2)).replace(hour=12, minute=0)
    post = make_waiting(channels=[facebook], scheduled_for=noon)
    for zone, query, words in (("UTC", "passed", "All in order"), ("Pacific/Auckland", "open", "1 to look at")):
        User.objects.filter(pk=reviewer.pk).update(time_zone=zone)
        other = "open" if query == "passed" else "passed"
        assert listed(Desk(reviewer).open(f"{QUEUE}&checks={other}")) == []
        desk = Desk(reviewer).open(f"{QUEUE}&checks={query}")
        assert (listed(desk), desk.answer.context["rows"][0].checks.words) == ([post.pk], words)


def test_the_review_page_leads_to_the_one_before_and_the_one_after(make_waiting: Any, reviewer: User) -> None:
    posts = [make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2, 3)]
    beside = []
    for post in posts:
        context = Desk(reviewer).review(post).answer.context
        beside.append((context["earlier"], context["upcoming"]))
    assert beside == [(None, posts[1]), (posts[0], posts[2]), (posts[1], posts[0])]


def test_what_is_over_says_where_it_is_live_or_what_can_be_done(
    make_scheduled: Any, reviewer: User, facebook: Channel, instagram: Channel
) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None, failure_reason="It is not live everywhere.")
    deliveries = Delivery.objects.filter(post=post)
    link = "https://www.facebook.com/123/posts/5"
    deliveries.filter(channel=facebook).update(state="PUBLISHED", platform_post_id="1_5", permalink=link)
    deliveries.filter(channel=instagram).update(state="UNKNOWN", error_code="UNKNOWN")
    Attempt.objects.create(delivery=deliveries.get(channel=instagram), approval=post.approval, lease_id=post.pk)
    record_published(
        channel=facebook, platform_id="1_5", type="POST", caption="Olá", media_url=None, media_type=None,
        permalink=link, published_at=clock.now(), superpower=None, scheduled_post_id=post.pk,
    )  # fmt: skip
    PublishedPost.objects.update(likes=1, comments=1200)
    for url in ("/admin/", f"{POSTS}?status=FAILED"):
        desk = Desk(reviewer).open(url)
        assert link in desk.page.links
        for words in ("1 like · 1,200 comments", "not known whether it is live.", "Look at the channel."):
            assert words in desk.text, (url, words)
    assert "1 like · 1,200 comments" in Desk(reviewer).review(post).text


def test_the_queue_costs_the_same_for_one_row_and_for_six(
    make_waiting: Any, make_scheduled: Any, reviewer: User, django_assert_max_num_queries: Any
) -> None:
    """Every kind of row, waiting and over, with their checks, rights and fates; and the list of answers."""
    pages = (QUEUE, POSTS, f"{POSTS}?status=FAILED", f"{QUEUE}&checks=open", f"{QUEUE}&q=casa", "/admin/")

    def more() -> None:
        make_waiting()
        failed = make_scheduled()
        failed.apply_transition("fail", task_id=None, failure_reason="It did not go out.")
        failed.deliveries.update(state="FAILED", error_code="190/463", platform_post_id="")

    more()
    desk = Desk(reviewer)
    costs = {}
    for page in pages:
        desk.open(page)
        with django_assert_max_num_queries(45) as spent:
            desk.open(page)
        costs[page] = len(spent)
    for _ in range(5):
        more()
    for page in pages:
        with django_assert_max_num_queries(costs[page]):
            desk.open(page)


def test_rights_cost_the_same_where_two_approve_and_a_second_factor_is_demanded(
    make_waiting: Any, reviewer: User, organization: Organization, seat: Any, django_assert_num_queries: Any
) -> None:
    """Also for what the reader approved first, or gave its words before somebody else moved it."""
    mine = Organization.objects.filter(pk=organization.pk)
    mine.update(second_approver=True)
    made = [make_waiting() for _ in range(4)]
    judge = seat(reviewer, mine.get())
    for post in made[:3]:
        review.approve(judge, post, revision=post.revision, digest=current_content(post)[1])
    Approval.objects.update(mfa_verified=True)
    Approval.objects.filter(post=made[2]).update(digest="0" * 64)  # of what it said before
    ScheduledPost.objects.filter(pk=made[3].pk).update(content_edited_by_user=reviewer)
    mine.update(require_mfa=True)
    enrol(reviewer)
    whole = ScheduledPost.objects.for_wire().select_related(*ALL)
    for posts in (made[:1], made):
        loaded = list(whole.filter(pk__in=[post.pk for post in posts]))
        with django_assert_num_queries(3):
            learnt = load_permission_context(reviewer, loaded)
        member = Membership.objects.get(user=reviewer)
        with django_assert_num_queries(0):
            may = {item.pk: permissions_for(reviewer, member, item, learnt=learnt) for item in loaded}
    assert [may[item.pk].approve for item in made] == [False, False, True, False]
    assert "as the first of two" in may[made[0].pk].why_not
    assert "or its words" in may[made[3].pk].why_not
