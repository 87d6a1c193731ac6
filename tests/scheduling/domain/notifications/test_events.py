"""Notifications: one per event and kind, and their recipients."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts import clock
from accounts.domain import actors
from accounts.models import Membership, Role, User
from posts.domain import channels
from scheduling.domain import content, drafts, reschedule, review
from scheduling.domain.notifications import emails, events, recipients, webhook_sender
from scheduling.domain.notifications.exceptions import NotificationObsolete
from scheduling.models import Notification, NotificationDelivery, ScheduledPost, Webhook
from tests.helpers import approve, at_once, fresh, reconnect
from tests.scheduling.domain.conftest import go_on, send
from tests.scheduling.notification_helpers import send_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


def created_kinds():
    """Run two sweeps of notifications and return the kinds created so far, in order."""
    for _ in range(2):
        events.remind()
        recipients.fan_out()
    return list(Notification.objects.order_by("created_at", "dedupe_key").values_list("kind", flat=True))


def mailed(kind):
    """Return the user names that notifications of that kind are mailed to."""
    rows = NotificationDelivery.objects.filter(notice__kind=kind, means="EMAIL").order_by("user__username")
    return list(rows.values_list("user__username", flat=True))


def test_each_transition_creates_one_notification(make_scheduled, travel, sandbox, facebook, judge, author):
    post = make_scheduled(channels=[facebook], actor=actors.user_actor(author))
    travel(post)
    assert send(post) == "published"
    assert created_kinds() == ["SUBMITTED", "APPROVED", "PUBLISHED"]
    assert created_kinds() == ["SUBMITTED", "APPROVED", "PUBLISHED"]
    assert set(Notification.objects.values_list("post_id", flat=True)) == {post.pk}


def move(judge, post):
    given = {"digest": content.current_content(post)[1], "revision": post.revision, "expected_version": post.version}
    return reschedule.reapprove(judge, post, **given, scheduled_for=post.scheduled_for + timedelta(hours=3))


def test_reschedule_by_a_reviewer_requests_no_approval(make_scheduled, judge, other):
    post = make_scheduled()
    assert created_kinds() == ["SUBMITTED", "APPROVED"]
    move(judge, post)
    assert created_kinds() == ["SUBMITTED", "APPROVED", "APPROVED"]
    assert mailed("SUBMITTED") == ["other", "reviewer"]


def test_first_approval_of_two_notifies_the_other_reviewers(
    make_scheduled, organization, judge, seat, other, mailoutbox
):
    post = make_scheduled()
    created_kinds()
    send_due()
    type(organization).objects.update(second_approver=True)
    post = fresh(post)
    move(judge, post)
    assert created_kinds() == ["SUBMITTED", "APPROVED", "SUBMITTED"]
    assert mailed("SUBMITTED") == ["other", "other", "reviewer"]
    send_due()
    email = mailoutbox[-1]
    assert (len(mailoutbox), email.to) == (1, ["other@example.com"])
    assert "Waits for a second approval: Olá" in email.subject
    assert "reviewer approved “Olá from Casa do Sol 👋” as the first of two" in email.body
    approve(seat(other, organization), post)
    assert created_kinds() == ["SUBMITTED", "APPROVED", "SUBMITTED", "APPROVED"]


def test_request_for_second_approval_after_an_edit_is_not_sent(make_waiting, judge, second, two, key, mailoutbox):
    post = make_waiting()
    approve(judge, post)
    recipients.fan_out()
    later = {"scheduled_for": post.scheduled_for + timedelta(hours=1)}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes=later)
    send_due()
    rows = NotificationDelivery.objects.filter(user=second.user).order_by("notice__created_at")
    assert [row.state for row in rows] == ["SENT", "OBSOLETE"]
    assert not any("second" in item.subject for item in mailoutbox)


def test_rejection_contains_its_notes(make_waiting, judge):
    review.reject(judge.actor, make_waiting(), notes="Não, o pão é às 9h")
    assert created_kinds() == ["SUBMITTED", "REJECTED"]
    assert Notification.objects.get(kind="REJECTED").details["notes"] == "Não, o pão é às 9h"


def test_failed_and_unknown_channels_create_one_notification(
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
    assert created_kinds() == ["SUBMITTED", "UNKNOWN"]
    notice = Notification.objects.get(kind="UNKNOWN")
    assert (notice.details["absent"], notice.details["unknown"]) == ([facebook.public_id], [instagram.public_id])
    recipients.fan_out()
    called = NotificationDelivery.objects.filter(notice=notice, means="WEBHOOK").order_by("webhook__created_at")
    assert [item.webhook for item in called] == hooks[:2]
    assert [webhook_sender.payload(notice, hook)["type"] for hook in hooks[:2]] == ["post.failed", "post.unknown"]
    email = emails.build_email(NotificationDelivery.objects.get(notice=notice, user=reviewer))
    for text in ("failed on one channel", "unknown", "(Facebook): failed", "(Instagram): unknown"):
        assert text in email.body, text


def test_missed_post_creates_a_failure_notification(make_enqueued, travel, facebook):
    post = make_enqueued(channels=[facebook])
    travel(post, 100_000)
    assert send(post) == "missed"
    assert created_kinds()[-1] == "FAILED"


def test_success_without_a_recipient_leaves_no_notification_and_a_failure_does(make_enqueued, travel, facebook):
    User.objects.update(email="")
    post = make_enqueued(channels=[facebook])
    travel(post)
    assert send(post) == "published"
    assert created_kinds() == ["SUBMITTED"]
    late = make_enqueued(channels=[facebook])
    travel(late, 100_000)
    assert send(late) == "missed"
    assert created_kinds() == ["SUBMITTED", "SUBMITTED", "FAILED"]
    assert not NotificationDelivery.objects.exists()


def test_each_lost_connection_creates_one_notification(facebook, reviewer, admin_member):
    for _ in range(2):
        channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
        channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
        reconnect(admin_member, facebook)
    assert created_kinds() == ["RECONNECT", "RECONNECT"]
    assert mailed("RECONNECT") == ["administrator", "administrator", "reviewer", "reviewer"]


def test_platform_block_creates_a_notification_of_its_own_a23(facebook, reviewer, admin_member, mailoutbox):
    for _ in range(2):
        channels.block(actors.WORKER, facebook, reason="Against the community standards")
    assert created_kinds() == ["BLOCKED"]
    assert mailed("BLOCKED") == ["administrator", "reviewer"]
    delivery = NotificationDelivery.objects.filter(user=reviewer).get()
    email = emails.build_email(delivery)
    assert (facebook.name in email.subject, "Against the community standards" in email.body) == (True, True)
    channels.resume(actors.user_actor(admin_member), facebook)
    delivery.notice.channel.refresh_from_db()
    with pytest.raises(NotificationObsolete):
        emails.build_email(delivery)


def test_reminder_of_a_waiting_post_is_created_once(make_waiting, make_scheduled, settings, facebook):
    settings.UNAPPROVED_REMINDER_LEAD = 1800
    post = make_waiting(channels=[facebook])
    make_scheduled(channels=[facebook])
    assert created_kinds().count("UNAPPROVED") == 0
    with time_machine.travel(post.scheduled_for - timedelta(seconds=1790), tick=True):
        assert created_kinds().count("UNAPPROVED") == 1
        ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=post.scheduled_for + timedelta(minutes=10))
        assert created_kinds().count("UNAPPROVED") == 1
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=post.scheduled_for + timedelta(days=1))
    with time_machine.travel(post.scheduled_for + timedelta(days=1, seconds=-60), tick=True):
        assert created_kinds().count("UNAPPROVED") == 2
    assert mailed("UNAPPROVED") == ["reviewer", "reviewer"]


def test_reminder_of_a_late_submission_waits_for_the_grace_period(make_waiting, facebook):
    post = make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=8))
    assert created_kinds() == ["SUBMITTED"]
    with time_machine.travel(post.scheduled_for - timedelta(minutes=4), tick=True):
        assert created_kinds() == ["SUBMITTED", "UNAPPROVED"]


def test_submissions_go_to_reviewers_and_decisions_to_authors(
    make_waiting, author, viewer, admin_member, outsider, reviewer, judge, facebook
):
    post = make_waiting(actor=actors.user_actor(author), channels=[facebook])
    review.reject(judge.actor, post, notes="No")
    created_kinds()
    assert (mailed("SUBMITTED"), mailed("REJECTED")) == (["reviewer"], ["author"])


def test_reviewer_of_some_channels_is_notified_of_those_only(make_waiting, reviewer, facebook, instagram):
    Membership.objects.filter(user=reviewer).update(review_channels=[facebook.public_id])
    mine = make_waiting(channels=[facebook])
    make_waiting(channels=[facebook, instagram])
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="The token has expired")
    created_kinds()
    assert (mailed("SUBMITTED"), mailed("RECONNECT")) == (["reviewer"], ["reviewer"])
    assert NotificationDelivery.objects.get(notice__kind="SUBMITTED").notice.post_id == mine.pk


def test_actor_is_not_notified_of_own_action(make_waiting, reviewer, judge, facebook):
    Membership.objects.filter(user=reviewer).update(role=Role.EDITOR)
    post = make_waiting(actor=actors.user_actor(reviewer), channels=[facebook])
    review.reject(judge.actor, post, notes="No")
    created_kinds()
    assert (mailed("SUBMITTED"), mailed("REJECTED")) == ([], [])


@pytest.mark.parametrize("why", ["muted", "inactive", "no address", "left", "organization", "other channels"])
def test_muted_or_absent_member_gets_no_email(why, make_waiting, reviewer, organization, facebook):
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
    assert created_kinds() == ["SUBMITTED"]
    assert NotificationDelivery.objects.count() == 0


def test_webhooks_get_subscribed_kinds_of_their_organization(
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
    created_kinds()
    rows = NotificationDelivery.objects.filter(means="WEBHOOK").order_by("notice__created_at")
    assert [(row.notice.kind, row.webhook.kinds) for row in rows] == [
        ("SUBMITTED", ["SUBMITTED"]),
        ("REJECTED", ["REJECTED"]),
    ]


def test_deleted_post_keeps_its_notification(make_waiting, author, facebook):
    post = make_waiting(channels=[facebook])
    drafts.delete(actors.user_actor(author), post)
    assert created_kinds() == ["SUBMITTED"]


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
    assert created_kinds() == ["SUBMITTED"]
    approve(judge, post)
    assert created_kinds() == ["SUBMITTED", "APPROVED"]


def test_fan_out_runs_a_fixed_number_of_queries(
    make_waiting, organization, facebook, reviewer, django_assert_num_queries
):
    Webhook.objects.create(organization=organization, url="https://x.example", kinds=["SUBMITTED"])
    made = [make_waiting(channels=[facebook]) for _ in range(3)]
    with django_assert_num_queries(9):  # two of them begin and end the transaction
        assert recipients.fan_out() == 3
    assert NotificationDelivery.objects.count() == 2 * len(made)


@pytest.mark.django_db(transaction=True)
def test_concurrent_sweeps_create_and_send_once(make_waiting, facebook, reviewer, mailoutbox):
    for _ in range(6):
        make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=4))

    def work():
        for _ in range(3):
            events.remind()
            recipients.fan_out()
            send_due()
        return "done"

    assert at_once(*[work] * 4) == ["done"] * 4
    sent = NotificationDelivery.objects.filter(state="SENT")
    assert (Notification.objects.count(), sent.count(), len(mailoutbox)) == (12, 12, 12)


@pytest.mark.parametrize(("change", "kind"), [(review.revert, "REVERTED"), (drafts.delete, "DELETED")])
def test_taking_back_an_approved_post_notifies_approver_reviewers_and_author_a12(
    change, kind, make_scheduled, make_member, organization, author, key, reviewer, other, facebook, mailoutbox
):
    organization_hook = Webhook.objects.create(organization=organization, url="https://a.example.com/", kinds=[kind])
    post = make_scheduled(channels=[facebook], actor=actors.user_actor(author))
    Membership.objects.filter(user=reviewer).update(may_review=False)  # the approver is notified all the same
    change(actors.api_key_actor(key), fresh(post), reason="Closed that day.")
    assert created_kinds().count(kind) == 1
    assert mailed(kind) == ["author", "other", "reviewer"]
    notice = Notification.objects.get(kind=kind)
    body = webhook_sender.payload(notice, organization_hook)
    assert (body["type"], body["post"]["id"]) == (f"post.{kind.lower()}", str(post.pk))
    assert body["post"]["status"] == ("SCHEDULED" if kind == "DELETED" else "DRAFT")
    send_due()
    mail = next(item for item in mailoutbox if item.to == ["reviewer@example.com"] and "fter approval" in item.subject)
    for words in ("agent", "Olá from Casa do Sol 👋", "> Closed that day.", "you approved this post"):
        assert words in mail.body


def test_taking_back_a_post_that_is_not_approved_is_not_announced_a12(make_waiting, make_scheduled, key):
    drafts.delete(actors.api_key_actor(key), make_waiting())
    failed = make_scheduled()
    failed.apply_transition("fail", task_id=None)
    review.revert(actors.api_key_actor(key), fresh(failed))
    assert not {"REVERTED", "DELETED"} & set(created_kinds())


@pytest.mark.parametrize("kind", ["DELETED", "REJECTED"])
def test_first_of_two_approvers_is_notified_when_a_key_takes_the_post_back_a12(
    kind, make_waiting, organization, judge, key, reviewer, mailoutbox
):
    organization.second_approver = True
    organization.save()
    post = make_waiting()
    approve(judge, post)
    if kind == "DELETED":
        drafts.delete(actors.api_key_actor(key), fresh(post), reason="Closed")
    else:
        review.reject(actors.api_key_actor(key), fresh(post), notes="Withdrawn")
    assert created_kinds().count(kind) == 1
    assert mailed(kind) == ["reviewer"]
    send_due()
    assert "you approved this post" in mailoutbox[-1].body


@pytest.mark.parametrize("with_version", [True, False])
def test_person_is_notified_when_a_key_overwrites_their_edit_i4(
    with_version, make_waiting, organization, author, other, key, facebook, mailoutbox
):
    post = make_waiting(channels=[facebook])
    drafts.edit(actors.user_actor(author), post, changes={"media": "https://media.example.com/other.jpg"})
    agent = actors.api_key_actor(key)
    version = fresh(post).version if with_version else None
    drafts.edit(agent, fresh(post), changes={"brief": "Only a note"})
    assert "OVERWRITTEN" not in created_kinds()
    texts = {facebook.public_id: drafts.ChannelText(facebook.type, "A text of the agent")}
    drafts.edit(agent, fresh(post), changes={"channels": texts}, expected_version=version and version + 1)
    drafts.edit(agent, fresh(post), changes={"media": "https://media.example.com/third.jpg"})  # the key's own
    assert created_kinds().count("OVERWRITTEN") == 1
    assert mailed("OVERWRITTEN") == ["author"]
    send_due()
    [mail] = [item for item in mailoutbox if "Changed after your edit" in item.subject]
    assert mail.to == ["author@example.com"]
    for words in ("The API key agent", "> A text of the agent", "you wrote or edited this post"):
        assert words in mail.body


def test_edit_by_another_person_is_no_overwriting(make_waiting, author, other, facebook):
    post = make_waiting(channels=[facebook], actor=actors.user_actor(author))
    drafts.edit(actors.user_actor(other), post, changes={"media": "https://media.example.com/other.jpg"})
    assert "OVERWRITTEN" not in created_kinds()


def test_overwritten_edit_that_was_edited_again_is_obsolete(make_waiting, author, key, facebook, mailoutbox):
    post = make_waiting(channels=[facebook], actor=actors.user_actor(author))
    for actor, media in ((actors.api_key_actor(key), "b"), (actors.user_actor(author), "c")):
        drafts.edit(actor, fresh(post), changes={"media": f"https://media.example.com/{media}.jpg"})
    created_kinds()
    send_due()
    assert NotificationDelivery.objects.get(notice__kind="OVERWRITTEN").state == "OBSOLETE"
