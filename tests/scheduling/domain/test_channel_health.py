"""Health of channels at the platform: what the sandbox says of a token, what people are shown and notified of."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock, encryption
from posts.models import Channel, ChannelState
from scheduling.admin.results import failure_help
from scheduling.domain import channel_checks, channel_health
from scheduling.domain.notifications import emails, recipients
from scheduling.domain.notifications.exceptions import NotificationObsolete
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.models import ChannelCheck, Delivery, Notification, NotificationDelivery, ScheduledPost
from tests.helpers import AdminClient
from tests.scheduling.domain.conftest import send
from tests.services.login import APP_ID, APP_SECRET, OFFERED, PERSON, give_login, grant_everything
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]
DAY = 86_400


@pytest.fixture(autouse=True)
def _app(settings: Any, sandbox: SandboxControl) -> None:
    settings.GRAPH_APP_ID, settings.GRAPH_APP_SECRET = APP_ID, APP_SECRET
    give_login(sandbox)
    grant_everything(sandbox)


def give_token(sandbox: SandboxControl, channel: Channel, **expiry: float) -> None:
    """Connect the channel with a token of its Page that expires in so many seconds."""
    page = {"person": PERSON, "kind": "PAGE", "account": FACEBOOK.id}
    token = sandbox.call("POST", "/__tokens", {**page, **expiry})["access_token"]
    connected = {"token_encrypted": encryption.encrypt(token), "connected_at": clock.now()}
    Channel.objects.filter(pk=channel.pk).update(**connected)
    channel.refresh_from_db()


def permit(sandbox: SandboxControl, *lost: str) -> None:
    statuses = {name: "declined" if name in lost else "granted" for name in OFFERED}
    sandbox.call("POST", "/__people", {"id": PERSON, "permissions": statuses})


def checked(channel: Channel) -> ChannelCheck:
    channel_checks.check_channel(channel.pk)
    return ChannelCheck.objects.get(channel=channel)


def texts(channel: Channel, last_error: str = "") -> str:
    channel.refresh_from_db()
    check = ChannelCheck.objects.filter(channel=channel).first()
    return " ".join(problem.text for problem in channel_health.problems(channel, check, last_error))


def checks(post: ScheduledPost) -> list[Check]:
    return run_checks([ScheduledPost.objects.for_wire().get(pk=post.pk)], None)[post.pk]


def kinds() -> list[str]:
    channel_health.remind()
    return list(Notification.objects.order_by("created_at").values_list("kind", flat=True))


def test_check_stores_expiry_and_permissions_of_the_token(facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook, expires_in=10 * DAY, data_access_expires_in=90 * DAY)
    check = checked(facebook)
    assert round((check.expires_at - clock.now()) / timedelta(days=1)) == 10
    assert round((check.data_access_expires_at - clock.now()) / timedelta(days=1)) == 90
    assert (check.missing_permissions, check.problem) == ([], "")
    assert "the access token expires on" in texts(facebook)
    assert "data access" not in texts(facebook)


def test_token_that_never_expires_has_no_problem(facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook)
    assert (checked(facebook).expires_at, texts(facebook), kinds()) == (None, "", [])


@pytest.mark.parametrize(
    ("column", "kind"), [("expires_in", "TOKEN_EXPIRES"), ("data_access_expires_in", "DATA_ACCESS_EXPIRES")]
)
def test_expiry_is_notified_14_7_and_1_days_ahead_once_each(
    facebook: Channel, sandbox: SandboxControl, admin_member: Any, reviewer: Any, column: str, kind: str
) -> None:
    with time_machine.travel(clock.now(), tick=True) as clock_:
        give_token(sandbox, facebook, **{column: 20 * DAY})
        checked(facebook)
        counts = []
        for _ in range(19):
            counts.append(len(kinds()))
            assert len(kinds()) == counts[-1]  # once each
            clock_.shift(timedelta(days=1))
        assert (counts[5:8], counts[12:15], counts[-1]) == ([0, 1, 1], [1, 2, 2], 2)
        clock_.shift(timedelta(hours=2))
        assert set(kinds()) == {kind}
        assert len(kinds()) == 3
        assert list(Notification.objects.order_by("created_at").values_list("details__days", flat=True)) == [14, 7, 1]
        recipients.fan_out()
        mailed = NotificationDelivery.objects.filter(user=admin_member).order_by("notice__created_at").last()
        email = emails.build_email(mailed)
        assert "expires" in email.subject
        assert "reconnects it under Channels" in email.body
        assert NotificationDelivery.objects.filter(user=reviewer).count() == 3
        give_token(sandbox, facebook)
        with pytest.raises(NotificationObsolete):
            emails.build_email(NotificationDelivery.objects.get(pk=mailed.pk))
        assert (texts(facebook), len(kinds())) == ("", 3)


def test_channel_first_seen_five_days_ahead_is_notified_once(facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook, expires_in=5 * DAY)
    checked(facebook)
    assert (kinds(), kinds()) == (["TOKEN_EXPIRES"], ["TOKEN_EXPIRES"])
    assert Notification.objects.get().details["days"] == 7


def test_lost_permission_is_shown_and_notified_once(facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook)
    checked(facebook)
    permit(sandbox, "read_insights")
    ChannelCheck.objects.update(token_checked_at=clock.now() - timedelta(hours=7))
    Channel.objects.update(connected_at=clock.now() - timedelta(days=1))
    facebook.refresh_from_db()
    assert checked(facebook).missing_permissions == ["read_insights"]
    assert "the access token lacks read_insights" in texts(facebook)
    ChannelCheck.objects.update(token_checked_at=clock.now() - timedelta(hours=7))
    checked(facebook)
    assert kinds() == ["PERMISSIONS_LOST"]
    permit(sandbox)
    ChannelCheck.objects.update(token_checked_at=clock.now() - timedelta(hours=7))
    assert checked(facebook).missing_permissions == []
    assert texts(facebook) == ""


def test_permission_that_reading_needs_is_found_at_once(instagram: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, instagram)
    assert checked(instagram).missing_permissions == []
    permit(sandbox, "instagram_basic")
    check = checked(instagram)  # the platform refuses, so the token is asked about although it was a moment ago
    assert (check.permission, check.missing_permissions) == (True, ["instagram_basic"])


def test_token_facts_are_read_every_six_hours(facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook)
    for _ in range(3):
        checked(facebook)
    asked = [call for call in sandbox.call("GET", "/__requests")["requests"] if call["path"].endswith("/debug_token")]
    assert [call["status"] for call in asked] == [200]
    assert facebook.token not in str(sandbox.call("GET", "/__requests"))


@pytest.mark.parametrize("fault", ["html_502", "drop_before", "expired_token", "throttle"])
def test_refused_debug_token_changes_nothing(facebook: Channel, sandbox: SandboxControl, fault: str) -> None:
    give_token(sandbox, facebook)
    sandbox.fault("GET .*/debug_token", fault, times=None)
    check = checked(facebook)
    facebook.refresh_from_db()
    assert (facebook.state, check.problem, check.token_checked_at) == (ChannelState.CONNECTED, "", None)


def test_without_the_app_nothing_is_asked(facebook: Channel, sandbox: SandboxControl, settings: Any) -> None:
    settings.GRAPH_APP_ID = ""
    assert checked(facebook).token_checked_at is None
    assert not any("debug" in call["path"] for call in sandbox.call("GET", "/__requests")["requests"])


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ("publishing_authorization", "Page publishing authorisation"),
        ("identity", "facebook.com/id"),
        ("development_mode", "App Dashboard"),
    ],
)
def test_cause_of_a_refused_post_is_named_with_its_place_p5(
    make_enqueued: Any, travel: Any, facebook: Channel, sandbox: SandboxControl, fault: str, place: str
) -> None:
    waiting, post = (make_enqueued(channels=[facebook]) for _ in range(2))
    sandbox.fault("POST .*/(feed|photos)", fault, times=None)
    travel(post)
    assert send(post) == "failed"
    delivery = Delivery.objects.get(post=post)
    shown = " ".join(check.words for check in checks(waiting) if check.name.startswith("channel"))
    advice = failure_help(delivery, revertible=True)
    for text in (shown, advice.reason, texts(facebook, delivery.error_code)):
        assert place in text
        assert "lacks a permission" not in text
    facebook.refresh_from_db()
    assert facebook.state == ChannelState.CONNECTED  # reconnecting would not help


@pytest.mark.parametrize(("code", "cause"), [("190/459", "checkpoint"), ("190/464", "not confirmed")])
def test_refused_token_of_a_checked_person_names_the_login_before_reconnecting_p5(
    make_draft: Any, facebook: Channel, code: str, cause: str
) -> None:
    post = make_draft(channels=[facebook])
    Delivery.objects.filter(post=post).update(state="FAILED", error_code=code)
    Channel.objects.update(state=ChannelState.NEEDS_RECONNECT)
    advice = failure_help(Delivery.objects.get(post=post), revertible=True)
    for text in (advice.reason, texts(facebook, code)):
        assert cause in text
        assert text.index("facebook.com") < text.index("reconnects the channel")
    Channel.objects.update(state=ChannelState.CONNECTED)
    assert texts(facebook, code) == ""


def test_restricted_account_names_the_place(
    make_enqueued: Any, travel: Any, instagram: Channel, sandbox: SandboxControl
) -> None:
    post = make_enqueued(channels=[instagram])
    sandbox.fault("POST .*/media_publish", "restricted")
    travel(post)
    assert send(post) == "failed"
    assert "Account status" in texts(instagram)


def test_used_quota_is_named(instagram: Channel, sandbox: SandboxControl) -> None:
    ChannelCheck.objects.create(channel=instagram, at=clock.now(), quota_used=25, quota_total=25)
    assert "25 of 25 posts of 24 hours were published" in texts(instagram)
    ChannelCheck.objects.update(at=clock.now() - timedelta(days=2))
    assert texts(instagram) == ""


def test_post_after_the_expiry_is_warned_of(make_waiting: Any, facebook: Channel, sandbox: SandboxControl) -> None:
    give_token(sandbox, facebook, expires_in=30 * DAY)
    checked(facebook)
    soon = make_waiting(channels=[facebook])
    late = make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(days=40))
    found = [[check.level for check in checks(post) if check.name == "channel.expires_at"] for post in (soon, late)]
    assert found == [[], ["warn"]]


@pytest.mark.parametrize("url", ["/admin/", "/admin/posts/channel/", "/admin/posts/channel/{}/change/"])
def test_problems_are_on_the_dashboard_and_the_pages_of_channels(
    facebook: Channel, instagram: Channel, sandbox: SandboxControl, admin_member: Any, url: str
) -> None:
    give_token(sandbox, facebook, expires_in=3 * DAY)
    checked(facebook)
    page = AdminClient(admin_member).open(url.format(facebook.pk))
    assert "he access token expires on" in page.text
    assert facebook.token not in page.answer.content.decode()
    assert INSTAGRAM.token not in page.answer.content.decode()
