"""ISO 8601 in the API."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.datetimes import format_datetime, parse_datetime


def test_format_datetime_is_utc_with_milliseconds() -> None:
    lisbon = timezone(timedelta(hours=1))
    assert format_datetime(datetime(2026, 7, 1, 14, 0, 0, 999_999, tzinfo=lisbon)) == "2026-07-01T13:00:00.999Z"
    assert format_datetime(datetime(2026, 7, 1, 13, tzinfo=UTC)) == "2026-07-01T13:00:00.000Z"
    assert format_datetime(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T13:00:00.000Z", "2026-07-01T13:00Z", "2026-07-01 13:00:00z", "2026-07-01T15:30:00+02:30",
        "2026-07-01T15:30:00+0230", "2026-07-01T12:00:00,000-01", "2026-07-01T13:00:00.000000000Z",
    ],
)  # fmt: skip
def test_parse_datetime_accepts_z_or_offset(text: str) -> None:
    assert parse_datetime(text) == datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert parse_datetime(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T13:00:00", "2026-07-01", "2026-02-30T13:00:00Z", "2026-07-01T25:00:00Z",
        "2026-07-01T13:00:00+24:00", "2026-07-01x13:00:00Z", "٢٠٢٦-07-01T13:00:00Z", "2026-07-01T13:00:00Z\n",
        "1782910800000", "tomorrow", "", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "3000-01-01T00:00:00Z",
        "12026-07-01T13:00:00Z",
    ],
)  # fmt: skip
def test_parse_datetime_refuses_other_text(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_datetime(text)
