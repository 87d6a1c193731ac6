"""The list of posts and the review queue: rows, filters, saved filters and bulk approval."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.domain import actors
from accounts.models import Membership, Organization, User
from posts.domain.published_posts import record_published
from posts.models import Channel, PublishedPost
from scheduling.admin.permissions import load_permission_context, permissions_for
from scheduling.admin.posts import RELATED
from scheduling.domain import drafts, review, saved_views
from scheduling.domain.content import approved_content
from scheduling.domain.drafts import ChannelText
from scheduling.domain.preflight.checks import refresh_levels
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, ChannelCheck, Delivery, PostAuthor, SavedView, ScheduledPost
from tests.accounts.admin.test_login import enrol
from tests.helpers import POSTS, AdminClient, approve, fresh
from tests.scheduling.admin.test_shown_content import missing, string_leaves
from tests.scheduling.api.vectors import SUPERPOWER

QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"


def listed(site: AdminClient) -> list[Any]:
    return [row.post.pk for row in site.answer.context["rows"]]


@pytest.fixture
def two(make_waiting: Any) -> list[Any]:
    return [make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2)]


def confirm(site: AdminClient, posts: list[Any]) -> AdminClient:
    """Open the confirmation page of these posts, as the queue's form does."""
    return site.open(f"{POSTS}approve/?" + "&".join(f"post={post.pk}" for post in posts))


def bulk_approve(site: AdminClient, posts: list[Any], **typed: str) -> AdminClient:
    """Submit the confirmation page with these posts selected; `typed` replaces fields."""
    fields = {**site.form("approve").fields, **typed}
    data = {**fields, "post": [str(post.pk) for post in posts]}
    return site._keep(site.client.post(site.form("approve").action, data))


def test_row_shows_author_age_and_checks(two: list[Any], reviewer: User) -> None:
    ScheduledPost.objects.filter(pk=two[0].pk).update(created_at=clock.now() - timedelta(hours=3, minutes=5))
    User.objects.filter(pk=reviewer.pk).update(time_zone="Asia/Kolkata")
    site = AdminClient(reviewer).open(QUEUE)
    assert "API key agent · 3 hours ago" in site.text
    assert "UTC in 59 minutes" in site.text
    row = site.answer.context["rows"][0]
    assert (row.checks.tone, row.checks.label in site.text) == ("amber", True)


def test_bulk_approval_approves_each_post(two: list[Any], reviewer: User) -> None:
    site = bulk_approve(confirm(AdminClient(reviewer), two), two)
    assert "2 approved" in site.text
    approvals = Approval.objects.order_by("id")
    assert [(approval.post_id, approval.reviewer, bool(approval.checks)) for approval in approvals] == [
        (post.pk, reviewer, True) for post in two
    ]
    assert [fresh(post).status for post in two] == [Status.SCHEDULED] * 2


def test_queue_leads_to_a_page_that_shows_all_that_is_approved_a5(
    make_waiting, reviewer: User, facebook: Channel, instagram: Channel, django_assert_num_queries
) -> None:
    """The queue's row shows a part of one caption; no form of the queue approves."""
    link = "https://elsewhere.example/prize"
    power = {**SUPERPOWER, "conditionGroups": [{"publicReplies": [{"text": "Olá", "redirects": [{"url": link}]}]}]}
    texts = {facebook: "Harmless", instagram: f"{'Harmless ' * 40}\n\nThe opposite: https://x.example/"}
    channels = {
        item.public_id: ChannelText(item.type, text, power if item == facebook else None)
        for item, text in texts.items()
    }
    post = make_waiting(channels=channels)
    site = AdminClient(reviewer).open(QUEUE)
    queue = site.answer.content.decode()
    assert "The opposite" not in queue
    assert "digest" not in queue
    site._keep(site.client.post(f"{POSTS}approve/", {"csrfmiddlewaretoken": site.token, "post": str(post.pk)}))
    assert fresh(post).status == Status.WAITING_FOR_APPROVAL

    with CaptureQueriesContext(connection) as one:
        confirm(site, [post])
    html = site.answer.content.decode()
    leaves = string_leaves(approved_content(post, post.deliveries.select_related("channel")))
    assert missing(html, leaves) == set()
    assert f'href="{link}"' in html
    assert "Warning: casadosol: links in an Instagram caption cannot be tapped." in site.text
    others = [make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (3, 4, 5)]
    with django_assert_num_queries(len(one)):
        confirm(site, [post, *others])
    bulk_approve(site, [post, others[0]])
    assert [fresh(item).status for item in (post, *others)] == ["SCHEDULED"] * 2 + ["WAITING_FOR_APPROVAL"] * 2


def test_bulk_approval_needs_the_digest_of_the_confirmation_page_a5(two: list[Any], reviewer: User, key) -> None:
    site = confirm(AdminClient(reviewer), two)
    for field in ("digest", "revision", "checks"):
        answer = bulk_approve(site, [two[0]], **{f"{field}-{two[0].pk}": "0"})
        assert "0 approved, 1 not" in answer.text, field
        confirm(site, two)
    assert Approval.objects.count() == 0


def test_bulk_approval_refuses_blockers_and_new_warnings_a5(
    make_waiting, reviewer: User, facebook: Channel, instagram: Channel
) -> None:
    blocked, warned = make_waiting(channels=[instagram]), make_waiting(channels=[facebook])
    site = confirm(AdminClient(reviewer), [blocked, warned])
    Channel.objects.filter(pk=instagram.pk).update(state="BLOCKED")
    ChannelCheck.objects.create(channel=facebook, at=clock.now(), problem="It answered slowly", permission=True)
    bulk_approve(site, [blocked, warned])
    assert "0 approved, 2 not" in site.text
    assert "casadosol is blocked by the platform" in site.text
    assert "The page did not show this warning: Casa do Sol: the access token lacks a permission." in site.text

    confirm(site, [blocked, warned])
    assert [row.post.pk for row in site.answer.context["offered"]] == [warned.pk]
    assert "It cannot be approved here: casadosol is blocked" in site.text
    bulk_approve(site, [warned])
    assert [fresh(post).status for post in (blocked, warned)] == [Status.WAITING_FOR_APPROVAL, Status.SCHEDULED]


@pytest.mark.parametrize("page", ["approve", "publish", "bulk", "move"])
def test_approval_with_a_warning_that_the_page_did_not_show_is_refused_a5(
    page: str, make_waiting, make_draft, reviewer: User, organization: Organization, facebook: Channel
) -> None:
    """First another post gets the same caption, then it is published: each is shown before it can be approved."""
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer)

    def load() -> None:
        if page == "bulk":
            confirm(site, [post])
        else:
            site.open(f"{POSTS}{post.pk}/{'move' if page == 'move' else 'review'}/")

    def press() -> str:
        if page == "bulk":
            return bulk_approve(site, [post]).text
        return site.press("" if page == "move" else page, **({"way": "approve"} if page == "move" else {})).text

    load()
    make_draft(channels=[facebook], scheduled_for=clock.now() + timedelta(days=9))
    assert "did not show this" in press()
    assert "the same caption is in a draft" in site.text
    load()
    channel = {"organization": organization, "channel": facebook, "platform_id": "1_2"}
    copy = PublishedPost.objects.create(**channel, published_at=clock.now(), caption="Olá from Casa do Sol 👋")
    assert "did not show this" in press()
    assert "the same caption was published" in site.text
    assert (fresh(post).status, Approval.objects.count()) == (Status.WAITING_FOR_APPROVAL, 0)

    load()
    copy.delete()  # a warning that has vanished is no reason to look again
    press()
    assert fresh(post).status == Status.SCHEDULED
    assert "clash.caption" in [check["name"] for check in Approval.objects.get().checks]


def test_approval_on_the_page_that_names_the_new_warning_is_accepted_a5(
    make_waiting, make_draft, reviewer: User, facebook: Channel
) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).review(post)
    make_draft(channels=[facebook])
    site.press("approve", when="2031-05-04T10:30")
    assert (site.answer.status_code, site.form("approve").fields["when"]) == (200, "2031-05-04T10:30")
    site.press("approve")
    assert fresh(post).status == Status.SCHEDULED


@pytest.mark.parametrize("query", ["", "?post=", "?post=../x&post=%00", "?post=" + "9" * 5000, f"?post={'a' * 32}"])
def test_confirmation_of_no_post_offers_nothing(query: str, reviewer: User, make_waiting) -> None:
    make_waiting()
    site = AdminClient(reviewer).open(f"{POSTS}approve/{query}")
    assert site.answer.status_code == 200
    assert "No post to approve" in site.text
    assert not site.offers("approve")


def test_bulk_approval_reports_each_refused_post(
    two: list[Any], make_waiting, make_draft, other_key, other_facebook: Channel, key, author: User,
    reviewer: User, facebook: Channel,
) -> None:  # fmt: skip
    rejected, changed, deleted, good = (
        make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (3, 4, 5, 6)
    )
    site = confirm(AdminClient(reviewer), [rejected, changed, deleted, good])
    review.reject(actors.user_actor(reviewer), fresh(rejected), notes="No.")
    text: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "New words", None)}}
    drafts.edit(actors.api_key_actor(key), fresh(changed), changes=text)
    drafts.delete(actors.api_key_actor(key), fresh(deleted))
    foreign: Any = {"channels": {other_facebook.public_id: ChannelText(other_facebook.type, "Rival's secret", None)}}
    theirs = drafts.create(actors.api_key_actor(other_key), organization=other_key.organization, changes=foreign)

    bulk_approve(site, [rejected, changed, deleted, theirs, good])
    assert site.answer.status_code == 200
    for words in (
        "1 approved, 4 not",
        "it is now “Rejected”",
        "The content has changed since",
        "2 selected posts no longer exist",
    ):
        assert words in site.text
    assert "Rival" not in site.text
    assert [fresh(post).status for post in (rejected, changed, good, two[0])] == [
        "REJECTED", "WAITING_FOR_APPROVAL", "SCHEDULED", "WAITING_FOR_APPROVAL",
    ]  # fmt: skip
    assert Approval.objects.count() == 1


def test_bulk_approval_database_error_affects_one_post(two: list[Any], reviewer: User, monkeypatch) -> None:
    site = confirm(AdminClient(reviewer), two)
    real = ScheduledPost.apply_transition

    def broken(self: Any, step: str, **columns: Any) -> Any:
        if self.pk == two[0].pk:
            raise OperationalError("the connection was lost")
        return real(self, step, **columns)

    monkeypatch.setattr(ScheduledPost, "apply_transition", broken)
    bulk_approve(site, two)
    assert "Database error. Try this post again." in site.text
    assert [fresh(post).status for post in two] == [Status.WAITING_FOR_APPROVAL, Status.SCHEDULED]
    assert Approval.objects.count() == 1


def test_own_post_is_not_offered_for_bulk_approval(two: list[Any], make_member, organization) -> None:
    both = make_member("both", organization, may_review=True)
    sooner: Any = {"scheduled_for": clock.now() + timedelta(minutes=30)}
    drafts.edit(actors.user_actor(both), fresh(two[0]), changes=sooner)
    rows = AdminClient(both).open(QUEUE).answer.context["rows"]
    assert [row.pickable for row in rows] == [False, True]
    assert rows[0].permissions.why_not
    site = confirm(AdminClient(both), two)
    assert [row.post.pk for row in site.answer.context["others"]] == [two[0].pk]


def test_blocked_post_is_not_offered_for_bulk_approval(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    site = AdminClient(reviewer).open(QUEUE)
    assert 'name="post"' not in site.answer.content.decode()
    assert "1 blocker" in site.text


def test_saved_filters_belong_to_one_user(two: list[Any], reviewer: User, author: User, outsider: User) -> None:
    site = AdminClient(reviewer).open(f"{QUEUE}&author=key-{two[0].created_by_key_id}")
    site.press("keep", name="The agent's")
    view = SavedView.objects.get()
    assert site.answer.url == f"{POSTS}?{view.query}"
    assert "Filter saved as “The agent's”." in site.follow().text
    User.objects.filter(pk=outsider.pk).update(is_superuser=True)
    for user in (author, outsider):  # of the same organization and of another
        other = AdminClient(user).open(f"{QUEUE}&q=theirs")
        assert "The agent's" not in other.text
        other.send(f"{POSTS}views/{view.pk}/forget/")
        other.press("keep", name="The agent's")
        assert SavedView.objects.get(pk=view.pk).query == view.query
        assert [saved_view.query for saved_view in saved_views.saved_views(user)] == [
            "status=WAITING_FOR_APPROVAL&q=theirs"
        ]
    site.press("forget")
    assert (saved_views.saved_views(reviewer), SavedView.objects.count()) == ([], 2)


def test_author_and_checks_filters(make_waiting, author: User, reviewer: User, facebook: Channel, key) -> None:
    agents = make_waiting(channels=[facebook])
    own = make_waiting(
        actor=actors.user_actor(author), channels=[facebook], scheduled_for=clock.now() + timedelta(days=2)
    )
    ScheduledPost.objects.filter(pk=own.pk).update(media_metadata={"problem": "It is gone"}, check_level_at=None)
    refresh_levels()
    site = AdminClient(reviewer)
    for query, expected in (
        (f"author=key-{key.pk}", [agents.pk]),
        (f"author=user-{author.pk}", [own.pk]),
        ("checks=stop", [own.pk]),
        ("checks=passed", []),
        ("checks=open", [agents.pk, own.pk]),
        ("author=unknown", [agents.pk, own.pk]),
    ):
        assert listed(site.open(f"{QUEUE}&{query}")) == expected, query


def test_checks_filter_compares_night_hours_in_the_readers_time_zone(
    make_waiting, reviewer: User, facebook: Channel
) -> None:
    ChannelCheck.objects.create(channel=facebook, at=clock.now())
    noon = (clock.now() + timedelta(days=2)).replace(hour=12, minute=0)
    post = make_waiting(channels=[facebook], scheduled_for=noon)
    for zone, query, label in (("UTC", "passed", "All checks passed"), ("Pacific/Auckland", "open", "1 warning")):
        User.objects.filter(pk=reviewer.pk).update(time_zone=zone)
        other = "open" if query == "passed" else "passed"
        assert listed(AdminClient(reviewer).open(f"{QUEUE}&checks={other}")) == []
        site = AdminClient(reviewer).open(f"{QUEUE}&checks={query}")
        assert (listed(site), site.answer.context["rows"][0].checks.label) == ([post.pk], label)


def test_review_page_links_previous_and_next_post(make_waiting, reviewer: User) -> None:
    posts = [make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (1, 2, 3)]
    neighbours = []
    for post in posts:
        context = AdminClient(reviewer).review(post).answer.context
        neighbours.append((context["previous"], context["next"]))
    assert neighbours == [(None, posts[1]), (posts[0], posts[2]), (posts[1], posts[0])]


def test_finished_post_shows_results_and_advice(
    make_scheduled, reviewer: User, facebook: Channel, instagram: Channel
) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None, failure_reason="Not published on all channels.")
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
        site = AdminClient(reviewer).open(url)
        assert link in site.page.links
        for words in ("1 like · 1,200 comments", "outcome unknown.", "Check the channel."):
            assert words in site.text, (url, words)
    assert "1 like · 1,200 comments" in AdminClient(reviewer).review(post).text


def test_queue_has_constant_queries(
    make_waiting, make_scheduled, reviewer: User, django_assert_max_num_queries
) -> None:
    """Rows of waiting and finished posts, with checks, permissions and results."""
    pages = (QUEUE, POSTS, f"{POSTS}?status=FAILED", f"{QUEUE}&checks=open", f"{QUEUE}&q=casa", "/admin/")

    def add_posts() -> None:
        make_waiting()
        failed = make_scheduled()
        failed.apply_transition("fail", task_id=None, failure_reason="Failed.")
        failed.deliveries.update(state="FAILED", error_code="190/463", platform_post_id="")

    add_posts()
    site = AdminClient(reviewer)
    costs = {}
    for page in pages:
        site.open(page)
        with django_assert_max_num_queries(45) as spent:
            site.open(page)
        costs[page] = len(spent)
    for _ in range(5):
        add_posts()
    for page in pages:
        with django_assert_max_num_queries(costs[page]):
            site.open(page)


def test_permissions_with_mfa_and_two_person_approval_have_constant_queries(
    make_waiting, reviewer: User, organization: Organization, seat, django_assert_num_queries
) -> None:
    """Including posts that the reader approved first, or wrote before another user rescheduled them."""
    mine = Organization.objects.filter(pk=organization.pk)
    mine.update(second_approver=True)
    made = [make_waiting() for _ in range(4)]
    reviewing = seat(reviewer, mine.get())
    for post in made[:3]:
        approve(reviewing, post)
    Approval.objects.update(mfa_verified=True)
    Approval.objects.filter(post=made[2]).update(digest="0" * 64)  # of earlier content
    PostAuthor.objects.create(post=made[3], user=reviewer)
    mine.update(require_mfa=True)
    enrol(reviewer)
    whole = ScheduledPost.objects.for_wire().select_related(*RELATED)
    for posts in (made[:1], made):
        loaded = list(whole.filter(pk__in=[post.pk for post in posts]))
        with django_assert_num_queries(6):
            context = load_permission_context(reviewer, loaded)
        member = Membership.objects.get(user=reviewer)
        with django_assert_num_queries(0):
            may = {post.pk: permissions_for(member, post, context=context) for post in loaded}
    assert [may[post.pk].approve for post in made] == [False, False, True, False]
    assert "first of two approvals" in may[made[0].pk].why_not
    assert may[made[3].pk].why_not == f"{review.SELF_APPROVAL_FORBIDDEN}."


def test_queue_lists_waiting_posts_soonest_first(make_waiting, make_draft, reviewer: User) -> None:
    late, soon = (make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (9, 1))
    make_draft()
    site = AdminClient(reviewer).open(QUEUE)
    assert [link for link in site.page.links if link.endswith("/review/")] == [
        f"{POSTS}{post.pk}/review/" for post in (soon, late)
    ]
    assert "To approve 2 waiting" in site.text


def test_search_and_channel_filter(make_draft, reviewer: User, facebook: Channel) -> None:
    channels = {facebook.public_id: ChannelText(facebook.type, "Pumpkin soup", None)}
    soup, _other = make_draft(channels=channels), make_draft()
    site = AdminClient(reviewer)
    for url in (f"{POSTS}?q=pumpkin", f"{POSTS}?q=pumpkin&channel={facebook.pk}"):
        site.open(url)
        assert [link for link in site.page.links if link.endswith("/review/")] == [f"{POSTS}{soup.pk}/review/"]
    site.open(f"{POSTS}?channel={facebook.pk}")
    assert len([link for link in site.page.links if link.endswith("/review/")]) == 2


def test_pages_obey_the_content_security_policy(make_waiting, reviewer: User, author: User) -> None:
    post = make_waiting()
    for user, url in (
        (reviewer, "/admin/"),
        (reviewer, POSTS),
        (reviewer, f"{POSTS}{post.pk}/review/"),
        (author, f"{POSTS}add/"),
    ):
        answer = AdminClient(user).open(url).answer
        html = answer.content.decode()
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert [mark for mark in (" style=", "<style", "onclick", "javascript:", "<script>") if mark in html] == []
