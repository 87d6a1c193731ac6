"""Delivery of notifications by e-mail and signed webhooks."""

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.conf import settings

from accounts import clock
from accounts.domain import actors, publishing_pause
from accounts.exceptions import Conflict, Invalid
from accounts.models import AuditEvent, Membership, Organization
from posts.domain import channels
from posts.graph import safe_http
from scheduling.domain import drafts, enqueue, event_feed, review
from scheduling.domain.notifications import delivery, recipients, webhook_sender, webhooks
from scheduling.domain.notifications.exceptions import DeliveryFailed
from scheduling.domain.publishing import hold
from scheduling.models import Event, NoticeKind, Notification, NotificationDelivery, Webhook
from tests.scheduling.domain.conftest import send
from tests.scheduling.notification_helpers import send_due, sweep_and_send
from tests.services.webhook_receiver import HANG, receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sandbox", "no_messages")]
KINDS = [str(kind) for kind in webhooks.WANTED if kind not in {"CREATED", "EDITED"}]  # of which fixtures make many


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def hook(receiver, organization, admin_member):
    """A webhook to the receiver; its secret stays readable in `.secret`."""
    made, secret = webhooks.add(
        actors.user_actor(admin_member), organization=organization, url=f"{receiver.url}/in?token=t", kinds=KINDS
    )
    made.secret = secret
    return made


def later(**delta):
    return time_machine.travel(clock.now() + timedelta(**delta), tick=True)


def called():
    return NotificationDelivery.objects.select_related("notice", "webhook").get(means="WEBHOOK")


# Signing


def test_webhook_is_signed_as_documented():
    page = Path(settings.BASE_DIR, "docs", "webhooks.md").read_text(encoding="utf-8")
    vector = (
        r"secret `(.+?)`, the timestamp `(.+?)` and the body\n\n```json\n(.+?)\n```\n.+?signature is `([0-9a-f]{64})`"
    )
    found = re.search(vector, page, flags=re.DOTALL)
    assert found is not None
    secret, stamp, body, signature = found.groups()
    assert webhook_sender.sign(secret, stamp, body.encode()) == signature
    assert hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest() == signature
    types = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", page, flags=re.MULTILINE))
    assert types == set(event_feed.TYPES)


def test_webhook_contains_the_api_representation(make_waiting, hook, receiver, facebook):
    post = make_waiting(channels=[facebook])
    sweep_and_send()
    path, headers, body = receiver.calls[0]
    event = Event.objects.get(type="post.submitted")
    assert path == "/in?token=t"
    assert json.loads(body) == event.document
    assert event.document["post"]["id"] == str(post.pk)
    assert (headers["X-Dynamo-Event"], headers["Content-Type"]) == (event.document["id"], "application/json")
    stamp = headers["X-Dynamo-Timestamp"]
    assert abs(int(stamp) - clock.now().timestamp()) < 60
    signed = hmac.new(hook.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Dynamo-Signature"] == signed


def test_webhook_of_a_deleted_post_has_its_snapshot_i11(hook, receiver, facebook, make_waiting, author):
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="expired")
    drafts.delete(actors.user_actor(author), make_waiting(channels=[facebook]))
    sweep_and_send()
    bodies = {body["type"]: body for body in (json.loads(call[2]) for call in receiver.calls)}
    channel = bodies["channel.needs_reconnect"]
    assert channel["channel"] == {"id": facebook.public_id, "type": facebook.type, "name": facebook.name}
    assert (channel["post"], bodies["post.submitted"]["post"]["status"]) == (None, "WAITING_FOR_APPROVAL")


def test_rotated_webhook_signs_with_both_secrets_for_a_day(make_waiting, hook, receiver, facebook, admin_member):
    known = Webhook.objects.get()
    secret = webhooks.rotate(actors.user_actor(admin_member), known)
    with pytest.raises(Conflict, match="already been rotated"):
        webhooks.rotate(actors.user_actor(admin_member), hook)
    make_waiting(channels=[facebook])
    sweep_and_send()
    _, headers, body = receiver.calls[0]
    stamp = headers["X-Dynamo-Timestamp"]
    both = [webhook_sender.sign(item, stamp, body) for item in (secret, hook.secret)]
    assert headers["X-Dynamo-Signature"].split(",") == both
    page = Path(settings.BASE_DIR, "docs", "webhooks.md").read_text(encoding="utf-8")
    documented: dict[str, Any] = {}
    exec(re.search(r"```python\n(.+?)```", page, flags=re.DOTALL)[1], documented)  # noqa: S102  our own page
    checked = [documented["genuine"](item, headers, body) for item in (secret, hook.secret, "another")]
    assert checked == [True, True, False]
    with time_machine.travel(clock.now() + webhooks.OVERLAP, tick=False):
        assert webhook_sender.secrets(Webhook.objects.get()) == [secret]
    assert secret != hook.secret
    details = str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert not any(item in details for item in (secret, hook.secret, "token=t", known.secret_encrypted))


# Trouble


@pytest.mark.parametrize("status", [500, 302, 404])
def test_webhook_error_is_retried_with_growing_pauses(status, make_waiting, hook, receiver, facebook):
    receiver.answers = [status] * 3
    make_waiting(channels=[facebook])
    with time_machine.travel(clock.now(), tick=False):
        assert (sweep_and_send(), sweep_and_send()) == (1, 0)
        row = called()
        pauses = [(row.retry_at - clock.now()).total_seconds()]
    assert (row.state, row.attempt_count, row.last_error) == ("PENDING", 1, f"127.0.0.1 answered HTTP {status}")
    for _ in range(3):
        with time_machine.travel(called().retry_at, tick=False):
            assert sweep_and_send() == 1
            pauses.append((called().retry_at - clock.now()).total_seconds())
    for pause, least in zip(pauses, (30, 60, 120), strict=False):
        assert least - 2 < pause < least * 1.25 + 1
    row = called()
    assert (row.state, row.attempt_count, row.last_error, len(receiver.calls)) == ("SENT", 4, "", 4)
    assert [path for path, _, _ in receiver.calls] == ["/in?token=t"] * 4  # no redirect was followed
    assert len({headers["X-Dynamo-Event"] for _, headers, _ in receiver.calls}) == 1


def test_receiver_that_is_gone_stops_the_webhook_and_administrators_are_notified_i12(
    make_waiting, hook, receiver, facebook, admin_member
):
    receiver.answers = [410]
    make_waiting(channels=[facebook])
    sweep_and_send()
    row = called()
    assert (row.state, row.last_error, row.webhook.active) == ("FAILED", "127.0.0.1 answered HTTP 410", False)
    notice = Notification.objects.get(kind=NoticeKind.WEBHOOK_STOPPED)
    make_waiting(channels=[facebook])
    sweep_and_send()
    assert len(receiver.calls) == 1
    mailed = NotificationDelivery.objects.filter(notice=notice, means="EMAIL").values_list("user", flat=True)
    assert list(mailed) == [admin_member.pk]


def test_pause_of_the_organization_reaches_its_webhook_and_get_events(hook, receiver, organization, admin_member, api):
    publishing_pause.set_pause(actors.user_actor(admin_member), organization, "A crisis")
    publishing_pause.set_pause(actors.user_actor(admin_member), organization, None)
    sweep_and_send()
    [(_, _, body)] = receiver.calls
    document = json.loads(body)
    assert (document["type"], document["post"], document["channel"]) == ("publishing.paused", None, None)
    assert document["actor"]["id"] == str(admin_member.pk)
    event_feed.number()
    items = api.get("/events", query={"types": "publishing.paused,publishing.resumed"}).json()["items"]
    assert [item["type"] for item in items] == ["publishing.paused", "publishing.resumed"]
    assert items[0] == document


def test_hold_reaches_webhooks_administrators_and_each_superuser_once(
    hook, receiver, organization, other_organization, admin_member, author, mailoutbox, django_user_model
):
    operator = django_user_model.objects.create_superuser("operator", "operator@example.com", "x")
    hold.hold_by_person(actors.WORKER, "a snapshot")
    sweep_and_send()
    assert [json.loads(body)["type"] for _, _, body in receiver.calls] == ["publishing.held"]
    assert sorted(email.to for email in mailoutbox) == [[admin_member.email], [operator.email]]
    email = next(email for email in mailoutbox if email.to == [operator.email])
    assert email.subject == "[Dynamo] Publishing is held"
    assert "because you manage this installation" in email.body
    assert organization.name not in email.body
    hold.release(actors.WORKER)
    event_feed.number()
    assert Event.objects.filter(type="publishing.released").count() == 2


def test_superuser_who_administers_the_organization_gets_one_email_of_a_hold(organization, admin_member, mailoutbox):
    type(admin_member).objects.filter(pk=admin_member.pk).update(is_superuser=True)
    hold.hold_by_person(actors.WORKER, "a snapshot")
    sweep_and_send()
    assert [email.to for email in mailoutbox] == [[admin_member.email]]
    assert f"because you administer {organization.name}" in mailoutbox[0].body


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_the_receiver_is_honoured_i12(status, make_waiting, hook, receiver, facebook):
    receiver.answers, receiver.retry_after = [status], "3600"
    make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(days=3))
    sweep_and_send()
    assert (called().retry_at - clock.now()).total_seconds() > 3590
    with later(minutes=59):
        assert sweep_and_send() == 0
    with later(minutes=61):
        sweep_and_send()
    assert (called().state, len(receiver.calls)) == ("SENT", 2)


@pytest.mark.parametrize(
    ("header", "seconds"), [("", None), ("soon", None), ("-5", None), ("7", 7.0), ("9" * 30, 86_400.0)]
)
def test_retry_after_header_is_parsed(header, seconds):
    assert safe_http.parse_retry_after(header) == seconds


def test_webhook_carries_the_headers_of_standard_webhooks(make_waiting, hook, receiver, facebook):
    make_waiting(channels=[facebook])
    sweep_and_send()
    _, headers, body = receiver.calls[0]
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert len(key) == 32
    assert (headers["webhook-id"], headers["webhook-signature"]) == (json.loads(body)["id"], f"v1,{expected}")


def test_standard_signature_has_the_known_answer_of_the_specification():
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = webhook_sender.sign_standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_failed_delivery_ends_after_a_day_and_can_be_resent(make_waiting, hook, receiver, facebook, admin_member):
    receiver.answers = [500] * 100
    make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(days=3))
    sweep_and_send()
    for _ in range(100):
        if called().state != "PENDING":
            break
        traveller = time_machine.travel(called().retry_at, tick=True)
        traveller.start()
        sweep_and_send()
        traveller.stop()
    row = called()
    assert (row.state, row.last_error) == ("FAILED", "127.0.0.1 answered HTTP 500")
    assert 20 <= row.attempt_count <= 40
    receiver.answers = []
    delivery.resend(actors.user_actor(admin_member), row)
    assert (sweep_and_send(), called().state, called().attempt_count) == (1, "SENT", 1)
    assert AuditEvent.objects.filter(verb="notice.resend", actor_id=str(admin_member.pk)).count() == 1
    with pytest.raises(Conflict, match="already being sent"):
        delivery.resend(actors.user_actor(admin_member), row)


def test_hanging_receiver_delays_no_other_delivery(
    make_enqueued, make_waiting, hook, receiver, facebook, travel, sandbox, monkeypatch, reviewer, mailoutbox
):
    monkeypatch.setattr(safe_http, "POST_SECONDS", 2)
    receiver.answers = [HANG] * 10
    post = make_enqueued(channels=[facebook])
    make_waiting(channels=[facebook])
    sweep_and_send()
    assert len(receiver.calls) == 1
    waiting = NotificationDelivery.objects.filter(means="WEBHOOK")
    assert {(item.state, item.last_error) for item in waiting} == {("PENDING", "127.0.0.1 did not answer within 2 s")}
    assert (waiting.count(), sorted(waiting.values_list("attempt_count", flat=True))) == (
        2,
        [0, 1],
    )  # the approval can still be undone
    assert len(mailoutbox) == 1  # of the one that still waits
    travel(post)
    assert send(post) == "published"


def test_claim_during_a_call_to_the_same_webhook_is_skipped(make_waiting, hook, facebook, reviewer, mailoutbox):
    for _ in range(2):
        make_waiting(channels=[facebook])
    recipients.fan_out()
    first, second = NotificationDelivery.objects.filter(means="WEBHOOK").order_by("pk")
    assert delivery.claim(second.pk).pk == first.pk  # the one that has waited longest
    assert (delivery.deliver(first.pk), delivery.deliver(second.pk)) == ("skipped", "skipped")
    assert (send_due(), len(mailoutbox)) == (2, 2)


def test_skipped_delivery_is_enqueued_afterwards(make_waiting, hook, receiver, facebook, monkeypatch):
    for _ in range(2):
        make_waiting(channels=[facebook])
    recipients.fan_out()
    enqueued = []
    monkeypatch.setattr(enqueue, "send_task", lambda task, *args: enqueued.append((task, *args)))
    first, second = NotificationDelivery.objects.filter(means="WEBHOOK").order_by("pk")
    assert [delivery.deliver(first.pk), delivery.deliver(first.pk)] == ["SENT", "SENT"]
    assert enqueued == [("deliver_notification", second.pk)]


def test_the_sweep_enqueues_a_due_delivery_once_and_again_after_a_failed_try(
    make_waiting, hook, receiver, facebook, monkeypatch
):
    make_waiting(channels=[facebook])
    recipients.fan_out()
    assert delivery.enqueue_due() == 0  # its task was enqueued on commit
    with later(seconds=11):
        assert (delivery.enqueue_due(), delivery.enqueue_due()) == (1, 0)
    receiver.answers = [500]
    send_due()
    with time_machine.travel(called().retry_at, tick=True):
        monkeypatch.setattr(enqueue, "send_task", lambda *_: False)
        assert delivery.enqueue_due() == 0  # the broker is down
        monkeypatch.undo()
        assert (delivery.enqueue_due(), delivery.enqueue_due()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_deliveries_are_enqueued_on_commit_and_a_broker_that_is_down_loses_none(
    make_waiting, hook, facebook, monkeypatch
):
    enqueued = []
    monkeypatch.setattr(enqueue, "send_task", lambda task, *args: enqueued.append((task, *args)))
    make_waiting(channels=[facebook])
    enqueued.clear()
    recipients.fan_out()
    assert enqueued == [("deliver_notification", called().pk)]
    assert delivery.due().get() == called()


def test_delivery_error_does_not_contain_the_path(make_waiting, hook, facebook, settings):
    Webhook.objects.update(url="http://127.0.0.1:1/secret-path")
    make_waiting(channels=[facebook])
    sweep_and_send()
    assert called().last_error == "127.0.0.1 did not answer (ConnectionError)"
    settings.MEDIA_ALLOW_LOOPBACK = False
    for url, message in [
        ("https://127.0.0.1:1/secret-path", "The receiver's host 127.0.0.1 is not a public one"),
        ("http://127.0.0.1:1/secret-path", "The receiver's address is not https"),
    ]:
        Webhook.objects.update(url=url)
        with time_machine.travel(called().retry_at, tick=True):
            sweep_and_send()
        assert called().last_error == message


def test_paused_webhook_is_not_called(make_waiting, hook, receiver, facebook, admin_member):
    make_waiting(channels=[facebook])
    recipients.fan_out()
    webhooks.change(actors.user_actor(admin_member), hook, url=hook.url, kinds=KINDS, active=False)
    sweep_and_send()
    assert (called().state, receiver.calls) == ("OBSOLETE", [])
    assert "paused" in called().last_error


def test_expired_claim_is_sent_by_another_worker(make_waiting, hook, receiver, facebook, monkeypatch):
    make_waiting(channels=[facebook])
    recipients.fan_out()
    dead = delivery.claim(called().pk)
    assert (delivery.claim(called().pk), sweep_and_send()) == (None, 0)
    with later(seconds=delivery.LEASE.total_seconds() + 1):
        assert sweep_and_send() == 1
    with monkeypatch.context() as patch:  # the dead one comes back, too late to store an outcome
        patch.setattr(delivery, "send_webhook", Mock(side_effect=DeliveryFailed("late", timed_out=False)))
        delivery.send(dead)
    assert (called().state, len(receiver.calls)) == ("SENT", 1)


# What may be a webhook


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "must be an absolute http or https URL"),
        ("ftp://x.example/", "must be an absolute http or https URL"),
        ("https://user:word@x.example/", "must not carry a user name or a password"),
        ("https://10.0.0.1/", "must be on a public host"),
        ("https://localhost/", "must be on a public host"),
        ("http://x.example/", "must begin with https://"),
        ("https://x.example/" + "a" * 2048, "is longer than 2,048 characters"),
    ],
)
def test_webhook_url_must_be_public_https(url, message, organization, admin_member, settings):
    settings.MEDIA_ALLOW_LOOPBACK = False
    with pytest.raises(Invalid, match=message):
        webhooks.add(actors.user_actor(admin_member), organization=organization, url=url, kinds=KINDS)


def test_send_test_delivers_a_test_notification(hook, receiver, admin_member):
    webhooks.send_test(actors.user_actor(admin_member), hook)
    assert sweep_and_send() == 1
    body = json.loads(receiver.calls[0][2])
    assert (body["type"], body["post"], body["channel"], called().state) == ("webhook.test", None, None, "SENT")


# E-mail


def test_email_contains_what_a_reviewer_needs(make_waiting, reviewer, facebook, mailoutbox, settings):
    settings.ADMIN_URL = "https://desk.example"
    type(reviewer).objects.filter(pk=reviewer.pk).update(first_name="Rui", time_zone="Europe/Lisbon")
    post = make_waiting(channels=[facebook], brief="Because the oven is back.\nSource: the baker.")
    sweep_and_send()
    email = mailoutbox[0]
    assert email.to == ["reviewer@example.com"]
    assert email.subject == "[Casa do Sol] Waits for approval: Olá from Casa do Sol 👋"
    for part in (
        "Hello Rui,",
        "agent submitted “Olá from Casa do Sol 👋” for approval.",
        "Channels: Casa do Sol (Facebook)",
        "(Europe/Lisbon",
        "> Because the oven is back.\n> Source: the baker.",
        f"https://desk.example/admin/scheduling/scheduledpost/{post.pk}/review/",
        "You receive this because you review the posts of Casa do Sol.",
        "https://desk.example/admin/scheduling/notification/mine/",
    ):
        assert part in email.body


def test_a_caption_cannot_write_headers(make_waiting, facebook, reviewer, organization, mailoutbox):
    Organization.objects.filter(pk=organization.pk).update(name="Casa\r\nBcc: a@b.example")
    caption = "\n \u2028Sun\u202e day\r\nBcc: everybody@example.com\n" + "x" * 500
    make_waiting(channels={facebook.public_id: drafts.ChannelText(facebook.type, caption, None)})
    sweep_and_send()
    message = mailoutbox[0].message()
    assert message["Subject"] == "[Casa] Waits for approval: Sun day"
    assert (message["Bcc"], mailoutbox[0].recipients()) == (None, ["reviewer@example.com"])


def test_email_of_every_kind_can_be_built(
    make_scheduled, author, admin_member, reviewer, judge, facebook, travel, sandbox, mailoutbox, make_waiting
):
    review.reject(judge.actor, make_waiting(actor=actors.user_actor(author), channels=[facebook]), notes="Not so loud")
    posts = [make_scheduled(actor=actors.user_actor(author), channels=[facebook]) for _ in range(2)]
    sweep_and_send()
    make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=4))
    sweep_and_send()
    travel(posts[1])
    assert send(posts[0]) == "published"
    sandbox.fault("POST .*/(feed|photos)", "error", code=190)
    assert send(posts[1]) == "failed"
    post_id = posts[1].pk
    Notification.objects.create(
        organization=facebook.organization, kind="UNKNOWN", post_id=post_id, dedupe_key="u", created_at=clock.now()
    )
    sweep_and_send()
    subjects = sorted({item.subject.removeprefix("[Casa do Sol] ") for item in mailoutbox})
    title = "Olá from Casa do Sol 👋"
    assert subjects == [
        f"Approved: {title}",
        f"Due in 3 minutes, not approved: {title}",
        f"Failed: {title}",
        "Needs reconnecting: Casa do Sol",
        f"Please check whether it was published: {title}",
        f"Published: {title}",
        f"Rejected: {title}",
        f"Waits for approval: {title}",
    ]
    rejected = next(item for item in mailoutbox if "Rejected" in item.subject)
    assert "reviewer rejected “Olá from Casa do Sol 👋”:\n\n> Not so loud" in rejected.body
    failed = next(item for item in mailoutbox if "Failed" in item.subject)
    assert "Casa do Sol (Facebook): failed." in failed.body


@pytest.mark.parametrize("what", ["decided", "deleted", "left"])
def test_obsolete_email_is_not_sent(what, make_waiting, judge, author, reviewer, facebook, mailoutbox):
    post = make_waiting(channels=[facebook])
    recipients.fan_out()
    if what == "decided":
        review.reject(judge.actor, post, notes="No")
    elif what == "deleted":
        drafts.delete(actors.user_actor(author), post)
    else:
        Membership.objects.filter(user=reviewer).delete()
    sweep_and_send()
    row = NotificationDelivery.objects.get(notice__kind="SUBMITTED")
    assert (row.state, bool(row.last_error), mailoutbox) == ("OBSOLETE", True, [])


def test_email_without_a_mail_server_is_retried(make_waiting, reviewer, facebook, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", 1, False
    for _ in range(2):
        make_waiting(channels=[facebook])
    assert sweep_and_send() == 1
    rows = NotificationDelivery.objects.order_by("attempt_count")
    assert [(row.state, row.attempt_count, row.last_error) for row in rows] == [
        ("PENDING", tries, "The mail server does not answer (ConnectionRefusedError).") for tries in (0, 1)
    ]


def test_production_without_a_mail_server_sends_no_email(make_waiting, reviewer, facebook, settings, mailoutbox):
    settings.MAIL_GOES_OUT = False
    make_waiting(channels=[facebook])
    assert (sweep_and_send(), NotificationDelivery.objects.count(), mailoutbox) == (0, 0, [])
