"""Situations of November 2026, rebuilt from recordings of the platform (graph-api, section 11a), while publishing."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from posts.domain.published_posts import record_published
from posts.domain.sync.run import sync
from posts.graph import versions
from posts.models import Channel
from scheduling.admin.results import CHANGE, failure_help
from scheduling.domain import channel_checks, health, sweep
from scheduling.domain.publishing import quota, run
from scheduling.models import Attempt, Delivery, ScheduledPost
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def states() -> set[str]:
    return set(Channel.objects.values_list("state", flat=True))


@pytest.fixture
def misconfigured(request: pytest.FixtureRequest, sandbox: Any, settings: Any) -> Any:
    """Configure the installation wrongly; return the function that corrects it."""
    versions._stored.clear()
    if request.param == "version":
        settings.GRAPH_VERSION = "v99.0"
    else:
        settings.GRAPH_APP_SECRET = "another-apps-secret" if request.param == "wrong proof" else ""
        sandbox.settings(app_secret="the-apps-secret", require_proof=True)

    def correct() -> None:
        settings.GRAPH_VERSION = "v27.0"
        sandbox.settings(app_secret="", require_proof=False)

    return correct


@pytest.mark.parametrize("misconfigured", ["version", "missing proof", "wrong proof"], indirect=True)
def test_wrong_configuration_disconnects_no_channel_and_is_a_problem_of_the_installation_r4_r11(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel, instagram: Channel, misconfigured: Any
) -> None:
    post = make_enqueued()
    clock_ = travel(post)
    for channel in (facebook, instagram):
        assert not channel_checks.check_channel(channel.pk)
        sync(channel)
    sweep.sweep("w1@here")
    assert send(post) == "pending"
    assert (states(), sandbox.posts) == ({"CONNECTED"}, [])
    [problem] = [text for text in health.check_health().problems if text.startswith("The platform refuses")]
    assert "apps-secret" not in problem
    misconfigured()
    assert go_on(post, clock_) == "PUBLISHED"
    assert (states(), len(sandbox.posts), versions.platform_version().problem) == ({"CONNECTED"}, 2, "")


@pytest.mark.parametrize("misconfigured", ["version"], indirect=True)
def test_wrong_configuration_past_the_late_limit_is_missed_with_the_reason_r4(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel, misconfigured: Any, settings: Any
) -> None:
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    send(post)
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 5))
    assert run.resume(str(post.pk)) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, states(), sandbox.posts) == ("MISSED", {"CONNECTED"}, [])
    assert "does not know the API version" in delivery.error_message


def test_removed_field_of_a_version_disconnects_no_channel_r7(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel
) -> None:
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed$", "error", code=12, status=400, message="(#12) link is deprecated for versions v27.0")
    travel(post)
    assert send(post) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, states()) == ("12", {"CONNECTED"})
    advice = failure_help(delivery, revertible=True)
    assert advice is not None
    assert ("GRAPH_VERSION" in advice.steps[0], CHANGE in advice.steps) == (True, False)


@pytest.mark.parametrize("code", [506, 368])
def test_duplicate_after_a_lost_answer_is_published_and_the_channel_stays_r9(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel, code: int
) -> None:
    sandbox.settings(duplicate_code=code)
    post = make_enqueued(channels=[facebook], media="https://example.com/menu", media_type=None)
    sandbox.fault("POST .*/feed$", "drop_after")
    sandbox.fault("GET .*/published_posts", "flicker", times=None)
    clock_ = travel(post)
    assert send(post) == "pending"
    Attempt.objects.update(outcome="refused")  # as if two read-backs had not found it
    Delivery.objects.update(retry_at=clock.now())
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "pending"
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["refused", "unknown"]
    sandbox.heal()
    assert go_on(post, clock_) == "PUBLISHED"
    assert (states(), len(sandbox.posts)) == ({"CONNECTED"}, 1)


def test_duplicate_of_a_first_attempt_fails_and_the_channel_stays_r9(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel
) -> None:
    post = make_enqueued(channels=[facebook], media="https://example.com/menu", media_type=None)
    sandbox.fault("POST .*/feed$", "already_posted")
    travel(post)
    assert send(post) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, states()) == ("Duplicate", {"CONNECTED"})
    advice = failure_help(delivery, revertible=True)
    assert advice is not None
    assert "duplicate" in advice.reason


def test_page_publishing_authorization_names_cause_and_place_p5(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel
) -> None:
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed$", "publishing_authorization")
    travel(post)
    assert send(post) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, states(), sandbox.posts) == ("368/1404078", {"CONNECTED"}, [])
    advice = failure_help(delivery, revertible=True)
    assert advice is not None
    assert "Page Publishing Authorization" in advice.reason
    assert "settings of the Page" in advice.reason
    assert not any("econnect" in step for step in advice.steps)


def reels(channel: Channel, count: int, at: Any) -> None:
    for number in range(count):
        record_published(
            channel=channel, platform_id=f"{channel.platform_id}_{7000 + number}", type="REEL", caption="Olá",
            media_url=None, media_type="VIDEO", permalink=None, published_at=at, superpower=None,
            scheduled_post_id=ScheduledPost.objects.values_list("pk", flat=True)[0], media_sha256="",
        )  # fmt: skip


@pytest.fixture
def reel(make_enqueued: Any, sandbox: Any, facebook: Channel) -> ScheduledPost:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO", "type": "REEL"}
    post: ScheduledPost = make_enqueued(channels=[facebook], **media)
    return post


def test_reel_beyond_thirty_a_day_waits_for_a_free_place_r12(
    travel: Any, sandbox: Any, facebook: Channel, reel: ScheduledPost
) -> None:
    clock_ = travel(reel)
    reels(facebook, quota.REELS_PER_DAY, clock.now() - timedelta(hours=24) + timedelta(minutes=5))
    assert send(reel) == "pending"
    delivery = Delivery.objects.get(post=reel)
    assert (delivery.error_code, sandbox.posts, Attempt.objects.count()) == ("9", [], 0)
    assert delivery.error_message.startswith("The Page has used up its reels of the day: 30 of 30")
    assert go_on(reel, clock_, seconds=61) == "PUBLISHED"
    assert [entry["kind"] for entry in sandbox.posts] == ["reel"]


def test_reel_that_the_platform_counts_differently_waits_and_fails_with_the_reason_r12(
    travel: Any, sandbox: Any, facebook: Channel, reel: ScheduledPost
) -> None:
    sandbox.settings(reels_per_day=0)
    clock_ = travel(reel)
    assert send(reel) == "pending"
    assert go_on(reel, clock_, seconds=61, rounds=20) == "FAILED"
    delivery = Delivery.objects.get(post=reel)
    assert (delivery.error_code, states(), sandbox.posts) == ("9", {"CONNECTED"}, [])
    assert delivery.error_message.endswith("The next one is possible within a day at the latest.")


def test_other_posts_of_a_page_are_not_limited_r12(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel
) -> None:
    post = make_enqueued(channels=[facebook])
    travel(post)
    reels(facebook, quota.REELS_PER_DAY, clock.now())
    assert send(post) == "published"


def test_draft_of_a_reel_ends_as_unknown_with_what_to_do_p6(
    make_enqueued: Any, travel: Any, sandbox: Any, facebook: Channel
) -> None:
    sandbox.settings(video_becomes="reel_draft")
    post = make_enqueued(channels=[facebook], media=sandbox.media("film.mp4"), media_type="VIDEO")
    clock_ = travel(post)
    assert send(post) == "pending"
    assert go_on(post, clock_, seconds=120, rounds=40) == "FAILED"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.state, sandbox.posts, Attempt.objects.count()) == ("UNKNOWN", [], 1)
    assert "Meta Business Suite" in delivery.error_message
