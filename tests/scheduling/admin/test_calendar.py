"""The calendar: days in the user's time zone, visible posts, and the number of queries."""

import uuid
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts import clock
from accounts.models import Membership, User
from posts.models import Channel, PublishedPost
from scheduling.admin import calendar_dates
from scheduling.models import ScheduledPost
from tests.helpers import POSTS, AdminClient

CALENDAR = f"{POSTS}calendar/"
LISBON, HAVANA = ZoneInfo("Europe/Lisbon"), ZoneInfo("America/Havana")


def open_calendar(site: AdminClient, query: str) -> dict[str, list[str]]:
    """Open the calendar; return the ids of the posts of each day that has any."""
    days = site.open(f"{CALENDAR}?{query}").answer.context["days"]
    return {day.date.isoformat(): [str(entry.post.pk) for entry in day.entries] for day in days if day.entries}


def user_in_zone(user: User, zone: str) -> AdminClient:
    User.objects.filter(pk=user.pk).update(time_zone=zone)
    return AdminClient(user)


def test_a_month_is_whole_weeks_from_monday_to_sunday() -> None:
    august = calendar_dates.date_range("month", "2027-08-15", LISBON)
    assert (august.days[0], august.days[-1], len(august.days)) == (date(2027, 7, 26), date(2027, 9, 5), 42)
    assert (august.before, august.after, august.title) == (date(2027, 7, 31), date(2027, 9, 1), "August 2027")
    week = calendar_dates.date_range("week", "2027-01-01", LISBON)
    assert (week.days[0], week.title) == (date(2026, 12, 28), "28 December 2026 to 3 January 2027")
    assert (week.before, week.after) == (date(2026, 12, 25), date(2027, 1, 8))
    assert calendar_dates.date_range("year", "no day", LISBON).days[0].weekday() == 0


def test_days_on_which_the_clocks_change_have_23_and_25_hours() -> None:
    starts = [calendar_dates.day_start(date(2027, 3, 27) + timedelta(days=number), LISBON) for number in range(4)]
    assert [end - start for start, end in pairwise(starts)] == [timedelta(hours=hours) for hours in (24, 23, 24)]
    autumn = [calendar_dates.day_start(date(2027, 10, 31) + timedelta(days=number), LISBON) for number in range(2)]
    assert autumn[1] - autumn[0] == timedelta(hours=25)
    assert not calendar_dates.exists(date(2027, 3, 28), 1, LISBON)
    # In Havana the clocks skip midnight itself: the day begins at one.
    assert calendar_dates.day_start(date(2027, 3, 14), HAVANA) == datetime(2027, 3, 14, 5, tzinfo=UTC)
    assert calendar_dates.day_start(date(2027, 3, 15), HAVANA) == datetime(2027, 3, 15, 4, tzinfo=UTC)


def test_a_post_dragged_over_a_clock_change_keeps_its_time_of_day() -> None:
    winter = datetime(2027, 3, 26, 9, 30, tzinfo=UTC)
    assert calendar_dates.move_to_day(winter, "2027-03-29", LISBON) == "2027-03-29T09:30"
    assert calendar_dates.move_to_day(winter, "2027-03-29T17", LISBON) == "2027-03-29T17:30"
    assert (
        calendar_dates.move_to_day(winter, "2027-03-29T25", LISBON)
        == calendar_dates.move_to_day(winter, "tomorrow", LISBON)
        == ""
    )


def test_a_post_stands_on_the_day_that_its_reader_has(make_draft, author: User) -> None:
    # Half past midnight in Lisbon's summer is the evening before in UTC, and in New York.
    post = make_draft(scheduled_for=datetime(2027, 6, 30, 23, 30, tzinfo=UTC))
    last = make_draft(scheduled_for=datetime(2027, 6, 30, 22, 59, 59, tzinfo=UTC))
    june = "view=month&on=2027-06-10"
    assert open_calendar(user_in_zone(author, "Europe/Lisbon"), june) == {
        "2027-06-30": [str(last.pk)],
        "2027-07-01": [str(post.pk)],
    }
    assert open_calendar(user_in_zone(author, "America/New_York"), june) == {"2027-06-30": [str(last.pk), str(post.pk)]}


def test_both_hours_of_an_autumn_night_stand_in_order(make_draft, author: User) -> None:
    second = make_draft(scheduled_for=datetime(2027, 10, 31, 1, 10, tzinfo=UTC))  # 01:10, after the clocks went back
    first = make_draft(scheduled_for=datetime(2027, 10, 31, 0, 40, tzinfo=UTC))  # 01:40, before
    site = user_in_zone(author, "Europe/Lisbon")
    assert open_calendar(site, "view=week&on=2027-10-31") == {"2027-10-31": [str(first.pk), str(second.pk)]}
    hours = site.answer.context["days"][6].hours
    assert [len(entries) for _, _, entries in hours] == [0, 2, *[0] * 22]


def test_people_see_their_own_organizations_posts(make_draft, reviewer: User, outsider: User, organization) -> None:
    post = make_draft(scheduled_for=datetime(2027, 6, 1, 12, tzinfo=UTC))
    june = "on=2027-06-10"
    assert open_calendar(AdminClient(reviewer), june) == {"2027-06-01": [str(post.pk)]}
    for query in (june, f"{june}&organization={organization.pk}", f"{june}&view=day&after={post.pk}"):
        site = AdminClient(outsider)
        assert open_calendar(site, query) == {}
        assert "Casa do Sol" not in site.text
    Membership.objects.create(user=outsider, organization=organization)
    assert (
        open_calendar(AdminClient(outsider), june)
        == open_calendar(AdminClient(outsider), f"{june}&organization={organization.pk}")
        != {}
    )


def test_a_channel_narrows_it_down(make_draft, author: User, facebook: Channel, instagram: Channel) -> None:
    noon = datetime(2027, 6, 1, 12, tzinfo=UTC)
    both, alone = make_draft(scheduled_for=noon), make_draft(scheduled_for=noon, channels=[facebook])
    site = AdminClient(author)
    assert open_calendar(site, f"on=2027-06-10&channel={instagram.pk}") == {"2027-06-01": [str(both.pk)]}
    assert set(open_calendar(site, f"on=2027-06-10&channel={facebook.pk}")["2027-06-01"]) == {
        str(both.pk),
        str(alone.pk),
    }
    tints = {channel: tint for entry in site.answer.context["days"][0].entries for channel, tint, _ in entry.channels}
    assert len(set(tints.values())) == len(tints)


def test_a_crowded_day_shows_a_few_and_leads_to_all(make_draft, make_waiting, author: User) -> None:
    noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=400)
    posts = [make_draft(scheduled_for=noon + timedelta(minutes=number)) for number in range(6)]
    late = make_waiting()
    ScheduledPost.objects.filter(pk=late.pk).update(scheduled_for=noon + timedelta(hours=5))
    site, day = AdminClient(author), noon.date().isoformat()
    # A post with a problem is shown although it is the last of the day.
    assert open_calendar(site, f"on={day}") == {day: [str(post.pk) for post in (*posts[:2], late)]}
    assert "and 4 more" in site.text
    assert "Not approved in time" in site.text
    more = next(link for link in site.page.links if "view=day" in link and f"on={day}" in link)
    assert open_calendar(site, more.lstrip("?"))[day] == [str(post.pk) for post in (*posts, late)]


def test_posts_with_a_problem_are_listed_with_the_readers_day(make_waiting, author: User) -> None:
    post = make_waiting()
    # Half past midnight on 1 July in Lisbon.
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=datetime(2025, 6, 30, 23, 30, tzinfo=UTC))
    site = user_in_zone(author, "Europe/Lisbon").open(f"{CALENDAR}?on=2025-07-01")
    assert "not approved in time, Tue 1 Jul, 00:30" in site.text


def test_a_very_long_day_goes_on_where_it_broke_off(make_draft, author: User, monkeypatch) -> None:
    from scheduling.admin import calendar

    monkeypatch.setattr(calendar, "MAX_COUNT", 4)
    monkeypatch.setitem(calendar.MAX_ENTRIES, "day", 3)
    noon = datetime(2027, 6, 1, 12, tzinfo=UTC)
    posts = sorted((make_draft(scheduled_for=noon) for _ in range(5)), key=lambda post: post.pk)
    site = AdminClient(author)
    assert open_calendar(site, "view=day&on=2027-06-01") == {"2027-06-01": [str(post.pk) for post in posts[:3]]}
    assert "and 1 or more" in site.text
    onward = next(link for link in site.page.links if f"after={posts[2].pk}" in link)
    assert open_calendar(site, onward.lstrip("?")) == {"2027-06-01": [str(post.pk) for post in posts[3:]]}


def test_empty_days_to_come_offer_a_new_post_on_them(make_draft, author: User, viewer: User) -> None:
    soon = clock.now().date() + timedelta(days=1)
    wanted = f"{POSTS}add/?scheduled_for={soon.isoformat()}T09:00"
    site = AdminClient(author).open(f"{CALENDAR}?on={soon.isoformat()}")
    assert wanted in site.page.links
    assert not any(f"={(soon - timedelta(days=3)).isoformat()}T" in link for link in site.page.links)
    assert site.open(wanted).form().fields["scheduled_for"] == f"{soon.isoformat()}T09:00"
    assert not any("/add/" in link for link in AdminClient(viewer).open(CALENDAR).page.links)


def test_everything_that_is_published_is_shown_once_and_ours_marked_t4(
    make_draft, author: User, facebook: Channel, instagram: Channel, other_facebook: Channel
) -> None:
    noon = datetime(2027, 6, 1, 12, tzinfo=UTC)
    ours = make_draft(scheduled_for=noon)

    def publish(channel: Channel, number: int, **columns: Any) -> PublishedPost:
        own = {"organization": channel.organization, "channel": channel, "platform_id": str(number)}
        return PublishedPost.objects.create(**own, **{"published_at": noon + timedelta(minutes=number), **columns})

    for number, channel in enumerate([facebook, instagram]):
        publish(channel, number, scheduled_post_id=ours.pk)  # shown as the scheduled post
    imported = publish(facebook, 2, caption="Sunset at the beach\nSecond line")
    orphan = publish(instagram, 3, scheduled_post_id=uuid.uuid4())  # its scheduled post was deleted
    publish(facebook, 4, deleted_at=noon)
    publish(other_facebook, 5)
    site = AdminClient(author)
    june = "view=week&on=2027-06-01"
    assert open_calendar(site, june) == {"2027-06-01": [str(ours.pk), str(imported.pk), str(orphan.pk)]}
    assert site.text.count("Published elsewhere: ") == 1
    assert f"/admin/posts/publishedpost/{imported.pk}/" in site.page.links
    assert "Sunset at the beach" in site.text
    assert open_calendar(site, f"{june}&channel={instagram.pk}") == {"2027-06-01": [str(ours.pk), str(orphan.pk)]}


@pytest.mark.parametrize(("zone", "days"), [("UTC", [1, 2, 3]), ("Europe/Lisbon", [2, 3])])
def test_post_that_was_published_on_another_day_is_shown_on_both_t4(
    zone: str, days: list[int], make_draft, author: User, facebook: Channel, instagram: Channel
) -> None:
    """The retry of a channel moved the scheduled time to another day, and was published after midnight."""
    ours = make_draft(scheduled_for=datetime(2027, 6, 2, 22, 30, tzinfo=UTC))
    first, retried = (
        PublishedPost.objects.create(
            organization=ours.organization,
            channel=channel,
            platform_id="1",
            scheduled_post_id=ours.pk,
            published_at=published_at,
        )
        for channel, published_at in [
            (facebook, datetime(2027, 6, 1, 23, 30, tzinfo=UTC)),  # in Lisbon on the day of the scheduled time
            (instagram, datetime(2027, 6, 3, 0, 5, tzinfo=UTC)),
        ]
    )
    site = user_in_zone(author, zone)
    shown = {1: first, 2: ours, 3: retried}
    expected = {f"2027-06-0{day}": [str(shown[day].pk)] for day in days}
    assert open_calendar(site, "view=week&on=2027-06-02") == expected
    assert "Published elsewhere: " not in site.text


@pytest.mark.parametrize("view", ["month", "week", "day"])
def test_it_costs_the_same_for_one_post_and_for_many(
    view: str, make_draft, author: User, django_assert_max_num_queries
) -> None:
    noon = datetime(2027, 6, 1, 12, tzinfo=UTC)
    make_draft(scheduled_for=noon)
    site, query = AdminClient(author), f"view={view}&on=2027-06-01"
    open_calendar(site, query)
    with django_assert_max_num_queries(13) as one:
        open_calendar(site, query)
    for days in range(4):
        make_draft(scheduled_for=noon + timedelta(days=days))
        make_draft(scheduled_for=noon)
    with django_assert_max_num_queries(len(one)):
        assert open_calendar(site, query)
