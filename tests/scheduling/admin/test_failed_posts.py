"""Failed posts: the reason, the advice and the available actions."""

import re
from pathlib import Path
from typing import Any

import pytest

from accounts.domain import actors
from accounts.models import AuditEvent, User
from posts.domain import channels
from posts.graph import error_codes, errors
from posts.models import Channel
from scheduling.admin.results import CHANGE, LATER, OUR_ERRORS, failure_help
from scheduling.domain.publishing import gate
from scheduling.domain.publishing.retry_policy import BLOCKS_WHEN_ABSENT
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, ScheduledPost, WorkerHeartbeat
from tests.helpers import POSTS, AdminClient, fresh, reconnect


@pytest.fixture
def make_failed(make_scheduled: Any) -> Any:
    """Make a FAILED post whose deliveries were sent and ended as the columns say."""

    def make(state: str, code: str = "UNKNOWN", message: str = "Outcome unknown.", **changes: Any) -> ScheduledPost:
        post = make_scheduled(**changes)
        post.apply_transition("fail", task_id=None, failure_reason=message)
        post.deliveries.update(state=state, error_code=code, error_message=message)
        outcome = "unknown" if state == "UNKNOWN" else "refused"
        for delivery in post.deliveries.all():
            Attempt.objects.create(delivery=delivery, approval=post.approval, lease_id=post.pk, outcome=outcome)
        return fresh(post)

    return make


def test_mark_as_published_needs_a_valid_platform_id(make_failed, reviewer: User, facebook: Channel) -> None:
    post = make_failed("UNKNOWN", channels=[facebook])
    site = AdminClient(reviewer).review(post)
    assert not site.offers("approve")
    assert "unknown outcome" in site.text

    site.press("live", post_id="not an id")
    assert fresh(post).status == Status.FAILED
    assert site.form("live").fields["post_id"] == "not an id"

    site.press("live", post_id=f"{facebook.platform_id}_5")
    assert fresh(post).status == Status.PUBLISHED
    assert "is marked as published on Casa do Sol." in site.follow().text
    assert "reviewer marked it as published" in site.text


def test_mark_as_not_published_allows_a_retry(make_failed, reviewer: User, facebook: Channel) -> None:
    post = make_failed("UNKNOWN", channels=[facebook])
    site = AdminClient(reviewer).review(post).press("absent").follow()
    assert "A reviewer marked it as not published." in site.text
    assert "reviewer marked it as not published" in site.text
    site.press("approve")
    assert fresh(post).status == Status.SCHEDULED


@pytest.mark.parametrize(("action", "channels"), [("live", 1), ("live", 2), ("absent", 1)])
def test_second_click_of_a_result_is_done_a22(
    make_failed, reviewer: User, facebook: Channel, instagram: Channel, action: str, channels: int
) -> None:
    post = make_failed("UNKNOWN", channels=[facebook, instagram][:channels])
    delivery = post.deliveries.get(channel=facebook)
    other = post.deliveries.exclude(pk=delivery.pk).first()
    if other:
        post.deliveries.filter(pk=other.pk).update(state="FAILED")
    typed = {"post_id": f"{facebook.platform_id}_5"} if action == "live" else {}
    site = AdminClient(reviewer).review(post)
    form = next(
        form
        for form in site.page.forms
        if form.action.endswith(f"/{action}/") and form.fields["delivery"] == str(delivery.pk)
    )
    for _ in range(2):
        assert site.client.post(form.action, {**form.fields, **typed}).status_code == 302
    delivery.refresh_from_db()
    assert delivery.state == ("PUBLISHED" if action == "live" else "FAILED")
    assert AuditEvent.objects.filter(verb__startswith="mark_").count() == 1
    if action == "live":
        other_id = site.client.post(form.action, {**form.fields, "post_id": f"{facebook.platform_id}_6"})
        assert (other_id.status_code, "resolved or retried" in other_id.content.decode()) == (200, True)


def test_failed_post_offers_retry_revert_and_mark_as_published(
    make_failed, make_member, organization, facebook: Channel
) -> None:
    post = make_failed("FAILED", "190/463", "The token has expired.", channels=[facebook])
    site = AdminClient(make_member("both", organization, may_review=True)).review(post)
    assert [name for name in ("approve", "publish", "revert", "live", "delete", "absent") if site.offers(name)] == [
        "approve", "publish", "revert", "live", "delete",
    ]  # fmt: skip
    for words in ("no longer accepts the channel's access token", "reconnect the channel", "revert it to draft"):
        assert words in site.text
    site.press("revert")
    assert fresh(post).status == Status.DRAFT


def test_partly_published_post_cannot_be_reverted(make_failed, reviewer: User, facebook: Channel) -> None:
    post = make_failed("FAILED", "MISSED", "Too late.")
    post.deliveries.filter(channel=facebook).update(state="PUBLISHED", platform_post_id="1_2")
    site = AdminClient(reviewer).review(post)
    assert not site.offers("revert")
    assert "evert it to draft" not in site.text
    assert "the post stays published on the other channels" in site.text


@pytest.mark.parametrize(
    ("code", "reason", "first"),
    [
        ("MISSED", "could not be published in time", "Approve a retry"),
        ("CHANNEL_BLOCKED", "blocked the channel", "Resolve the block"),
        ("ONE_APPROVER", "requires two", "two reviewers"),
        ("NO_SECOND_FACTOR", "without two-factor", "Set up two-factor"),
        ("NOT_IN_AUDIT_LOG", "does not confirm", "verify_audit_log"),
        ("MEDIA_NOT_STORED", "is not stored", "Revert it"),
        ("368", "restricts the channel", "Resolve the block"),
        ("368/1390008", "restricts the channel", "Resolve the block"),
        ("4/2207051", "restricts the channel", "Resolve the block"),
        ("200/458", "lacks a permission", "Ask an administrator"),
        ("9/2207042", "daily posting limit", "for a later time"),
        ("506", "as a duplicate", "mark it as published"),
        ("12", "no longer takes what Dynamo sends", "GRAPH_VERSION"),
        ("12/1", "no longer takes what Dynamo sends", "GRAPH_VERSION"),
        ("36003/2207009", "rejected this post", "Revert it"),
        ("MediaChanged", "no longer the one that was approved", "Revert it"),
        ("MediaUnavailable", "does not know", "Approve a retry"),
        ("999999", "does not know", "Approve a retry"),
        ("", "does not know", "Approve a retry"),
    ],
)
def test_failure_help_gives_a_reason_and_a_first_step(code: str, reason: str, first: str) -> None:
    advice = failure_help(Delivery(state="FAILED", error_code=code), revertible=True)
    assert advice is not None
    assert reason in advice.reason
    assert first in advice.steps[0]
    assert 1 <= len(advice.steps) <= 3


def test_every_code_of_the_gate_has_advice_t5() -> None:
    codes = set(re.findall(r'GateClosed\(\s*"([A-Z_]+)"', Path(gate.__file__).read_text()))
    codes |= {f"CHANNEL_{state}" for state in gate.CHANNEL_CLOSED} | {gate.MISSED[0]}
    assert {"CHANGED", "NO_SECOND_FACTOR"} <= codes <= OUR_ERRORS.keys()


@pytest.mark.parametrize("row", error_codes.TABLE, ids=lambda row: f"{row.meaning}")
def test_advice_follows_the_class_of_the_error_t5(row: error_codes.Row) -> None:
    """Only a refusal of the content asks for a change; what passes by itself asks for a later time."""
    code = row.code if isinstance(row.code, int) else row.code[0]
    label = str(code) if row.subcode is None else f"{code}/{row.subcode}"
    advice = failure_help(Delivery(state="FAILED", error_code=label), revertible=True)
    assert advice is not None
    asks_for_change = issubclass(row.kind, (errors.InvalidRequest, errors.Duplicate))
    assert (CHANGE in advice.steps) == (asks_for_change and row.kind is not errors.RemovedFromVersion)
    passes = (errors.Transient, errors.Throttled, errors.Ambiguous, errors.NotReady, errors.RestageRequired)
    if issubclass(row.kind, passes) and label not in BLOCKS_WHEN_ABSENT:
        assert advice.steps[0] == LATER
    assert "does not know" not in advice.reason


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (channels.mark_needs_reconnect, "This channel needs reconnecting"),
        (channels.block, "This channel is blocked by the platform"),
    ],
)
def test_pending_posts_of_a_broken_channel_have_a_warning(
    make_scheduled, make_waiting, reviewer: User, facebook: Channel, verb, words: str
) -> None:
    scheduled, _waiting = make_scheduled(channels=[facebook]), make_waiting(channels=[facebook])
    site = AdminClient(reviewer)
    pages = ["/admin/", f"{POSTS}?status=WAITING_FOR_APPROVAL", f"{POSTS}{scheduled.pk}/review/"]
    assert [url for url in pages if words in site.open(url).text] == []
    verb(actors.WORKER, facebook, reason="Spam complaint.")
    assert [url for url in pages if words in site.open(url).text] == pages
    assert "Spam complaint." in site.open("/admin/").text
    reconnect(reviewer, facebook)
    assert [url for url in pages if words in site.open(url).text] == []


def test_approved_retry_leads_back_to_the_post_t8(make_failed, make_waiting, reviewer: User, facebook: Channel) -> None:
    failed, waiting = make_failed("FAILED", "MISSED", "Too late.", channels=[facebook]), make_waiting()
    site = AdminClient(reviewer).review(failed)
    assert site.press("approve").answer.url == f"{POSTS}{failed.pk}/review/"
    assert "will be published" in site.follow().text
    make_waiting()
    decided = site.review(waiting).press("approve").answer.url
    assert decided not in {f"{POSTS}{waiting.pk}/review/", f"{POSTS}{failed.pk}/review/"}  # the next in the queue


def test_finished_post_has_no_channel_warning(make_failed, reviewer: User, facebook: Channel) -> None:
    make_failed("FAILED", "MISSED", "Too late.", channels=[facebook])
    channels.block(actors.WORKER, facebook, reason="Spam.")
    assert "This channel is blocked" not in AdminClient(reviewer).open(POSTS).text


def test_dashboard_shows_the_health_of_publishing(
    make_failed, make_scheduled, reviewer: User, outsider: User, facebook: Channel
) -> None:
    from scheduling.domain import health

    make_failed("UNKNOWN", channels=[facebook])
    site = AdminClient(reviewer).open("/admin/")
    assert "Publishing may be interrupted." in site.text
    health.record_heartbeat("w1@here")
    site.open("/admin/")
    assert "Publishing may be interrupted" not in site.text
    assert "Publishing Publishing works Overdue posts 0 Being published 0 Outcome unknown 1" in site.text
    assert "Outcome unknown 0" in AdminClient(outsider).open("/admin/").text
    assert WorkerHeartbeat.objects.count() == 1


def test_administrator_resumes_a_blocked_channel(facebook: Channel, admin_member: User) -> None:
    channels.block(actors.WORKER, facebook, reason="Spam.")
    site = AdminClient(admin_member).open(f"/admin/posts/channel/{facebook.pk}/change/")
    assert "Spam." in site.text
    site.press("resume")
    facebook.refresh_from_db()
    assert (facebook.state, AuditEvent.objects.latest("id").actor_id) == ("CONNECTED", str(admin_member.pk))
