"""Fields of the models."""

import json
import zlib
from typing import Any

from django.db import models

# What documents of events have in common, most frequent last. Rows that were written with it need it to be read: add
# another constant instead of changing it, as long as such rows exist (event_feed.KEPT).
DICTIONARY = (
    b'"templateType":"GENERAL","hashtag":"","active":true,"creativeTemplateName":"","creativeTemplateId":""'
    b'"channel":{"id":"INSTAGRAM_ACCOUNT_17841400000000000","type":"INSTAGRAM_ACCOUNT","name":""}'
    b'"error":{"code":"MISSED","message":""}"decision":"REJECTED""status":"FAILED""status":"REJECTED""mediaType":"VIDEO"'
    b'"type":"REEL""type":"STORY""type":"post.failed""type":"post.edited""type":"post.rejected""type":"post.reverted"'
    b'"status":"DRAFT""status":"WAITING_FOR_APPROVAL""type":"post.created""type":"post.submitted"'
    b'"status":"SCHEDULED""type":"post.approved","occurredAt":"2027-01-01T00:00:00.000Z"'
    b'{"mediumType":"INSTAGRAM_ACCOUNT","https://www.instagram.com/p/","brief":"","externalId":"","metadata":{"'
    b'{"id":"","type":"post.published","occurredAt":"2026-12-01T12:00:00.000Z","organizationId":"",'
    b'"actor":{"kind":"API_KEY","id":"","name":"},"post":{"actor":{"kind":"USER","id":"","name":"'
    b'"actor":{"kind":"WORKER","id":"","name":"worker"},"post":{"id":"","orgId":"","type":"POST","status":"PUBLISHED",'
    b'"media":"https://","mediaType":"IMAGE","mediaItems":null,"altText":null,"isAiGenerated":false,'
    b'"scheduledFor":"2026-12-01T12:00:00.000Z","taskId":null,"mediumsData":{"FB_PAGE_":{"mediumType":"FB_PAGE","caption":"'
    b'","superpower":null,"outcome":null}},"notes":null,"review":null,"outcome":{"state":"PUBLISHED","postId":"",'
    b'"permalink":"https://www.facebook.com/","publishedAt":"2026-12-01T12:00:00.000Z","error":null}}},"notes":null,'
    b'"review":{"decision":"APPROVED","by":{"kind":"USER","id":"","name":""},"at":"2026-12-01T12:00:00.000Z","version":1,'
    b'"notes":null,"correctedBy":[]},"checks":null,"externalId":null,"metadata":{},"brief":null,'
    b'"createdBy":{"kind":"USER","id":"","name":""},"updatedBy":{"kind":"USER","id":"","name":""},'
    b'"createdBy":{"kind":"API_KEY","id":"","name":""},"updatedBy":{"kind":"API_KEY","id":"","name":""},'
    b'"createdAt":"2026-12-01T12:00:00.000Z","updatedAt":"2026-12-01T12:00:00.000Z","version":1},"channel":null}'
)


class CompressedJSONField(models.BinaryField):  # type: ignore[type-arg]
    """JSON for the documents of events, which no query looks into.

    PostgreSQL compresses only rows above 2,032 bytes, whatever `toast_tuple_target` is; these have about 1,700.
    """

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None:
            return None
        compressor = zlib.compressobj(zdict=DICTIONARY)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return compressor.compress(text.encode()) + compressor.flush()

    def from_db_value(self, value: bytes | None, *_: Any) -> Any:
        return None if value is None else json.loads(zlib.decompressobj(zdict=DICTIONARY).decompress(value))

    def value_to_string(self, obj: models.Model) -> str:
        """Return the JSON, for `dumpdata`."""
        return json.dumps(self.value_from_object(obj))

    def to_python(self, value: Any) -> Any:
        """Return what `value_to_string` was called with, for `loaddata`."""
        return json.loads(value) if isinstance(value, str) else value
