"""The column that compresses the documents of events."""

import json

import pytest
from django.core import serializers
from django.db import connection

from scheduling.models import Event
from scheduling.models.fields import CompressedJSONField

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]

DOCUMENT = {"type": "post.published", "post": {"status": "PUBLISHED", "notes": None, "brief": "olá ☀️"}, "n": [1, 2.5]}
# As 0.3.0 stores it. Rows of up to 30 days ago must be readable.
STORED = "78bbe55149f4abc65980c1f23dd66c8d126fb032333fe7f0428547331adeefe807f901685fb4a18e919e696c2d0015892374"


def test_row_that_was_stored_by_0_3_0_is_read():
    assert CompressedJSONField().from_db_value(bytes.fromhex(STORED)) == DOCUMENT


def test_documents_of_a_post_are_stored_in_half_of_their_size(make_scheduled, facebook):
    make_scheduled(channels=[facebook])
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, length(document) FROM scheduling_event")
        stored = dict(cursor.fetchall())
    assert len(stored) == 3
    for event in Event.objects.all():
        assert event.document["post"]["status"] in {"DRAFT", "WAITING_FOR_APPROVAL", "SCHEDULED"}
        assert stored[event.pk] < len(json.dumps(event.document).encode()) / 2


def test_event_survives_dumpdata_and_loaddata(organization):
    Event.objects.create(organization=organization, key="k", type="x", at=organization.created_at, document=DOCUMENT)
    dumped = serializers.serialize("json", Event.objects.all())
    Event.objects.all().delete()
    for loaded in serializers.deserialize("json", dumped):
        loaded.save()
    assert Event.objects.get().document == DOCUMENT
