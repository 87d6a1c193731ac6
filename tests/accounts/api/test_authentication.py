"""Authentication: order of the checks, messages, and no disclosure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import http_date

from accounts import clock, encryption
from accounts.domain.request_signatures import sign
from accounts.models import ApiKey, Organization
from tests.helpers import stamp

pytestmark = pytest.mark.embedded

PATH = "/v1/organizations"
NOW = datetime(2026, 7, 1, 13, tzinfo=UTC)


def ask(key: Any, date: str | None = None, **headers: str | None) -> tuple[int, Any]:
    """Ask with good headers, of which any can be replaced, or with None left out."""
    date = stamp(clock.now()) if date is None else date
    good = {"x-api-key": key.pk, "x-date": date, "x-signature": sign(key.secret, date)}
    given = {**good, **{name.replace("_", "-"): value for name, value in headers.items()}}
    response = Client().get(PATH, headers={name: value for name, value in given.items() if value is not None})
    return response.status_code, response.json()


CODES = {
    "Missing authentication headers": "signature.missing",
    "Invalid date": "signature.date",
    "Invalid signature": "signature.invalid",
    "The organization is inactive": "organization.inactive",
}


def refused(message: str, status: int = 403) -> tuple[int, Any]:
    return status, {"message": message, "code": CODES[message]}


def accepted(organization: Organization) -> tuple[int, Any]:
    return 200, [{"id": str(organization.pk), "name": organization.name, "role": "ADMIN"}]


def test_valid_signature_is_accepted_without_session_and_cookie(key: Any, api: Any, organization: Organization) -> None:
    api.client.force_login(key.issued_by)
    with CaptureQueriesContext(connection) as queries:
        response = api.get("/organizations")
    assert (response.status_code, response.json()) == accepted(organization)
    assert not [query for query in queries if "django_session" in query["sql"]]
    assert response.cookies == {}
    assert {"Vary", "WWW-Authenticate"} & set(response.headers) == set()


@pytest.mark.parametrize("name", ["x_api_key", "x_date", "x_signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_header_gets_403(name: str, value: str | None, key: Any) -> None:
    assert ask(key, **{name: value}) == refused("Missing authentication headers")


@pytest.mark.parametrize(
    "date",
    [
        "yesterday", "2026-07-01T13:00:00", "2026-07-01", "1782910800", "Wed, 01 Jul 2026 13:00:00",
        "Wed, 01 Jul 2026 13:00:00 +0000", "Wed, 31 Feb 2026 13:00:00 GMT", "9999-12-31T23:59:59-12:00",
        "Wed, 01 Jul 2026 ١٣:00:00 GMT", "\x00", "x" * 5000,
    ],
)  # fmt: skip
def test_invalid_date_gets_403(date: str, key: Any) -> None:
    assert ask(key, date.encode().decode("latin-1")) == refused("Invalid date")


def test_iso_and_http_dates_are_accepted(key: Any, organization: Organization) -> None:
    with time_machine.travel(NOW, tick=False):
        for date in (
            "2026-07-01T13:00:00.000Z",
            "2026-07-01T14:00:00+01:00",
            http_date(NOW.timestamp()),
            "Wednesday, 01-Jul-26 13:00:00 GMT",
            "Wed Jul  1 13:00:00 2026",
        ):
            assert ask(key, date) == accepted(organization), date


@pytest.mark.parametrize(
    ("skew", "good"),
    [(60.001, False), (60, True), (20, True), (0, True), (-60, True), (-60.001, False), (-3600 * 24 * 365, False)],
)
def test_date_may_differ_by_60_s_in_either_direction_i8(
    skew: float, good: bool, key: Any, organization: Organization
) -> None:
    with time_machine.travel(NOW, tick=False):
        answer = ask(key, stamp(NOW + timedelta(seconds=skew)))
    details = {"serverTime": "2026-07-01T13:00:00.000Z", "skewSeconds": skew}
    expired = 403, {"message": "Signature expired", "code": "signature.expired", "details": details}
    assert answer == (accepted(organization) if good else expired)


@pytest.mark.parametrize("signature", ["0" * 64, "é" * 64, "x", "A" * 9000])
def test_wrong_signature_gets_403(signature: str, key: Any) -> None:
    assert ask(key, x_signature=signature.encode().decode("latin-1")) == refused("Invalid signature")


def test_signature_is_lowercase_and_covers_the_exact_date(key: Any) -> None:
    date = stamp(clock.now())
    for signature in (sign(key.secret, date).upper(), sign(key.secret, date.replace("Z", "+00:00"))):
        assert ask(key, date, x_signature=signature) == refused("Invalid signature")


@pytest.mark.parametrize("key_id", ["dk_unknown", "dk_é", "\x00", "x" * 5000, "' OR 1=1 --"])
def test_unknown_key_is_an_invalid_signature(key_id: str, key: Any) -> None:
    assert ask(key, x_api_key=key_id.encode().decode("latin-1")) == refused("Invalid signature")


def test_revoked_and_expired_keys_are_invalid_signatures(key: Any) -> None:
    ApiKey.objects.update(expires_at=clock.now())
    assert ask(key) == refused("Invalid signature")
    ApiKey.objects.update(expires_at=None, revoked_at=clock.now())
    assert ask(key) == refused("Invalid signature")


def test_known_and_unknown_keys_take_the_same_queries(key: Any, django_assert_num_queries: Any) -> None:
    for headers in ({"x_api_key": "dk_unknown"}, {"x_api_key": "\x00"}, {"x_signature": "0" * 64}):
        with django_assert_num_queries(1):
            ask(key, **headers)


def test_previous_secret_is_valid_until_the_overlap_ends(key: Any, organization: Organization) -> None:
    until = clock.now() + timedelta(hours=1)
    ApiKey.objects.update(
        secret_encrypted=encryption.encrypt("new"),
        previous_encrypted=encryption.encrypt(key.secret),
        previous_until=until,
    )
    assert ask(key) == accepted(organization)
    date = stamp(clock.now())
    assert ask(key, date, x_signature=sign("new", date)) == accepted(organization)
    with time_machine.travel(until, tick=False):
        assert ask(key) == refused("Invalid signature")


def test_inactive_organization_gets_402(key: Any, organization: Organization) -> None:
    organization.active = False
    organization.save(update_fields=["active"])
    assert ask(key) == refused("The organization is inactive", 402)
    assert ask(key, x_signature="0" * 64) == refused("Invalid signature")


def test_checks_run_in_order(key: Any) -> None:
    ApiKey.objects.update(revoked_at=clock.now())
    old = stamp(clock.now() - timedelta(hours=1))
    assert ask(key, "nonsense", x_signature=None) == refused("Missing authentication headers")
    assert ask(key, "nonsense", x_signature="x") == refused("Invalid date")
    assert ask(key, old, x_signature="x")[1]["code"] == "signature.expired"


def test_signature_can_be_used_twice(key: Any, organization: Organization) -> None:
    date = stamp(clock.now())
    assert [ask(key, date), ask(key, date)] == [accepted(organization)] * 2


def test_last_used_at_is_written_at_most_once_a_minute(key: Any) -> None:
    for seconds, recorded in ((0, 0), (59, 0), (60, 60), (90, 60)):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            ask(key)
        assert ApiKey.objects.get().last_used_at == NOW + timedelta(seconds=recorded)


def test_refused_request_does_not_set_last_used_at(key: Any, organization: Organization) -> None:
    ask(key, x_signature="0" * 64)
    organization.active = False
    organization.save(update_fields=["active"])
    ask(key)
    assert ApiKey.objects.get().last_used_at is None


def test_log_contains_no_secret_and_no_signature(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    date = stamp(clock.now())
    caplog.set_level("DEBUG")
    ask(key, date)
    ask(key, date, x_signature=sign("other", date))
    ask(key, "nonsense")
    assert key.secret not in caplog.text
    assert not re.search(r"[0-9a-f]{64}", caplog.text)
