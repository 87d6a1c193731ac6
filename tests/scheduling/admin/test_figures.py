"""The front page's numbers and charts: whose they are, on which day they fall, and what they cost."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

from accounts import clock
from accounts.models import User
from posts.models import Channel, PublishedPost
from scheduling.admin.dashboard import dashboard_stats
from scheduling.models import Delivery
from tests.admin_client import Desk

NOON = datetime(2027, 6, 16, 12, tzinfo=UTC)  # a Wednesday
UTC_ZONE, LISBON = ZoneInfo("UTC"), ZoneInfo("Europe/Lisbon")


def live(channel: Channel, number: int, at: datetime, **columns: Any) -> PublishedPost:
    return PublishedPost.objects.create(
        organization=channel.organization, channel=channel, platform_id=str(number), published_at=at, **columns
    )


def rows(chart: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in chart.rows}


def tiles(desk: Desk) -> dict[str, str]:
    return {tile.title: tile.number for tile in desk.open("/admin/").answer.context["desk"]["figures"].tiles}


def test_the_tiles_count_what_a_person_acts_on_in_their_own_organizations(
    make_waiting: Any, make_scheduled: Any, make_draft: Any, reviewer: User, outsider: User
) -> None:
    with time_machine.travel(NOON, tick=False):
        make_draft()
        make_waiting(), make_waiting(scheduled_for=NOON + timedelta(days=9))
        make_scheduled()
        lost = make_scheduled(scheduled_for=NOON + timedelta(days=2))
        lost.apply_transition("fail", task_id=None, failure_reason="It did not go out.")
        for monday_or_before in (timedelta(days=2), timedelta(days=3)):
            out = make_scheduled(scheduled_for=NOON + timedelta(hours=1))
            out.scheduled_for = NOON - monday_or_before
            out.save(update_fields=["scheduled_for"])
            out.apply_transition("claim"), out.apply_transition("succeed", task_id=None)
        assert tiles(Desk(reviewer)) == {
            "To approve": "2",
            "Due today": "1",
            "Published this week": "1",
            "Did not go out": "1",
        }
        assert set(tiles(Desk(outsider)).values()) == {"0"}


def test_days_are_those_of_the_readers_clock(make_scheduled: Any, facebook: Channel) -> None:
    late = NOON.replace(hour=23, minute=30)  # after midnight in Lisbon
    with time_machine.travel(NOON, tick=False):
        make_scheduled(scheduled_for=late)
        live(facebook, 1, late - timedelta(days=1), likes=5)
        here, there = (dashboard_stats([facebook.organization_id], zone) for zone in (UTC_ZONE, LISBON))
    assert (list(rows(here.flow)), list(rows(there.flow))) == (["Wed 16 Jun"], ["Thu 17 Jun"])
    assert (list(rows(here.reactions)), list(rows(there.reactions))) == (["Tue 15 Jun"], ["Wed 16 Jun"])
    assert here.flow.data["x"][14] == datetime(2027, 6, 16, 12, tzinfo=UTC).timestamp() == here.flow.data["today"]


def test_reactions_are_summed_by_day_without_what_is_gone_and_what_is_anothers(
    facebook: Channel, instagram: Channel, other_facebook: Channel
) -> None:
    with time_machine.travel(NOON, tick=False):
        live(facebook, 1, NOON - timedelta(days=3), likes=5, comments=2, shares=1)
        live(instagram, 2, NOON - timedelta(days=3, hours=1), likes=7)
        live(instagram, 3, NOON - timedelta(days=1), likes=1, deleted_at=NOON)
        live(facebook, 4, NOON - timedelta(days=40), likes=900)
        live(other_facebook, 5, NOON - timedelta(days=1), likes=800)
        chart = dashboard_stats([facebook.organization_id], UTC_ZONE).reactions
        both = dashboard_stats([facebook.organization_id, other_facebook.organization_id], UTC_ZONE).reactions
    assert rows(chart) == {"Sun 13 Jun": ["2", "12", "2", "1"]}
    assert "2 posts went live in four weeks, and got 12 likes, 2 comments and 1 shares so far." in chart.words
    assert chart.data["series"][0]["values"].count(None) == 27
    assert list(rows(both)) == ["Sun 13 Jun", "Tue 15 Jun"]


def test_punctuality_is_the_time_from_the_instant_to_the_live_post(make_scheduled: Any, facebook: Channel) -> None:
    with time_machine.travel(NOON, tick=False):
        for seconds in (0.5, 2.5, -1.0):
            post = make_scheduled(channels=[facebook], scheduled_for=NOON + timedelta(minutes=1))
            post.apply_transition("claim"), post.apply_transition("succeed", task_id=None)
            at = post.scheduled_for + timedelta(seconds=seconds)
            Delivery.objects.filter(post=post).update(state="PUBLISHED", published_at=at)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        chart = dashboard_stats([facebook.organization_id], UTC_ZONE).punctuality
    assert sorted(row[-1] for row in chart.rows) == ["0.0", "0.5", "2.5"]
    assert "half were live within 0.5 s of their instant, all within 2.5 s" in chart.words


def test_the_front_page_costs_the_same_however_much_there_is_and_says_it_in_words_too(
    make_scheduled: Any, reviewer: User, facebook: Channel, django_assert_max_num_queries: Any
) -> None:
    make_scheduled()
    live(facebook, 1, clock.now() - timedelta(days=2), caption="</script><b>x", likes=3)
    desk = Desk(reviewer).open("/admin/")
    with django_assert_max_num_queries(40) as one:
        desk.open("/admin/")
    for number in range(2, 6):
        make_scheduled()
        live(facebook, number, clock.now() - timedelta(days=number), likes=3)
    with django_assert_max_num_queries(len(one)):
        desk.open("/admin/")
    html = desk.answer.content.decode()
    drawn = [
        json.loads(found) for found in re.findall(r'<script id="\w+-data" type="application/json">(.*?)</script>', html)
    ]
    assert [len(item["series"]) for item in drawn] == [4, 3, 1]
    assert sum(value or 0 for value in drawn[1]["series"][0]["values"]) == 15
    assert html.count("<figcaption>") == 3
