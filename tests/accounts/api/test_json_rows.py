"""JSONRowWriter returns what the serializer returns."""

import json
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from accounts.api.json_rows import JSONRowWriter
from accounts.api.serializers import UTCMillisField


class Counted(serializers.Serializer[Any]):
    number = serializers.IntegerField(allow_null=True)
    extra = serializers.JSONField(allow_null=True)


class Thing(serializers.Serializer[Any]):
    name = serializers.CharField(allow_null=True)
    there = serializers.CharField(source="place.name")
    at = UTCMillisField(allow_null=True)
    counted = Counted(source="*")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["\u2028\u2029", "%s", '"\\/', "\x00"]
)
instants = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=timezone(timedelta(hours=at.second % 25 - 12)))
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
rows = st.tuples(
    st.none() | texts,
    texts,
    st.none() | instants,
    st.none() | st.integers() | st.integers(2**62, 2**64),
    st.none() | values,
)


@given(st.lists(rows, max_size=4))
@settings(max_examples=150, deadline=None)
def test_rows_equal_the_serializers_output(given_rows: list[Any]) -> None:
    things = [
        SimpleNamespace(name=name, place=SimpleNamespace(name=there), at=at, number=number, extra=extra)
        for name, there, at, number, extra in given_rows
    ]
    # As the database keeps it when it spaces as JSONRenderer does, which hands null on as null.
    stored = [
        (
            *given_row[:4],
            None if given_row[4] is None else json.dumps(given_row[4], ensure_ascii=False, separators=(",", ":")),
        )
        for given_row in given_rows
    ]
    assert JSONRowWriter(Thing).render_list(stored) == JSONRenderer().render(Thing(things, many=True).data)


def test_columns_are_the_sources_in_order() -> None:
    columns = JSONRowWriter(Thing).columns
    assert [column for column in columns if isinstance(column, str)] == ["name", "place__name", "at", "number"]
    assert [type(column).__name__ for column in columns] == ["str"] * 4 + ["Cast"]


def test_extra_columns_are_ignored() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert json.loads(JSONRowWriter(Thing).render_list([("a", "b", at, 1, None, "more")])) == [
        {"name": "a", "there": "b", "at": "2026-07-01T00:00:00.000Z", "counted": {"number": 1, "extra": None}}
    ]


class Own(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return f"other {value}"


@pytest.mark.parametrize("field", [Own(), serializers.BooleanField(), serializers.SerializerMethodField(), Counted()])
def test_field_without_writer_raises_type_error(field: Any) -> None:
    declared = type("Declared", (serializers.Serializer,), {"field": field, "get_field": str})
    with pytest.raises(TypeError, match="has no writer"):
        JSONRowWriter(declared)
