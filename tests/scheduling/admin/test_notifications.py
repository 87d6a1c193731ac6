"""The notification log, webhooks and notification settings in the admin."""

from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock, encryption
from accounts.models import AuditEvent, Membership, Organization, Role, User
from posts.models import Channel
from scheduling.domain.notifications import webhooks
from scheduling.models import Notification, NotificationDelivery, Webhook
from tests.helpers import AdminClient
from tests.scheduling.notification_helpers import send_due, sweep_and_send
from tests.services.webhook_receiver import Receiver, receiving

LOG, HOOKS = "/admin/scheduling/notification/", "/admin/scheduling/webhook/"
MINE = f"{LOG}mine/"
EVERYTHING = [str(kind) for kind in webhooks.WANTED]


@pytest.fixture
def receiver(sandbox: Any) -> Any:
    with receiving() as receiver:
        yield receiver


def secret_on(site: AdminClient) -> str:
    html = site.answer.content.decode()
    return html.partition('id="hook-secret">')[2].partition("<")[0]


def add(site: AdminClient, url: str) -> str:
    """Add a webhook by the form and return the secret that was shown."""
    return secret_on(site.open(f"{HOOKS}add/").press(url=url, kinds=EVERYTHING))


def test_add_webhook_shows_the_secret_once(admin_member: User, receiver: Receiver) -> None:
    site = AdminClient(admin_member)
    secret = add(site, f"{receiver.url}/in?token=t")
    hook = Webhook.objects.get()
    assert (hook.kinds, hook.created_by) == (EVERYTHING, admin_member)
    assert encryption.decrypt(hook.secret_encrypted) == secret
    again = site.client.post(f"{HOOKS}add/", site.answer.wsgi_request.POST)
    assert ("was already added" in again.content.decode(), Webhook.objects.count()) == (True, 1)
    for url in (HOOKS, f"{HOOKS}{hook.pk}/change/", LOG):
        page = site.open(url).answer.content.decode()
        assert secret not in page
        assert ("token=t" in page) == url.endswith("change/")
    assert secret not in str(list(AuditEvent.objects.values_list()))


def test_webhook_test_rotate_change_and_remove(admin_member: User, receiver: Receiver) -> None:
    site = AdminClient(admin_member)
    first = add(site, receiver.url)
    hook = Webhook.objects.get()
    page = f"{HOOKS}{hook.pk}/change/"
    site.open(page).press("test").follow()
    send_due()
    assert b'"type":"webhook.test"' in receiver.calls[0][2]

    rotating = site.open(page).form("rotate")
    second = secret_on(site.press("rotate"))
    assert (second != first, encryption.decrypt(Webhook.objects.get().secret_encrypted)) == (True, second)
    site.client.post(rotating.action, rotating.fields)  # sent a second time
    assert "already been rotated" in site.open(page).text
    assert encryption.decrypt(Webhook.objects.get().secret_encrypted) == second

    site.press(kinds=["FAILED"], active="")
    hook = Webhook.objects.get()
    assert (hook.kinds, hook.active) == (["FAILED"], False)
    site.open(page).press("test").follow()
    assert len(receiver.calls) == 1
    site.press(kinds=[], url="nowhere")
    assert "This field is required" in site.text

    site.open(page).press("remove").follow()
    assert Webhook.objects.count() == 0
    verbs = AuditEvent.objects.filter(subject=f"webhook:{hook.pk}").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["webhook.add", "webhook.rotate", "webhook.change", "webhook.remove"]


def test_log_shows_deliveries_and_administrator_can_send_again(
    admin_member: User, reviewer: User, outsider: User, receiver: Receiver, make_waiting, facebook: Channel
) -> None:
    site = AdminClient(admin_member)
    add(site, receiver.url)
    Webhook.objects.update(kinds=["SUBMITTED"])
    receiver.answers = [500]
    make_waiting(channels=[facebook])
    sweep_and_send()
    log = site.open(LOG)
    assert "A post is waiting for approval Olá from Casa do Sol 👋" in log.text
    assert "reviewer · e-mail sent" in log.text
    assert "1 attempt, next" in log.text
    assert "127.0.0.1 answered HTTP 500" in log.text
    row = NotificationDelivery.objects.get(means="WEBHOOK")
    again = f"{LOG}{row.pk}/again/"
    for other in (AdminClient(reviewer), AdminClient(outsider)):
        assert not other.open(LOG).offers("again")

    site.open(LOG)
    assert site.send(again).status_code == 302
    send_due()
    assert (NotificationDelivery.objects.get(pk=row.pk).state, len(receiver.calls)) == ("SENT", 2)
    assert "No notifications yet" in AdminClient(outsider).open(LOG).text


def test_log_filters(admin_member: User, reviewer: User, make_waiting, facebook: Channel) -> None:
    make_waiting(channels=[facebook])
    sweep_and_send()
    site = AdminClient(admin_member)
    queries = ("kind=SUBMITTED", "kind=FAILED", "delivery=SENT", "delivery=FAILED", "kind=nonsense")
    shown = [query for query in queries if "reviewer · e-mail" in site.open(f"{LOG}?{query}").text]
    assert shown == ["kind=SUBMITTED", "delivery=SENT", "kind=nonsense"]


def test_lists_have_constant_queries(
    admin_member: User, reviewer: User, make_waiting, facebook: Channel, organization: Organization
) -> None:
    site, counts = AdminClient(admin_member), []
    for _ in range(2):
        for _ in range(3):
            Webhook.objects.create(organization=organization, url="https://x.example", kinds=["FAILED"])
            make_waiting(channels=[facebook])
        sweep_and_send()
        for url in (LOG, HOOKS):
            with CaptureQueriesContext(connection) as captured:
                site.open(url)
            counts.append(len(captured))
    assert counts[:2] == counts[2:]


def test_notification_settings_are_stored_per_membership(
    reviewer: User, viewer: User, other_organization: Organization, organization: Organization
) -> None:
    Membership.objects.create(user=reviewer, organization=other_organization, role=Role.EDITOR)
    site = AdminClient(reviewer).open(MINE)
    mine = Membership.objects.get(user=reviewer, organization=organization)
    other = Membership.objects.get(user=reviewer, organization=other_organization)
    assert "A post is waiting for approval" in site.text
    site.press(**{f"member-{mine.pk}": ["SUBMITTED", "FAILED", "REJECTED"], f"member-{other.pk}": ["FAILED"]})
    mine.refresh_from_db()
    other.refresh_from_db()
    # The kinds available to a reviewer that were not selected.
    assert mine.muted_notification_kinds == [
        "OVERWRITTEN",
        "UNKNOWN",
        "RECONNECT",
        "BLOCKED",
        "DEAUTHORIZED",
        "TOKEN_EXPIRES",
        "DATA_ACCESS_EXPIRES",
        "PERMISSIONS_LOST",
        "UNAPPROVED",
        "RULES",
        "REVERTED",
        "DELETED",
    ]
    kinds = ["OVERWRITTEN", "REJECTED", "APPROVED", "PUBLISHED", "UNKNOWN", "REVERTED", "DELETED"]
    assert other.muted_notification_kinds == kinds
    assert AuditEvent.objects.filter(verb="membership.mute", actor_id=str(reviewer.pk)).count() == 2
    assert "Viewers receive no e-mails" in AdminClient(viewer).open(MINE).text


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x", "https://HOOKS.SLACK.COM./services/T0", "https://discord.com/api/webhooks/1/x",
        "https://contoso.webhook.office.com/webhookb2/x", "https://chat.googleapis.com/v1/spaces/x/messages",
    ],
)  # fmt: skip
def test_chat_service_is_refused_with_a_sentence_t9(url: str, admin_member: User, organization: Organization) -> None:
    site = AdminClient(admin_member).open(f"{HOOKS}add/").press(url=url, kinds="FAILED")
    assert "accepts only messages of its own format" in site.text
    assert Webhook.objects.count() == 0
    # One that was added before this rule can be switched off.
    Webhook.objects.create(organization=organization, url=url, kinds=["FAILED"], secret_encrypted="x")
    hook = Webhook.objects.get()
    site.open(f"{HOOKS}{hook.pk}/change/").form().fields.pop("active")
    assert site.press(kinds="FAILED").answer.status_code == 302
    hook.refresh_from_db()
    assert not hook.active


def test_state_of_a_webhook_follows_its_last_delivery_t9(admin_member: User, organization: Organization) -> None:
    hook = Webhook.objects.create(
        organization=organization, url="https://hooks.example.com/x", kinds=["FAILED"], secret_encrypted="x"
    )
    site, counter = AdminClient(admin_member), count()

    def state_after(**columns: Any) -> str:
        if columns:
            notice = Notification.objects.create(
                organization=organization, kind="FAILED", dedupe_key=f"once-{next(counter)}"
            )
            NotificationDelivery.objects.create(notice=notice, means="WEBHOOK", webhook=hook, **columns)
        text = site.open(HOOKS).text
        return next(state for state in ("Not used yet", "Working", "Failing", "Inactive") if state in text)

    assert state_after() == "Not used yet"
    assert state_after(state="PENDING") == "Not used yet"
    assert state_after(state="SENT", sent_at=clock.now()) == "Working"
    assert state_after(state="PENDING", attempt_count=1, last_error="The receiver answered 500.") == "Failing"
    assert "The receiver answered 500." in site.text
    assert state_after(state="OBSOLETE") == "Failing"
    assert state_after(state="FAILED", last_error="No answer.") == "Failing"
    assert state_after(state="SENT", sent_at=clock.now()) == "Working"
    Webhook.objects.update(active=False)
    assert state_after() == "Inactive"
