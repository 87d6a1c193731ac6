"""The log of notices, webhooks and each person's own choice, on the desk."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import encryption
from accounts.models import AuditEvent, Membership, Organization, Role, User
from posts.models import Channel
from scheduling.models import NotificationDelivery, Webhook
from tests.admin_client import Desk
from tests.scheduling.notification_helpers import send_due
from tests.scheduling.notification_helpers import sweep_and_send as tell
from tests.services.webhook_receiver import Receiver, receiving

LOG, MINE, HOOKS = (
    "/admin/scheduling/notification/",
    "/admin/scheduling/notification/mine/",
    "/admin/scheduling/webhook/",
)
EVERYTHING = [
    "SUBMITTED", "REJECTED", "APPROVED", "PUBLISHED", "FAILED", "UNKNOWN", "RECONNECT", "UNAPPROVED",
]  # fmt: skip


@pytest.fixture
def receiver(sandbox: Any) -> Any:
    with receiving() as one:
        yield one


def secret_on(desk: Desk) -> str:
    """Return the secret that the page shows."""
    html = desk.answer.content.decode()
    return html.partition('id="hook-secret">')[2].partition("<")[0]


def add(desk: Desk, url: str) -> str:
    """Add a webhook by the form and return the secret that was shown."""
    return secret_on(desk.open(f"{HOOKS}add/").press(url=url, kinds=EVERYTHING))


def test_an_administrator_adds_a_webhook_and_sees_its_secret_once(admin_member: User, receiver: Receiver) -> None:
    desk = Desk(admin_member)
    secret = add(desk, f"{receiver.url}/in?token=t")
    hook = Webhook.objects.get()
    assert (encryption.decrypt(hook.secret_encrypted), hook.kinds, hook.created_by) == (
        secret,
        EVERYTHING,
        admin_member,
    )
    again = desk.client.post(f"{HOOKS}add/", desk.answer.wsgi_request.POST)
    assert ("added already" in again.content.decode(), Webhook.objects.count()) == (True, 1)
    for url in (HOOKS, f"{HOOKS}{hook.pk}/change/", LOG):
        page = desk.open(url).answer.content.decode()
        assert secret not in page
        assert ("token=t" in page) == url.endswith("change/")
    assert secret not in str(list(AuditEvent.objects.values_list()))


def test_a_webhook_is_changed_tried_out_rotated_and_removed(admin_member: User, receiver: Receiver) -> None:
    desk = Desk(admin_member)
    first = add(desk, receiver.url)
    hook = Webhook.objects.get()
    page = f"{HOOKS}{hook.pk}/change/"
    desk.open(page).press("test").follow()
    send_due()
    assert b'"kind":"TEST"' in receiver.calls[0][2]

    rotating = desk.open(page).form("rotate")
    second = secret_on(desk.press("rotate"))
    assert (second != first, encryption.decrypt(Webhook.objects.get().secret_encrypted)) == (True, second)
    desk.client.post(rotating.action, rotating.fields)  # sent a second time
    assert "changed meanwhile" in desk.open(page).text
    assert encryption.decrypt(Webhook.objects.get().secret_encrypted) == second

    desk.press(kinds=["FAILED"], active="")
    hook = Webhook.objects.get()
    assert (hook.kinds, hook.active) == (["FAILED"], False)
    assert "It is paused" in desk.open(page).press("test").follow().text
    desk.press(kinds=[], url="nowhere")
    assert "This field is required" in desk.text

    desk.open(page).press("remove").follow()
    assert Webhook.objects.count() == 0
    verbs = AuditEvent.objects.filter(subject=f"webhook:{hook.pk}").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["webhook.add", "webhook.rotate", "webhook.change", "webhook.remove"]


def test_the_log_says_what_became_of_each_and_an_administrator_sends_it_again(
    admin_member: User, reviewer: User, outsider: User, receiver: Receiver, make_waiting: Any, facebook: Channel
) -> None:
    desk = Desk(admin_member)
    add(desk, receiver.url)
    receiver.answers = [500]
    make_waiting(channels=[facebook])
    tell()
    log = desk.open(LOG)
    assert "A post waits for approval Olá from Casa do Sol 👋" in log.text
    assert "reviewer · e-mail sent" in log.text
    assert "on its way 1 try, again" in log.text
    assert "127.0.0.1 answered HTTP 500" in log.text
    one = NotificationDelivery.objects.get(means="WEBHOOK")
    again = f"{LOG}{one.pk}/again/"
    assert desk.client.get(again).status_code == 405
    for other, status in ((Desk(reviewer), 403), (Desk(outsider), 404)):
        assert other.open(LOG).answer.status_code == 200
        assert not [form for form in other.page.forms if form.action.endswith("/again/")]
        assert other.open("/admin/").send(again).status_code == status
    assert "waits for approval" not in Desk(outsider).open(LOG).page.words
    assert NotificationDelivery.objects.get(pk=one.pk).state == "PENDING"

    desk.open(LOG)
    assert desk.send(again).status_code == 302
    send_due()
    assert (NotificationDelivery.objects.get(pk=one.pk).state, len(receiver.calls)) == ("SENT", 2)
    assert "Nobody had to be told anything yet" in Desk(outsider).open(LOG).text


def test_the_log_is_narrowed_down(admin_member: User, reviewer: User, make_waiting: Any, facebook: Channel) -> None:
    make_waiting(channels=[facebook])
    tell()
    desk = Desk(admin_member)
    found = {
        query: "reviewer · e-mail" in desk.open(f"{LOG}?{query}").text
        for query in ("kind=SUBMITTED", "kind=FAILED", "delivery=SENT", "delivery=FAILED", "kind=nonsense")
    }
    assert found == {
        "kind=SUBMITTED": True,
        "kind=FAILED": False,
        "delivery=SENT": True,
        "delivery=FAILED": False,
        "kind=nonsense": True,
    }


def test_the_lists_cost_the_same_however_long_they_are(
    admin_member: User, reviewer: User, make_waiting: Any, facebook: Channel, organization: Organization
) -> None:
    desk, counts = Desk(admin_member), []
    for _ in range(2):
        for _ in range(3):
            Webhook.objects.create(organization=organization, url="https://x.example", kinds=["FAILED"])
            make_waiting(channels=[facebook])
        tell()
        for url in (LOG, HOOKS):
            with CaptureQueriesContext(connection) as captured:
                desk.open(url)
            counts.append(len(captured))
    assert counts[:2] == counts[2:]


def test_everybody_chooses_what_they_are_mailed_about(
    reviewer: User, viewer: User, other_organization: Organization, organization: Organization
) -> None:
    Membership.objects.create(user=reviewer, organization=other_organization, role=Role.EDITOR)
    desk = Desk(reviewer).open(MINE)
    mine = Membership.objects.get(user=reviewer, organization=organization)
    other = Membership.objects.get(user=reviewer, organization=other_organization)
    assert "A post waits for approval" in desk.text
    desk.press(**{f"member-{mine.pk}": ["SUBMITTED", "FAILED", "REJECTED"], f"member-{other.pk}": ["FAILED"]})
    mine.refresh_from_db()
    other.refresh_from_db()
    # What a reviewer may get, and did not tick.
    assert mine.muted_notification_kinds == ["UNKNOWN", "RECONNECT", "UNAPPROVED", "RULES"]
    assert other.muted_notification_kinds == ["REJECTED", "APPROVED", "PUBLISHED", "UNKNOWN"]
    assert AuditEvent.objects.filter(verb="membership.mute", actor_id=str(reviewer.pk)).count() == 2
    assert "told nothing by e-mail" in Desk(viewer).open(MINE).text
