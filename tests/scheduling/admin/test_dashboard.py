"""Figures and charts of the dashboard: organizations, days, and the number of queries."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

from accounts import clock
from accounts.domain import publishing_pause
from accounts.domain.actors import user_actor
from accounts.models import Membership, Role, User
from posts.graph import versions
from posts.models import Channel, PublishedPost
from scheduling.admin.dashboard import dashboard_stats
from scheduling.domain import channel_checks
from scheduling.models import Delivery
from tests.helpers import AdminClient

NOON = datetime(2027, 6, 16, 12, tzinfo=UTC)  # a Wednesday
UTC_ZONE, LISBON = ZoneInfo("UTC"), ZoneInfo("Europe/Lisbon")


def make_published(channel: Channel, number: int, at: datetime, **columns: Any) -> PublishedPost:
    return PublishedPost.objects.create(
        organization=channel.organization, channel=channel, platform_id=str(number), published_at=at, **columns
    )


def rows(chart: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in chart.rows}


def tiles(site: AdminClient) -> dict[str, str]:
    return {tile.title: tile.number for tile in site.open("/admin/").answer.context["dashboard"]["stats"].tiles}


def test_tiles_count_posts_of_own_organizations(
    make_waiting, make_scheduled, make_draft, reviewer: User, outsider: User, facebook: Channel
) -> None:
    with time_machine.travel(NOON, tick=False):
        make_draft()
        make_waiting(), make_waiting(scheduled_for=NOON + timedelta(days=9))
        make_scheduled()
        failed = make_scheduled(scheduled_for=NOON + timedelta(days=2))
        failed.apply_transition("fail", task_id=None, failure_reason="It did not go out.")
        for days_ago in (2, 3):
            make_published(facebook, days_ago, NOON - timedelta(days=days_ago))
        assert tiles(AdminClient(reviewer)) == {
            "To approve": "2",
            "Due today": "1",
            "Published this week": "1",
            "Failed": "1",
        }
        assert set(tiles(AdminClient(outsider)).values()) == {"0"}


def test_days_follow_the_time_zone(make_scheduled, facebook: Channel) -> None:
    late = NOON.replace(hour=23, minute=30)  # after midnight in Lisbon
    with time_machine.travel(NOON, tick=False):
        make_scheduled(scheduled_for=late)
        make_published(facebook, 1, late - timedelta(days=1), likes=5)
        here, there = (dashboard_stats([facebook.organization_id], [], zone) for zone in (UTC_ZONE, LISBON))
    assert list(rows(here.volume)) == ["Tue 15 Jun", "Wed 16 Jun"]
    assert list(rows(there.volume)) == ["Wed 16 Jun", "Thu 17 Jun"]
    assert (list(rows(here.engagement)), list(rows(there.engagement))) == (["Tue 15 Jun"], ["Wed 16 Jun"])
    assert here.volume.data["x"][14] == datetime(2027, 6, 16, 12, tzinfo=UTC).timestamp() == here.volume.data["today"]


def test_engagement_excludes_deleted_and_foreign_posts(
    facebook: Channel, instagram: Channel, other_facebook: Channel
) -> None:
    with time_machine.travel(NOON, tick=False):
        make_published(facebook, 1, NOON - timedelta(days=3), likes=5, comments=2, shares=1)
        make_published(instagram, 2, NOON - timedelta(days=3, hours=1), likes=7)
        make_published(instagram, 3, NOON - timedelta(days=1), likes=1, deleted_at=NOON)
        make_published(facebook, 4, NOON - timedelta(days=40), likes=900)
        make_published(other_facebook, 5, NOON - timedelta(days=1), likes=800)
        chart = dashboard_stats([facebook.organization_id], [], UTC_ZONE).engagement
        both = dashboard_stats([facebook.organization_id, other_facebook.organization_id], [], UTC_ZONE).engagement
    assert rows(chart) == {"Sun 13 Jun": ["2", "12", "2", "1"]}
    assert "2 published in the last four weeks: 12 likes, 2 comments, 1 shares." in chart.summary
    assert chart.data["series"][0]["values"].count(None) == 27
    assert list(rows(both)) == ["Sun 13 Jun", "Tue 15 Jun"]


def test_published_means_the_same_in_every_figure_t4(
    make_scheduled, facebook: Channel, instagram: Channel, reviewer: User
) -> None:
    """A post on two channels counts once, an imported one as well, on the day it was published."""
    with time_machine.travel(NOON, tick=False):
        post = make_scheduled(scheduled_for=NOON + timedelta(hours=1))
        for number, channel in enumerate([facebook, instagram]):
            make_published(channel, number, NOON - timedelta(days=1), scheduled_post_id=post.pk)
        make_published(facebook, 3, NOON - timedelta(days=2))
        make_published(facebook, 4, NOON - timedelta(days=10))
        make_published(facebook, 5, NOON - timedelta(days=20))
        make_published(facebook, 6, NOON - timedelta(days=2), deleted_at=NOON)
        stats = dashboard_stats([facebook.organization_id], [], UTC_ZONE)
        tile = next(tile for tile in stats.tiles if tile.title == "Published this week")
        linked = AdminClient(reviewer).open(tile.url).answer.context["cl"].result_count
    assert (tile.number, tile.text) == ("2", "0 in the week before")
    assert "3 published in the last two weeks, 1 of them from here." in stats.volume.summary
    assert "4 published in the last four weeks" in stats.engagement.summary
    assert [rows(stats.volume)[day][0] for day in ("Sun 6 Jun", "Mon 14 Jun", "Tue 15 Jun")] == ["1", "1", "1"]
    assert linked == 5  # the list has a row for each channel


def test_latency_is_measured_from_the_scheduled_time(make_scheduled, facebook: Channel) -> None:
    with time_machine.travel(NOON, tick=False):
        for seconds in (0.5, 2.5, -1.0):
            post = make_scheduled(channels=[facebook], scheduled_for=NOON + timedelta(minutes=1))
            post.apply_transition("claim"), post.apply_transition("succeed", task_id=None)
            at = post.scheduled_for + timedelta(seconds=seconds)
            Delivery.objects.filter(post=post).update(state="PUBLISHED", published_at=at)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        chart, in_tokyo = (
            dashboard_stats([facebook.organization_id], [facebook.organization_id], zone).latency
            for zone in (UTC_ZONE, ZoneInfo("Asia/Tokyo"))
        )
    assert chart is not None
    assert in_tokyo is not None
    assert {row[0] for row in in_tokyo.rows} == {"Wed 16 Jun, 21:01"}
    assert sorted(row[-1] for row in chart.rows) == ["0.0", "0.5", "2.5"]
    assert "half were published within 0.5 s of the scheduled time, all within 2.5 s" in chart.summary


def test_publishing_delay_is_shown_to_administrators_only(
    make_scheduled: Any, facebook: Channel, admin_member: User, reviewer: User, outsider: User
) -> None:
    with time_machine.travel(NOON, tick=False):
        post = make_scheduled(channels=[facebook], scheduled_for=NOON + timedelta(minutes=1))
        post.apply_transition("claim"), post.apply_transition("succeed", task_id=None)
        Delivery.objects.filter(post=post).update(state="PUBLISHED", published_at=post.scheduled_for)
    # Administers another organization, and is an editor of the post's.
    Membership.objects.filter(user=outsider).update(role=Role.ADMIN)
    Membership.objects.create(user=outsider, organization=facebook.organization, role=Role.EDITOR)
    delays = {}
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        for user in (admin_member, reviewer, outsider):
            site = AdminClient(user).open("/admin/")
            chart = site.answer.context["dashboard"]["stats"].latency
            delays[user.username] = chart and len(chart.rows)
            assert ("Publishing delay" in site.text) is (chart is not None)
    assert delays == {"administrator": 1, "reviewer": None, "outsider": 0}


def test_version_of_the_graph_api_is_shown_to_administrators_only(
    admin_member: User, reviewer: User, sandbox: Any, settings: Any, facebook: Channel
) -> None:
    versions._stored.clear()
    settings.GRAPH_VERSION = "v19.0"
    channel_checks.check_channel(facebook.pk)
    site = AdminClient(admin_member).open("/admin/")
    assert "Graph API v19.0 answered v" in site.text
    assert "Version v19.0 of the Graph API expired on 24 September 2026" in site.text
    assert "Graph API" not in AdminClient(reviewer).open("/admin/").text
    settings.GRAPH_VERSION = "v27.0"
    assert "Graph API v27.0 not called yet" in site.open("/admin/").text
    channel_checks.check_channel(facebook.pk)
    answered = site.open("/admin/").text
    assert "Graph API v27.0 answered" in answered
    assert "Graph API v27.0 answered v" not in answered


def test_pause_of_an_organization_is_shown_to_its_members(admin_member: User, reviewer: User) -> None:
    organization = Membership.objects.get(user=admin_member).organization
    publishing_pause.set_pause(user_actor(admin_member), organization, "A recall")
    sentence = f"Publishing is paused for {organization}: A recall"
    assert sentence in AdminClient(reviewer).open("/admin/").text
    publishing_pause.set_pause(user_actor(admin_member), organization, None)
    assert sentence not in AdminClient(reviewer).open("/admin/").text


def test_dashboard_has_constant_queries_and_chart_summaries(
    make_scheduled, admin_member: User, facebook: Channel, django_assert_max_num_queries
) -> None:
    make_scheduled()
    make_published(facebook, 1, clock.now() - timedelta(days=2), caption="</script><b>x", likes=3)
    site = AdminClient(admin_member).open("/admin/")
    with django_assert_max_num_queries(40) as one:
        site.open("/admin/")
    for number in range(2, 6):
        make_scheduled()
        make_published(facebook, number, clock.now() - timedelta(days=number), likes=3)
    with django_assert_max_num_queries(len(one)):
        site.open("/admin/")
    html = site.answer.content.decode()
    drawn = [
        json.loads(data) for data in re.findall(r'<script id="\w+-data" type="application/json">(.*?)</script>', html)
    ]
    assert [len(chart["series"]) for chart in drawn] == [4, 3, 1]
    assert sum(value or 0 for value in drawn[1]["series"][0]["values"]) == 15
    assert html.count("<figcaption>") == 3
