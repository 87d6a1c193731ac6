"""Posts are found by words of their captions, on both engines."""

from typing import Any

import pytest
from django.db import connection

from posts.models import Channel
from scheduling.domain.drafts import ChannelText
from scheduling.domain.search import deliveries_containing, search_captions
from scheduling.models import ScheduledPost

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def found(text: str) -> set[Any]:
    return {post.pk for post in search_captions(ScheduledPost.objects.all(), text)}


def test_every_word_has_to_occur_at_least_as_a_beginning(make_draft: Any, facebook: Channel) -> None:
    def say(caption: str) -> Any:
        return make_draft(channels={facebook.public_id: ChannelText(facebook.type, caption, None)}).pk

    soup = say("Pumpkin soup, and the cook's own bread #SlowFood")
    bread = say("Bread at seven o'clock 🍞")
    assert found("pumpkin") == found("PUMP") == found("soup pump") == found("slowfood") == {soup}
    assert found("bread") == {soup, bread}
    assert found("bread seven") == {bread}
    assert found("o'clock") == {bread}
    assert found("🍞") == {bread}
    assert found("pumpkin seven") == found("goulash") == set()
    assert found("") == {soup, bread}


def test_what_is_typed_is_never_taken_for_a_query_language(make_draft: Any) -> None:
    make_draft()
    for text in ("' | 'x", "a & !b", "%", "_", "\\", "(", "x:*", "olá" * 100):
        found(text)


def test_a_caption_beyond_what_the_index_can_hold_is_stored_and_found(make_draft: Any, facebook: Channel) -> None:
    caption = " ".join(f"word{number}" for number in range(120_000))
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, caption, None)})
    assert found("word7") == {post.pk}


def test_postgresql_looks_words_up_in_their_index(make_draft: Any) -> None:
    make_draft()
    postgresql = connection.vendor == "postgresql"
    if postgresql:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = deliveries_containing("pumpkin").explain()
    assert ("delivery_words" in plan) == postgresql
