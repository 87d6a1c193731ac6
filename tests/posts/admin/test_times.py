"""Times typed into forms."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts import formatting


@pytest.mark.parametrize(
    "typed",
    ["9999-12-31T23:59", "9999-12-31T23:59+00:00", "0001-01-01T00:00Z", "0001-01-02T00:00", "3000-01-01T00:00Z"],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_from_input_year_outside_every_time_zone_is_refused(typed: str, zone: str) -> None:
    with pytest.raises(formatting.InvalidLocalTime):
        formatting.from_input(typed, ZoneInfo(zone))


def test_from_input_last_year_is_accepted() -> None:
    time = formatting.from_input("2999-12-31T23:59", ZoneInfo("UTC"))
    assert time is not None
    assert formatting.format_long(time, ZoneInfo("Pacific/Auckland")) == "Wednesday 1 January 3000, 12:59"


LISBON = ZoneInfo("Europe/Lisbon")
FIRST, SECOND = (datetime(2027, 10, 31, hour, 30, tzinfo=UTC) for hour in (0, 1))  # both are 01:30 in Lisbon


@pytest.mark.parametrize("shown", [FIRST, SECOND])
def test_edit_in_a_repeated_hour_keeps_the_fold_t11(shown: datetime) -> None:
    later = formatting.from_input("2027-10-31T01:45", LISBON, shown=shown)
    assert later == shown + timedelta(minutes=15)
    assert formatting.from_input("2027-10-31T03:00", LISBON, shown=shown) == datetime(2027, 10, 31, 3, tzinfo=UTC)
    assert formatting.from_input("2027-07-01T01:45", LISBON, shown=shown) == datetime(2027, 7, 1, 0, 45, tzinfo=UTC)
    with pytest.raises(formatting.InvalidLocalTime):  # skipped in spring
        formatting.from_input("2027-03-28T01:45", LISBON, shown=shown)


def test_time_in_a_repeated_hour_names_its_offset_t11() -> None:
    assert formatting.format_long(FIRST, LISBON) == "Sunday 31 October 2027, 01:30 (UTC+1)"
    assert formatting.format_short(SECOND, LISBON) == "Sun 31 Oct 2027, 01:30 (UTC+0)"
    assert formatting.format_long(SECOND + timedelta(hours=1), LISBON) == "Sunday 31 October 2027, 02:30"
    adelaide, lord_howe = ZoneInfo("Australia/Adelaide"), ZoneInfo("Australia/Lord_Howe")
    assert formatting.format_short(datetime(2027, 4, 3, 16, 45, tzinfo=UTC), adelaide).endswith("02:15 (UTC+9:30)")
    assert formatting.format_short(datetime(2027, 4, 3, 15, 15, tzinfo=UTC), lord_howe).endswith("01:45 (UTC+10:30)")
    assert formatting.format_short(datetime(2027, 11, 7, 6, 30, tzinfo=UTC), ZoneInfo("America/New_York")).endswith(
        "01:30 (UTC-5)"
    )
    assert "this is the one at (UTC+0)" in formatting.repeated_hour_hint(SECOND, LISBON)
    assert formatting.repeated_hour_hint(SECOND + timedelta(hours=1), LISBON) == ""


def test_times_have_no_seconds_and_an_unchanged_field_keeps_them_t12() -> None:
    time = datetime(2027, 6, 1, 9, 5, 27, 250_000, tzinfo=UTC)
    shown = [
        formatting.format_long(time, LISBON),
        formatting.format_short(time, LISBON),
        formatting.in_utc(time, LISBON),
    ]
    assert shown == ["Tuesday 1 June 2027, 10:05", "Tue 1 Jun 2027, 10:05", "09:05 UTC"]
    field = formatting.as_input(time, LISBON)
    assert field == "2027-06-01T10:05"
    assert formatting.from_input(field, LISBON, shown=time) == time
