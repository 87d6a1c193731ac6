"""Fields of the models."""

import json
import zlib
from typing import Any

from django.db import models


class CompressedJSONField(models.BinaryField):  # type: ignore[type-arg]
    """JSON for the documents of events, which no query looks into.

    PostgreSQL compresses only rows above 2,032 bytes, whatever `toast_tuple_target` is; these have about 1,700.
    """

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None:
            return None
        return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())

    def from_db_value(self, value: bytes | None, *_: Any) -> Any:
        return None if value is None else json.loads(zlib.decompress(value))

    def value_to_string(self, obj: models.Model) -> str:
        """Return the JSON, for `dumpdata`."""
        return json.dumps(self.value_from_object(obj))

    def to_python(self, value: Any) -> Any:
        """Return what `value_to_string` was called with, for `loaddata`."""
        return json.loads(value) if isinstance(value, str) else value
