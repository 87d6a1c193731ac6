"""Checks of channels: what is stored, what is marked, and their priority below publishing."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import User
from dynamo.celery import app
from posts.domain import channels
from posts.models import Channel, ChannelState
from scheduling.domain import channel_checks, sweep
from scheduling.models import ChannelCheck
from tests.services.sandbox import FACEBOOK, INSTAGRAM, PlatformAccount, SandboxControl

pytestmark = pytest.mark.usefixtures("no_messages")


def found(channel: Channel) -> ChannelCheck:
    return ChannelCheck.objects.get(channel=channel)


def test_check_of_instagram_stores_the_quota(instagram: Channel, sandbox: SandboxControl) -> None:
    sandbox.settings(quota_total=25)
    assert channel_checks.check_channel(instagram.pk)
    kept = found(instagram)
    assert (kept.quota_used, kept.quota_total, kept.problem) == (0, 25, "")


def test_check_of_a_page_stores_no_problem(facebook: Channel, sandbox: SandboxControl) -> None:
    assert channel_checks.check_channel(facebook.pk)
    assert (found(facebook).problem, found(facebook).quota_total) == ("", None)


@pytest.mark.parametrize("account", [FACEBOOK, INSTAGRAM], ids=lambda account: account.type)
def test_check_stores_name_and_handle_of_the_platform_a18(
    account: PlatformAccount, facebook: Channel, instagram: Channel, sandbox: SandboxControl
) -> None:
    channel = facebook if account == FACEBOOK else instagram
    sandbox.register(account, name="The Real Page", username="the.real.page")
    channel_checks.check_channel(channel.pk)
    sandbox.fault("GET .*", "drop_before", times=None)
    assert not channel_checks.check_channel(channel.pk)  # keeps them
    kept = found(channel)
    assert (kept.platform_name, kept.platform_username) == ("The Real Page", "the.real.page")
    assert not kept.is_named(channel.name)
    assert kept.is_named("@The.Real.Page")


def test_check_with_a_rejected_token_marks_the_channel(facebook: Channel, sandbox: SandboxControl) -> None:
    sandbox.register(FACEBOOK, expired=True)
    assert not channel_checks.check_channel(facebook.pk)
    facebook.refresh_from_db()
    assert facebook.state == ChannelState.NEEDS_RECONNECT
    assert found(facebook).problem
    assert facebook.token not in found(facebook).problem


def test_check_with_a_missing_permission_stores_it_only(instagram: Channel, sandbox: SandboxControl) -> None:
    sandbox.register(INSTAGRAM, scopes=["pages_show_list"])
    assert not channel_checks.check_channel(instagram.pk)
    instagram.refresh_from_db()
    assert (instagram.state, found(instagram).permission) == (ChannelState.CONNECTED, True)


def test_check_without_an_answer_marks_nothing(facebook: Channel, sandbox: SandboxControl) -> None:
    sandbox.fault("GET .*", "drop_before", times=None)
    assert not channel_checks.check_channel(facebook.pk)
    facebook.refresh_from_db()
    assert (facebook.state, found(facebook).permission) == (ChannelState.CONNECTED, False)


def test_connected_channel_is_checked_at_once(
    facebook: Channel, author: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    ChannelCheck.objects.create(channel=facebook, at=clock.now(), problem="The token has expired.")
    actor, tasks = actors.user_actor(author), []
    monkeypatch.setattr(app, "send_task", lambda name, args=(), **_: tasks.append((name, *args)))
    given = {"type": facebook.type, "platform_id": facebook.platform_id, "name": "Casa", "token": facebook.token}
    with django_capture_on_commit_callbacks(execute=True):
        channels.connect(actor, organization=facebook.organization, **given)
        assert tasks == []  # a rollback sends nothing
    assert ("scheduling.examine_channel", facebook.pk) in tasks
    tasks.clear()
    with django_capture_on_commit_callbacks(execute=True):
        channels.disconnect(actor, facebook)
    assert tasks == []


def test_old_checks_are_repeated_one_at_a_time(facebook: Channel, instagram: Channel, settings) -> None:
    ChannelCheck.objects.create(channel=facebook, at=clock.now())
    ChannelCheck.objects.create(
        channel=instagram, at=clock.now() - timedelta(seconds=settings.CHANNEL_CHECK_INTERVAL + 1)
    )
    assert (channel_checks.check_next_channel(), channel_checks.check_next_channel()) == (1, 0)
    settings.CHANNEL_CHECK_INTERVAL = 0
    assert channel_checks.check_next_channel() == 0


def test_channels_are_not_checked_while_a_post_is_due(facebook: Channel, make_scheduled) -> None:
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=20))
    assert sweep.examine_channels() == 0
