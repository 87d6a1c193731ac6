"""What is told, once: whatever becomes of a post or a channel, to whom it concerns."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections, transaction

from accounts import clock
from accounts.domain import actors
from accounts.models import Membership, Role
from posts.domain import channels
from scheduling.domain import content, drafts, reschedule, review
from scheduling.domain.notifications import emails, events, recipients, webhook_sender
from scheduling.models import Notification, NotificationDelivery, ScheduledPost, Webhook
from tests.scheduling.domain.conftest import go_on, send
from tests.scheduling.notification_helpers import send_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


def told():
    """Take two rounds, and return what was told so far: kind by kind, in order."""
    for _ in range(2):
        events.remind()
        recipients.fan_out()
    return list(Notification.objects.order_by("created_at", "dedupe_key").values_list("kind", flat=True))


def mailed(kind):
    """Return who is mailed about the notices of that kind."""
    rows = NotificationDelivery.objects.filter(notice__kind=kind, means="EMAIL").order_by("user__username")
    return list(rows.values_list("user__username", flat=True))


def test_each_step_of_a_posts_life_is_told_once(make_scheduled, travel, sandbox, facebook, judge, key):
    post = make_scheduled(channels=[facebook])
    travel(post)
    assert send(post) == "published"
    assert told() == ["SUBMITTED", "APPROVED", "PUBLISHED"]
    assert told() == ["SUBMITTED", "APPROVED", "PUBLISHED"]
    assert set(Notification.objects.values_list("post_id", flat=True)) == {post.pk}


def move(judge, post):
    given = {
        "digest": content.current_content(post)[1],
        "revision": post.revision,
        "scheduled_for": post.scheduled_for + timedelta(hours=3),
    }
    return reschedule.reapprove(judge, post, **given, expected_version=post.version)


def test_a_reviewer_who_moves_a_post_asks_nobody_to_approve_it(make_scheduled, judge, other):
    post = make_scheduled()
    assert told() == ["SUBMITTED", "APPROVED"]
    move(judge, post)
    assert told() == ["SUBMITTED", "APPROVED", "APPROVED"]
    assert mailed("SUBMITTED") == ["other", "reviewer"]


def test_where_two_approve_the_first_approval_asks_the_other_reviewers_for_the_second(
    make_scheduled, organization, judge, seat, other, mailoutbox
):
    post = make_scheduled()
    told()
    send_due()
    type(organization).objects.update(second_approver=True)
    post = ScheduledPost.objects.get(pk=post.pk)
    first = move(judge, post)
    assert told() == ["SUBMITTED", "APPROVED", "SUBMITTED"]
    assert mailed("SUBMITTED") == ["other", "other", "reviewer"]
    send_due()
    letter = mailoutbox[-1]
    assert (len(mailoutbox), letter.to) == (1, ["other@example.com"])
    assert "Waits for a second approval: Olá" in letter.subject
    assert "reviewer approved “Olá from Casa do Sol 👋”, as the first of two" in letter.body
    post.refresh_from_db()
    review.approve(seat(other, organization), post, revision=post.revision, digest=first.digest)
    assert told() == ["SUBMITTED", "APPROVED", "SUBMITTED", "APPROVED"]


def test_a_second_approval_is_not_asked_for_by_mail_once_the_content_changed(
    make_waiting, judge, second, two, key, mailoutbox
):
    post = make_waiting()
    review.approve(judge, post, revision=post.revision, digest=content.current_content(post)[1])
    recipients.fan_out()
    later = {"scheduled_for": post.scheduled_for + timedelta(hours=1)}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=post.pk), changes=later)
    send_due()
    states = (
        NotificationDelivery.objects.filter(user=second.user)
        .order_by("notice__created_at")
        .values_list("state", flat=True)
    )
    assert list(states) == ["SENT", "MOOT"]
    assert not any("second" in item.subject for item in mailoutbox)


def test_a_rejection_carries_its_notes(make_waiting, judge):
    review.reject(judge.actor, make_waiting(), notes="Não, o pão é às 9h")
    assert told() == ["SUBMITTED", "REJECTED"]
    assert Notification.objects.get(kind="REJECTED").details["notes"] == "Não, o pão é às 9h"


def test_what_failed_here_and_is_not_known_there_is_told_once_and_says_both(
    make_scheduled, travel, sandbox, facebook, instagram, settings, organization, reviewer, mailoutbox
):
    hooks = [
        Webhook.objects.create(organization=organization, url="https://x.example", kinds=kinds)
        for kinds in (["FAILED"], ["UNKNOWN", "FAILED"], ["PUBLISHED"])
    ]
    Membership.objects.filter(user=reviewer).update(muted_notification_kinds=["UNKNOWN"])
    post = make_scheduled()
    settings.RECONCILE_LIMIT = 60
    sandbox.fault(f"POST .*/{facebook.platform_id}/feed|POST .*/{facebook.platform_id}/photos", "error", code=197)
    sandbox.fault("POST .*/media_publish", "drop_after")
    clock_ = travel(post)
    send(post)
    sandbox.fault("GET", "html_502", times=100)
    assert go_on(post, clock_) == "FAILED"
    assert told()[2:] == ["UNKNOWN"]
    notice = Notification.objects.get(kind="UNKNOWN")
    assert (notice.details["absent"], notice.details["unknown"]) == ([facebook.public_id], [instagram.public_id])
    recipients.fan_out()
    called = NotificationDelivery.objects.filter(notice=notice, means="WEBHOOK").order_by("webhook__created_at")
    assert [item.webhook for item in called] == hooks[:2]
    assert [webhook_sender.payload(notice, hook)["kind"] for hook in hooks[:2]] == ["FAILED", "UNKNOWN"]
    letter = emails.build_email(NotificationDelivery.objects.get(notice=notice, user=reviewer))
    for words in ("did not go live on one channel", "nobody knows", "(Facebook): did not go live", "(Instagram): not"):
        assert words in letter.body, words


def test_a_post_that_missed_its_instant_failed(make_handed, travel, facebook):
    post = make_handed(channels=[facebook])
    travel(post, 100_000)
    assert send(post) == "missed"
    assert told()[-1] == "FAILED"


def test_a_channel_that_needs_reconnecting_is_told_each_time_that_it_comes_to_that(facebook, reviewer, admin_member):
    for _ in range(2):
        channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
        channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
        channels.connect(
            actors.user_actor(admin_member),
            organization=facebook.organization,
            type=facebook.type,
            platform_id=facebook.platform_id,
            name=facebook.name,
            token="new",
        )
    assert told() == ["RECONNECT", "RECONNECT"]
    assert mailed("RECONNECT") == ["administrator", "administrator", "reviewer", "reviewer"]


def test_a_waiting_post_is_told_of_once_when_its_instant_is_near(make_waiting, make_scheduled, settings, facebook):
    settings.UNAPPROVED_REMINDER_LEAD = 1800
    post = make_waiting(channels=[facebook])
    make_scheduled(channels=[facebook])
    assert told().count("UNAPPROVED") == 0
    with time_machine.travel(post.scheduled_for - timedelta(seconds=1790), tick=True):
        assert told().count("UNAPPROVED") == 1
        ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=post.scheduled_for + timedelta(minutes=10))
        assert told().count("UNAPPROVED") == 1
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=post.scheduled_for + timedelta(days=1))
    with time_machine.travel(post.scheduled_for + timedelta(days=1, seconds=-60), tick=True):
        assert told().count("UNAPPROVED") == 2
    assert mailed("UNAPPROVED") == ["reviewer", "reviewer"]


def test_a_post_handed_in_shortly_before_its_instant_is_told_of_when_that_comes_near(make_waiting, facebook):
    post = make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=8))
    assert told() == ["SUBMITTED"]
    with time_machine.travel(post.scheduled_for - timedelta(minutes=4), tick=True):
        assert told() == ["SUBMITTED", "UNAPPROVED"]


def test_reviewers_hear_of_what_waits_and_authors_of_what_became_of_it(
    make_waiting, author, viewer, admin_member, outsider, reviewer, judge, facebook
):
    post = make_waiting(actor=actors.user_actor(author), channels=[facebook])
    review.reject(judge.actor, post, notes="No")
    told()
    assert (mailed("SUBMITTED"), mailed("REJECTED")) == (["reviewer"], ["author"])


def test_a_reviewer_of_some_channels_hears_of_those(make_waiting, reviewer, facebook, instagram):
    Membership.objects.filter(user=reviewer).update(review_channels=[facebook.public_id])
    mine = make_waiting(channels=[facebook])
    make_waiting(channels=[facebook, instagram])
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
    told()
    assert (mailed("SUBMITTED"), mailed("RECONNECT")) == (["reviewer"], ["reviewer"])
    assert NotificationDelivery.objects.get(notice__kind="SUBMITTED").notice.post_id == mine.pk


def test_nobody_is_told_of_their_own_doing(make_waiting, reviewer, judge, facebook):
    Membership.objects.filter(user=reviewer).update(role=Role.EDITOR)
    post = make_waiting(actor=actors.user_actor(reviewer), channels=[facebook])
    review.reject(judge.actor, post, notes="No")
    told()
    assert (mailed("SUBMITTED"), mailed("REJECTED")) == ([], [])


@pytest.mark.parametrize("why", ["muted", "inactive", "no address", "left", "organization", "other channels"])
def test_who_does_not_want_it_or_is_not_there_gets_no_mail(why, make_waiting, reviewer, organization, facebook):
    mine = Membership.objects.filter(user=reviewer)
    if why == "muted":
        mine.update(muted_notification_kinds=["SUBMITTED"])
    elif why == "inactive":
        type(reviewer).objects.filter(pk=reviewer.pk).update(is_active=False)
    elif why == "no address":
        type(reviewer).objects.filter(pk=reviewer.pk).update(email="")
    elif why == "left":
        mine.delete()
    elif why == "organization":
        type(organization).objects.update(active=False)
    else:
        mine.update(review_channels=["INSTAGRAM_ACCOUNT_1"])
    make_waiting(channels=[facebook])
    assert told() == ["SUBMITTED"]
    assert NotificationDelivery.objects.count() == 0


def test_webhooks_get_the_kinds_that_they_want_of_their_own_organization(
    make_waiting, organization, other_organization, judge, facebook
):
    for where, kinds, active in [
        (organization, ["SUBMITTED"], True),
        (organization, ["REJECTED"], True),
        (organization, ["SUBMITTED", "REJECTED"], False),
        (other_organization, ["SUBMITTED", "REJECTED"], True),
    ]:
        Webhook.objects.create(organization=where, url="https://x.example", kinds=kinds, active=active)
    review.reject(judge.actor, make_waiting(channels=[facebook]), notes="No")
    told()
    rows = NotificationDelivery.objects.filter(means="WEBHOOK").order_by("notice__created_at")
    assert [(row.notice.kind, row.webhook.kinds) for row in rows] == [
        ("SUBMITTED", ["SUBMITTED"]),
        ("REJECTED", ["REJECTED"]),
    ]


def test_a_post_that_is_gone_is_still_news(make_waiting, author, facebook):
    post = make_waiting(channels=[facebook])
    drafts.delete(actors.user_actor(author), post)
    assert told() == ["SUBMITTED"]


def test_an_event_that_is_rolled_back_leaves_no_notification(make_waiting, judge, facebook):
    post = make_waiting(channels=[facebook])
    with transaction.atomic():
        review.reject(judge.actor, post, notes="No")
        transaction.set_rollback(True)
    assert list(Notification.objects.values_list("kind", flat=True)) == ["SUBMITTED"]


def test_submission_that_was_fanned_out_stays_when_its_author_approves_it(make_waiting, judge, facebook, organization):
    type(organization).objects.update(allow_self_approval=True)
    judge.organization.refresh_from_db()
    post = make_waiting(actor=judge.actor, channels=[facebook])
    assert told() == ["SUBMITTED"]
    review.approve(judge, post, revision=post.revision, digest=content.current_content(post)[1])
    assert told() == ["SUBMITTED", "APPROVED"]


def test_what_is_told_costs_the_same_however_many_there_are(
    make_waiting, organization, facebook, reviewer, django_assert_num_queries
):
    Webhook.objects.create(organization=organization, url="https://x.example", kinds=["SUBMITTED"])
    made = [make_waiting(channels=[facebook]) for _ in range(3)]
    with django_assert_num_queries(9):  # two of them begin and end the transaction
        assert recipients.fan_out() == 3
    assert NotificationDelivery.objects.count() == 2 * len(made)


def test_old_notices_are_forgotten_with_their_dispatches(make_waiting, facebook, reviewer):
    make_waiting(channels=[facebook])
    told()
    assert (events.delete_old(), NotificationDelivery.objects.count()) == (0, 1)
    with time_machine.travel(clock.now() + events.KEPT + timedelta(days=1), tick=True):
        make_waiting(channels=[facebook])
        told()
        cache.delete("notices-forget")  # its hour is over
        assert events.delete_old() == 2
    assert NotificationDelivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rounds_at_the_same_time_tell_and_send_once(make_waiting, facebook, reviewer, mailoutbox):
    for _ in range(6):
        make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=4))
    together = threading.Barrier(4)

    def work():
        try:
            together.wait()
            for _ in range(3):
                events.remind()
                recipients.fan_out()
                send_due()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        Notification.objects.count(),
        NotificationDelivery.objects.filter(state="SENT").count(),
        len(mailoutbox),
    ) == (12, 12, 12)
