"""Notifications and events are deleted after their period, however many there are."""

from datetime import timedelta

import pytest
import time_machine

from accounts import clock
from scheduling.domain import health, retention
from scheduling.domain.notifications import recipients
from scheduling.models import Event, NoticeKind, Notification, NotificationDelivery

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def after(days: float) -> time_machine.travel:
    return time_machine.travel(clock.now() + timedelta(days=days), tick=True)


def test_old_notifications_are_deleted_with_their_deliveries(make_waiting, facebook, reviewer):
    make_waiting(channels=[facebook])
    recipients.fan_out()
    assert (retention.delete_old(), NotificationDelivery.objects.count()) == (0, 1)
    with after(90.1):
        make_waiting(channels=[facebook])
        recipients.fan_out()
        assert retention.delete_old() == 2
        assert (Notification.objects.count(), NotificationDelivery.objects.count()) == (1, 1)


def test_all_batches_are_deleted_and_the_newest_event_stays(organization, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 4)
    old = clock.now() - timedelta(days=91)
    Notification.objects.bulk_create(
        Notification(organization=organization, kind=NoticeKind.TEST, dedupe_key=f"n{number}", created_at=old)
        for number in range(13)
    )
    Event.objects.bulk_create(
        Event(organization=organization, key=f"e{number}", type="x", at=old, position=number, document={})
        for number in range(1, 12)
    )
    assert retention.delete_old() == 13 + 10
    assert (Notification.objects.count(), list(Event.objects.values_list("position", flat=True))) == (0, [11])


def test_overdue_deletion_is_shown(organization, other_organization):
    assert retention.overdue() == 0.0
    at = clock.now() - timedelta(days=92)
    Notification.objects.create(organization=other_organization, kind=NoticeKind.TEST, dedupe_key="n", created_at=at)
    assert retention.overdue() == pytest.approx(2 * 86_400, abs=60)
    assert health.as_json(health.check_health())["retention"]["overdueSeconds"] > 86_400
    retention.delete_old()
    assert retention.overdue() == 0.0


def test_second_run_at_the_same_time_deletes_nothing(organization):
    at = clock.now() - timedelta(days=92)
    Notification.objects.create(organization=organization, kind=NoticeKind.TEST, dedupe_key="n", created_at=at)
    with retention.locked() as first:
        assert first
        assert retention.delete_old() == 0
    assert retention.delete_old() == 1
