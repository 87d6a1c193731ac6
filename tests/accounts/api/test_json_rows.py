"""Fields that JSONRowWriter cannot write; tests/posts/api/test_posts_bytes.py compares its output."""

from typing import Any

import pytest
from rest_framework import serializers

from accounts.api.json_rows import JSONRowWriter


class Nested(serializers.Serializer[Any]):
    number = serializers.IntegerField()


class Own(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return f"other {value}"


@pytest.mark.parametrize("field", [Own(), serializers.BooleanField(), serializers.SerializerMethodField(), Nested()])
def test_field_without_writer_raises_type_error(field: Any) -> None:
    declared = type("Declared", (serializers.Serializer,), {"field": field, "get_field": str})
    with pytest.raises(TypeError, match="has no writer"):
        JSONRowWriter(declared)
