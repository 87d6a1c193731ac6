"""Importing, broken off: the position is saved with the posts, one run at a time, and dead cursors do not end it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from accounts import clock
from posts.domain import sync
from posts.domain.sync import Outcome
from posts.models import Channel, ChannelSync, PublishedPost
from tests.posts.domain.importing import make, rows
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db


def test_sync_after_a_failure_continues_at_its_position(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=450, kinds=["photo"])
    sandbox.fault("GET .*/published_posts", "html_502", times=None, skip=2)
    assert sync.sync(facebook).outcome is Outcome.FAILED
    assert len(rows(facebook)) == 200
    sandbox.heal()
    calls = len(sandbox.call("GET", "/__requests")["requests"])
    assert sync.sync(facebook).added == 450
    # Pages of 25 after the failure, the reels, and the last day, which is due by then.
    assert len(sandbox.call("GET", "/__requests")["requests"]) - calls <= 250 / 25 + 4


def test_sync_with_time_limit_ends_with_more(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=250, kinds=["photo"])
    report = sync.sync(facebook, seconds=0)
    assert (report.outcome, report.read) == (Outcome.MORE, 100)
    while sync.sync(facebook, seconds=0).outcome is Outcome.MORE:
        assert ChannelSync.objects.get().lease_id is None
    assert len(rows(facebook)) == 250


def test_sync_of_a_leased_channel_is_busy(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=3)
    mine = ChannelSync.objects.create(
        channel=facebook, lease_id=uuid.uuid4(), lease_expires_at=clock.now() + timedelta(seconds=9)
    )
    assert sync.sync(facebook).outcome is Outcome.BUSY
    assert rows(facebook) == []
    ChannelSync.objects.filter(pk=mine.pk).update(lease_expires_at=clock.now())
    assert sync.sync(facebook).outcome is Outcome.FINISHED


def test_sync_without_lease_writes_nothing(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=250, kinds=["photo"])

    def overtake(_done: Any) -> None:
        ChannelSync.objects.update(lease_id=uuid.uuid4())

    report = sync.sync(facebook, progress=overtake)
    assert report.outcome is Outcome.BUSY
    assert len(rows(facebook)) == 100
    assert ChannelSync.objects.get().read_count == 100


@pytest.mark.parametrize("death", ["work", "refuse", "empty"])
def test_sync_cursor_of_a_deleted_post_loses_nothing(sandbox: SandboxControl, facebook: Channel, death: str) -> None:
    sandbox.settings(dead_cursors=death)
    make(sandbox, facebook, count=250, kinds=["photo"])
    sync.sync(facebook, seconds=0)
    last = PublishedPost.objects.order_by("published_at").values_list("platform_id", flat=True).first()
    delete(sandbox, str(last))
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    assert len(rows(facebook)) == 250


def delete(sandbox: SandboxControl, post_id: str) -> None:
    from posts.graph import client
    from posts.graph.account import Account
    from tests.services.sandbox import FACEBOOK

    client.delete(Account("FB_PAGE", FACEBOOK.id, FACEBOOK.token), post_id)


def test_enqueue_due_channels_takes_the_longest_overdue_first(
    sandbox: SandboxControl, facebook: Channel, instagram: Channel, settings: Any, monkeypatch: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(current_app, "send_task", lambda _name, args, **_: sent.append(*args))
    assert (sync.enqueue_due_channels(), sync.enqueue_due_channels(), sync.enqueue_due_channels()) == (1, 1, 0)
    assert sorted(sent) == sorted([facebook.pk, instagram.pk])
    ChannelSync.objects.filter(pk=facebook.pk).update(
        next_at=clock.now(), lease_id=uuid.uuid4(), lease_expires_at=clock.now() + timedelta(seconds=9)
    )
    ChannelSync.objects.filter(pk=instagram.pk).update(next_at=clock.now())
    assert sync.enqueue_due_channels() == 0
    settings.SYNC_AT_ONCE = 2
    assert sync.enqueue_due_channels() == 1
    assert sent[-1] == instagram.pk


def test_sync_queries_are_limited(
    sandbox: SandboxControl, facebook: Channel, django_assert_max_num_queries: Any
) -> None:
    make(sandbox, facebook, count=100, kinds=["photo"])
    sync.sync(facebook)
    with django_assert_max_num_queries(60 if connection.vendor == "sqlite" else 30):
        sync.sync(facebook, full=True)
