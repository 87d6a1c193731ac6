"""The column that compresses the documents of events."""

import json

import pytest
from django.core import serializers
from django.db import connection

from scheduling.models import Event

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]

DOCUMENT = {"type": "post.published", "post": {"status": "PUBLISHED", "notes": None, "brief": "olá ☀️"}, "n": [1, 2.5]}


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
