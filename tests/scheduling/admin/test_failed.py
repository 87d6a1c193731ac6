"""A post that did not go out: why, what a person can do, and the buttons for it."""

from typing import Any

import pytest

from accounts.domain import actors
from accounts.models import AuditEvent, User
from posts.domain import channels
from posts.models import Channel
from scheduling.admin.failure_help import failure_help
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, ScheduledPost, WorkerHeartbeat
from tests.admin_client import POSTS, Desk


def fresh(post: Any) -> ScheduledPost:
    return ScheduledPost.objects.get(pk=post.pk)


@pytest.fixture
def make_failed(make_scheduled: Any) -> Any:
    """Make a FAILED post whose deliveries were sent and ended as the columns say."""

    def make(state: str, code: str = "UNKNOWN", message: str = "Nobody knows.", **changes: Any) -> ScheduledPost:
        post = make_scheduled(**changes)
        post.apply_transition("fail", task_id=None, failure_reason=message)
        post.deliveries.update(state=state, error_code=code, error_message=message)
        for delivery in post.deliveries.all():
            Attempt.objects.create(delivery=delivery, approval=post.approval, lease_id=post.pk, outcome="unknown")
        return fresh(post)

    return make


def test_a_reviewer_says_that_it_is_live_with_the_platforms_id(
    make_failed: Any, reviewer: User, facebook: Channel
) -> None:
    post = make_failed("UNKNOWN", channels=[facebook])
    desk = Desk(reviewer).review(post)
    assert not desk.offers("approve")
    assert "Say first whether it is live" in desk.text
    assert "The platform never said what became of it." in desk.text

    desk.press("live", post_id="not an id")
    assert fresh(post).status == Status.FAILED
    assert "That is no id of a post on Casa do Sol" in desk.text
    assert desk.form("live").fields["post_id"] == "not an id"

    desk.press("live", post_id=f"{facebook.platform_id}_5")
    assert fresh(post).status == Status.PUBLISHED
    assert "is live on Casa do Sol." in desk.follow().text
    assert "reviewer said that it is live" in desk.text


def test_a_reviewer_says_that_it_is_not_there_and_then_approves_another_try(
    make_failed: Any, reviewer: User, facebook: Channel
) -> None:
    post = make_failed("UNKNOWN", channels=[facebook])
    desk = Desk(reviewer).review(post).press("absent").follow()
    assert "A person looked for it, and it is not there." in desk.text
    assert "reviewer said that it is not live" in desk.text
    desk.press("approve")
    assert fresh(post).status == Status.SCHEDULED


def test_another_try_is_refused_while_it_is_not_known(make_failed: Any, reviewer: User, facebook: Channel) -> None:
    post = make_failed("UNKNOWN", channels=[facebook])
    desk = Desk(reviewer).review(post)
    desk.send(f"{POSTS}{post.pk}/publish/", digest="x")
    assert (desk.answer.status_code, fresh(post).status) == (200, Status.FAILED)
    assert "another try could publish it twice" in desk.text


def test_a_failed_post_offers_another_try_a_revert_and_the_word_that_it_is_live(
    make_failed: Any, make_member: Any, organization: Any, facebook: Channel
) -> None:
    post = make_failed("FAILED", "190/463", "The token has expired.", channels=[facebook])
    desk = Desk(make_member("both", organization, may_review=True)).review(post)
    assert [name for name in ("approve", "publish", "revert", "live", "delete", "absent") if desk.offers(name)] == [
        "approve", "publish", "revert", "live", "delete",
    ]  # fmt: skip
    for words in ("no longer takes the channel's access token", "connect the channel again", "Revert it to draft"):
        assert words in desk.text
    desk.press("revert")
    assert fresh(post).status == Status.DRAFT


def test_what_is_live_elsewhere_cannot_be_reverted_and_the_advice_does_not_say_so(
    make_failed: Any, reviewer: User, facebook: Channel
) -> None:
    post = make_failed("FAILED", "MISSED", "Too late.")
    post.deliveries.filter(channel=facebook).update(state="PUBLISHED", platform_post_id="1_2")
    desk = Desk(reviewer).review(post)
    assert not desk.offers("revert")
    assert "Revert it to draft" not in desk.text
    assert "what is live on the other channels stays live" in desk.text


@pytest.mark.parametrize(
    ("code", "reason", "first"),
    [
        ("MISSED", "could not be sent in time", "Approve another try"),
        ("CHANNEL_BLOCKED", "had blocked the channel", "Settle it with the platform"),
        ("368", "holds the channel back", "Settle it with the platform"),
        ("368/1390008", "holds the channel back", "Settle it with the platform"),
        ("4/2207051", "holds the channel back", "Settle it with the platform"),
        ("200/458", "lacks a permission", "Have an administrator connect"),
        ("9/2207042", "used up its posts", "for later"),
        ("506", "has the same post already", "mark it as live"),
        ("36003/2207009", "does not take it as it is", "Revert it"),
        ("MediaChanged", "no longer the one that was approved", "Revert it"),
        ("MediaUnavailable", "refused it", "Approve another try"),
        ("999999", "refused it", "Approve another try"),
        ("", "refused it", "Approve another try"),
    ],
)
def test_every_reason_is_said_in_plain_words_with_a_first_step(code: str, reason: str, first: str) -> None:
    advice = failure_help(Delivery(state="FAILED", error_code=code), revertible=True)
    assert advice is not None
    assert reason in advice.reason
    assert first in advice.steps[0]
    assert 1 <= len(advice.steps) <= 3


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (channels.mark_needs_reconnect, "This channel needs reconnecting"),
        (channels.block, "This channel is blocked by the platform"),
    ],
)
def test_posts_that_wait_for_a_channel_in_trouble_are_marked_before_their_instant(
    make_scheduled: Any, make_waiting: Any, reviewer: User, facebook: Channel, verb: Any, words: str
) -> None:
    scheduled, waiting = make_scheduled(channels=[facebook]), make_waiting(channels=[facebook])
    desk = Desk(reviewer)
    pages = ["/admin/", POSTS, f"{POSTS}?status=WAITING_FOR_APPROVAL"]
    pages += [f"{POSTS}{post.pk}/review/" for post in (scheduled, waiting)]
    assert [url for url in pages if words in desk.open(url).text] == []
    verb(actors.WORKER, facebook, reason="The platform said so.")
    assert [url for url in pages if words in desk.open(url).text] == pages
    assert "The platform said so." in desk.open("/admin/").text
    channels.connect(
        actors.user_actor(reviewer),
        organization=facebook.organization,
        type=facebook.type,
        platform_id=facebook.platform_id,
        name=facebook.name,
        token="anew",
    )
    assert [url for url in pages if words in desk.open(url).text] == []


def test_what_is_over_is_not_marked(make_failed: Any, reviewer: User, facebook: Channel) -> None:
    make_failed("FAILED", "MISSED", "Too late.", channels=[facebook])
    channels.block(actors.WORKER, facebook, reason="Spam.")
    assert "This channel is blocked" not in Desk(reviewer).open(POSTS).text


def test_the_front_page_says_whether_posts_go_out(
    make_failed: Any, make_scheduled: Any, reviewer: User, outsider: User, facebook: Channel
) -> None:
    from scheduling.domain import heartbeat

    make_failed("UNKNOWN", channels=[facebook])
    desk = Desk(reviewer).open("/admin/")
    assert "Posts may not be going out. No worker has ever taken a round" in desk.text
    heartbeat.record("w1@here")
    desk.open("/admin/")
    assert "Posts may not be going out" not in desk.text
    assert (
        "Publishing Posts go out Due, and not out yet 0 Going out at this moment 0 Not known whether live 1"
        in desk.text
    )
    assert "Not known whether live 0" in Desk(outsider).open("/admin/").text
    assert WorkerHeartbeat.objects.count() == 1


def test_an_administrator_resumes_a_blocked_channel_and_nobody_else(
    facebook: Channel, admin_member: User, reviewer: User, author: User
) -> None:
    channels.block(actors.WORKER, facebook, reason="Spam.")
    url = f"/admin/posts/channel/{facebook.pk}/resume/"
    for person in (reviewer, author):
        assert Desk(person).open("/admin/").send(url).status_code == 403
    facebook.refresh_from_db()
    assert facebook.state == "BLOCKED"
    desk = Desk(admin_member).open(f"/admin/posts/channel/{facebook.pk}/change/")
    assert "Spam." in desk.text
    desk.press("resume")
    facebook.refresh_from_db()
    assert (facebook.state, AuditEvent.objects.latest("id").actor_id) == ("CONNECTED", str(admin_member.pk))
