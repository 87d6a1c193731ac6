"""Search in captions, on both engines."""

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


def test_search_matches_beginnings_of_all_words(make_draft, facebook: Channel) -> None:
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


@pytest.mark.parametrize(
    ("caption", "texts"),
    [
        ("Only 19.90 EUR", ["19.90", "only 19.90"]),
        ("Menu: https://example.com/menu/today", ["https://example.com/menu/today", "example.com/menu"]),
        ("Write to info@dynamo.example", ["info@dynamo.example", "INFO@dynamo"]),
        ("Tea and/or coffee, v2.0", ["and/or", "v2.0", "tea coffee"]),
        ("A foo_bar and well-known #Sol", ["foo_bar", "well-known", "#sol"]),
    ],
)
def test_search_finds_a_text_as_it_is_written(make_draft, facebook: Channel, caption: str, texts: list[str]) -> None:
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, caption, None)})
    assert [found(text) for text in texts] == [{post.pk}] * len(texts)


def test_search_on_sqlite_ignores_the_case_of_letters_with_accents(make_draft, facebook: Channel) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL folds case by the locale of the database")
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, "OLÁ Été", None)})
    assert found("olá") == found("OLÁ") == found("ÉTÉ olá") == {post.pk}


def test_search_treats_operators_as_text(make_draft) -> None:
    make_draft()
    for text in ("' | 'x", "a & !b", "%", "_", "\\", "(", "x:*", "olá" * 100):
        found(text)


def test_search_finds_a_caption_longer_than_the_index(make_draft, facebook: Channel) -> None:
    caption = " ".join(f"word{number}" for number in range(120_000))
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, caption, None)})
    assert found("word7") == {post.pk}


def test_search_on_postgresql_uses_the_index(make_draft) -> None:
    make_draft()
    postgresql = connection.vendor == "postgresql"
    if postgresql:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = deliveries_containing("pumpkin").explain()
    assert ("delivery_words" in plan) == postgresql
