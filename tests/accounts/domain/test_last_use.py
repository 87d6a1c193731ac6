"""When keys were last used: noted in the cache, carried to the rows by a sweep."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from accounts import clock
from accounts.domain.last_use import flush_last_used, last_used, note
from accounts.models import ApiKey

NOON = clock.now().replace(second=0, microsecond=0)  # the cache forgets by the true clock


def test_a_key_that_was_never_used_says_so(key: Any) -> None:
    assert last_used(key) is None
    assert flush_last_used() == 0


def test_a_use_is_noted_without_touching_the_row(key: Any, django_assert_num_queries: Any) -> None:
    with time_machine.travel(NOON, tick=False), django_assert_num_queries(0):
        note(key)
        assert last_used(key) == NOON


def test_a_note_is_renewed_once_a_minute(key: Any) -> None:
    for seconds, noted in ((0, 0), (59, 0), (60, 60), (90, 60)):
        with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
            note(key)
            assert last_used(key) == NOON + timedelta(seconds=noted)


def test_within_the_minute_a_process_does_not_even_ask_the_cache(
    key: Any, other_key: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with time_machine.travel(NOON, tick=False):
        note(key)
        settings.CACHES = DOWN
        note(key)
        assert caplog.records == []
        note(other_key)
    with time_machine.travel(NOON + timedelta(seconds=60), tick=False):
        note(key)
    assert [record.args for record in caplog.records] == [(other_key.pk,), (key.pk,)]


def test_notes_are_carried_to_the_rows_at_most_once_a_minute(key: Any, other_key: Any) -> None:
    with time_machine.travel(NOON, tick=False):
        note(key)
    assert flush_last_used() == 1
    assert dict(ApiKey.objects.values_list("pk", "last_used_at")) == {key.pk: NOON, other_key.pk: None}
    note(other_key)
    assert flush_last_used() == 0
    assert ApiKey.objects.get(pk=other_key.pk).last_used_at is None


def test_a_row_never_goes_back_in_time(key: Any) -> None:
    ApiKey.objects.update(last_used_at=NOON)
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        note(key)
    assert flush_last_used() == 0
    key.refresh_from_db()
    assert last_used(key) == NOON


def test_a_cache_that_is_down_costs_the_note_and_nothing_else(
    key: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    key.last_used_at = NOON
    settings.CACHES = DOWN
    note(key)
    assert last_used(key) == NOON
    assert flush_last_used() == 0
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


# Nobody listens there.
DOWN = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}


def test_the_cache_under_test_is_up() -> None:
    cache.set("a", 1)
    assert cache.get("a") == 1
