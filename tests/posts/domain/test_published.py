"""record_published."""

import uuid
from datetime import UTC, datetime
from typing import Any

from posts.domain.published_posts import record_published
from posts.models import Channel, PublishedPost

AT = datetime(2026, 7, 1, 13, 0, tzinfo=UTC)
SOURCE = uuid.uuid4()
FACTS: dict[str, Any] = {
    "platform_id": "1_2",
    "type": "POST",
    "caption": "Olá",
    "media_url": "https://media.example.com/a.jpg",
    "media_type": "IMAGE",
    "permalink": None,
    "published_at": AT,
    "superpower": {"name": "Greeter"},
    "scheduled_post_id": SOURCE,
}


def test_record_published_twice_keeps_one_row(facebook: Channel, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        record_published(channel=facebook, **FACTS)
    record_published(channel=facebook, **FACTS)
    row = PublishedPost.objects.get()
    assert {name: getattr(row, name) for name in FACTS} == FACTS
    assert (row.organization_id, row.channel_id) == (facebook.organization_id, facebook.pk)
    assert (row.likes, row.reactions) == (None, None)


def test_record_published_keeps_an_imported_row(facebook: Channel) -> None:
    PublishedPost.objects.create(
        organization_id=facebook.organization_id,
        channel=facebook,
        platform_id="1_2",
        caption="from the platform",
        permalink="https://facebook.example/1_2",
        published_at=AT,
        likes=7,
    )
    record_published(channel=facebook, **FACTS)
    row = PublishedPost.objects.get()
    assert (row.caption, row.permalink, row.likes) == ("from the platform", "https://facebook.example/1_2", 7)
    assert (row.superpower, row.scheduled_post_id) == ({"name": "Greeter"}, SOURCE)


def test_record_published_same_id_on_two_channels_is_two_rows(facebook: Channel, instagram: Channel) -> None:
    for channel in (facebook, instagram):
        record_published(channel=channel, **FACTS)
    assert PublishedPost.objects.count() == 2
