"""Manual resolution of deliveries with an unknown outcome."""

import functools

import pytest

from accounts.exceptions import Conflict, Invalid
from accounts.models import AuditEvent
from posts.models import PublishedPost
from scheduling.domain import manual_resolution
from scheduling.models import Approval, Attempt, Delivery
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def mark_live(reviewer, post, post_id):
    manual_resolution.mark_live(reviewer, post.deliveries.get(), post_id, revision=fresh(post).revision)


def mark_not_published(reviewer, post):
    manual_resolution.mark_not_published(reviewer, post.deliveries.get(), revision=fresh(post).revision)


@pytest.fixture
def make_unknown(make_enqueued, travel, sandbox, settings):
    """Make a FAILED post with an unknown outcome: the platform neither answers nor can be read."""

    def make(*channels, faulty="POST .*/(feed|media_publish)", **changes):
        post = make_enqueued(channels=list(channels), **changes)
        sandbox.fault(faulty, "drop_after", times=len(channels))
        settings.RECONCILE_LIMIT = 60
        clock_ = travel(post)
        assert send(post) == "pending"
        sandbox.fault("GET", "html_502", times=100)
        assert go_on(post, clock_) == "FAILED"
        sandbox.heal()
        assert set(post.deliveries.values_list("state", flat=True)) == {"UNKNOWN"}
        return fresh(post)

    return make


def test_unknown_delivery_is_not_retried_before_it_is_resolved(make_unknown, judge, sandbox, facebook):
    post = make_unknown(facebook)
    with pytest.raises(Conflict, match=facebook.name):
        approve(judge, post, now=True)
    assert (fresh(post).status, Approval.objects.count(), len(sandbox.posts)) == ("FAILED", 1, 1)


def test_mark_live_publishes_the_post_with_the_platforms_id(make_unknown, judge, sandbox, facebook, reviewer):
    post = make_unknown(facebook)
    mark_live(judge, post, f" {sandbox.posts[0]['id']} ")
    delivery = post.deliveries.get()
    assert (fresh(post).status, fresh(post).failure_reason) == ("PUBLISHED", "")
    assert (delivery.state, delivery.platform_post_id, delivery.error_code) == ("PUBLISHED", sandbox.posts[0]["id"], "")
    copy = PublishedPost.objects.get()
    assert (copy.platform_id, copy.caption) == (delivery.platform_post_id, delivery.caption)
    assert copy.scheduled_post_id == post.pk
    assert Attempt.objects.get().outcome == "published"
    events = AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("-id")[:2]
    assert [(event.verb, event.state_from, event.state_to, event.actor_id) for event in events] == [
        ("settle", "FAILED", "PUBLISHED", str(reviewer.pk)),
        ("mark_live", "FAILED", "FAILED", str(reviewer.pk)),
    ]


def test_mark_live_with_another_failed_channel_keeps_the_post_failed(make_unknown, judge, sandbox, facebook, instagram):
    post = make_unknown(facebook, instagram)
    on_page = next(post["id"] for post in sandbox.posts if post["account"] == facebook.platform_id)
    manual_resolution.mark_live(judge, post.deliveries.get(channel=facebook), on_page, revision=fresh(post).revision)
    assert (fresh(post).status, fresh(post).failure_reason.startswith(instagram.name)) == ("FAILED", True)
    manual_resolution.mark_not_published(judge, post.deliveries.get(channel=instagram), revision=fresh(post).revision)
    assert (fresh(post).status, post.deliveries.get(channel=instagram).state) == ("FAILED", "FAILED")
    assert list(approve(judge, post, now=True).content["channels"]) == [instagram.public_id]


def test_mark_not_published_allows_a_retry(make_unknown, judge, sandbox, facebook, travel):
    post = make_unknown(facebook)
    sandbox.reset()  # as if it had never arrived
    mark_not_published(judge, post)
    delivery = post.deliveries.get()
    assert (delivery.state, delivery.error_code, delivery.error_message) == (
        "FAILED", "NOT_THERE", "reviewer checked: it was not published.",
    )  # fmt: skip
    assert Attempt.objects.get().outcome == "refused"
    approve(judge, post, now=True)
    assert send(fresh(post)) == "published"
    assert len(sandbox.posts) == 1


@pytest.mark.parametrize(
    "post_id",
    ["", "https://facebook.com/1", "12 34", "1_2_3", "١٢٣", "999_1234", "1234\n5", "-1", "123456789012345", "1" * 41],
)
def test_mark_live_with_an_id_of_another_channel_raises_invalid(make_unknown, judge, facebook, post_id):
    post = make_unknown(facebook)
    with pytest.raises(Invalid):
        mark_live(judge, post, post_id)
    assert (fresh(post).status, post.deliveries.get().state) == ("FAILED", "UNKNOWN")
    assert PublishedPost.objects.count() == 0


def test_mark_live_with_an_underscore_on_instagram_raises_invalid(make_unknown, judge, instagram):
    post = make_unknown(instagram)
    with pytest.raises(Invalid, match="digits"):
        mark_live(judge, post, f"{instagram.platform_id}_1")
    mark_live(judge, post, "18000000000000009")
    assert fresh(post).status == "PUBLISHED"


def test_mark_live_with_a_used_id_raises_conflict(make_unknown, make_scheduled, judge, sandbox, facebook):
    post = make_unknown(facebook)
    other = make_scheduled(channels=[facebook])
    Delivery.objects.filter(post=other).update(state="PUBLISHED", platform_post_id=sandbox.posts[0]["id"])
    with pytest.raises(Conflict, match="another of your posts"):
        mark_live(judge, post, sandbox.posts[0]["id"])


def test_resolve_twice_raises_conflict(make_unknown, judge, facebook):
    post = make_unknown(facebook)
    delivery = post.deliveries.get()
    manual_resolution.mark_not_published(judge, delivery, revision=fresh(post).revision)
    with pytest.raises(Conflict, match="in the meantime"):
        manual_resolution.mark_not_published(judge, delivery, revision=fresh(post).revision)
    approve(judge, post, now=True)
    with pytest.raises(Conflict, match="in the meantime"):
        manual_resolution.mark_live(judge, delivery, f"{facebook.platform_id}_5", revision=fresh(post).revision)
    assert fresh(post).status == "SCHEDULED"


def test_resolve_with_the_form_of_an_earlier_attempt_raises_conflict(make_unknown, judge, facebook):
    post = make_unknown(facebook)
    page = post.revision
    manual_resolution.mark_not_published(judge, post.deliveries.get(), revision=page)
    approve(judge, post, now=True)
    fresh(post).apply_transition("fail", task_id=None)
    post.deliveries.update(state="UNKNOWN")
    for say in (
        manual_resolution.mark_not_published,
        functools.partial(manual_resolution.mark_live, post_id=f"{facebook.platform_id}_5"),
    ):
        with pytest.raises(Conflict, match="in the meantime"):
            say(judge, post.deliveries.get(), revision=page)
    assert post.deliveries.get().state == "UNKNOWN"


def test_mark_live_of_a_failed_delivery_requires_an_attempt(make_enqueued, travel, judge, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "error", code=197)
    travel(post)
    assert send(post) == "failed"
    mark_live(judge, post, f"{facebook.platform_id}_77")
    assert fresh(post).status == "PUBLISHED"

    missed = make_enqueued(channels=[facebook])
    travel(missed, 100_000)
    assert send(missed) == "missed"
    with pytest.raises(Conflict, match="Nothing was ever sent"):
        mark_live(judge, missed, f"{facebook.platform_id}_78")
    assert fresh(missed).status == "FAILED"
