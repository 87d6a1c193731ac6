"""Times typed into forms."""

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
