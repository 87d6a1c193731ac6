"""Search in captions."""

import re
from typing import TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Left

from scheduling.models import Delivery, ScheduledPost

MAX_LENGTH = 200
Posts = TypeVar("Posts", bound=QuerySet[ScheduledPost])
# The expression of the index `delivery_words`. PostgreSQL refuses to index a longer text.
CAPTION_WORDS = SearchVector(Left("caption", 20_000), config="simple")


def search_captions(posts: Posts, text: str) -> Posts:
    """Return the posts that have each word of `text` in one of their captions, at least as the beginning of a word."""
    text = text[:MAX_LENGTH]
    for word in re.findall(r"\w+", text) or text.split():
        posts = posts.filter(Exists(deliveries_containing(word).filter(post=OuterRef("pk"))))
    return posts


def deliveries_containing(word: str) -> QuerySet[Delivery]:
    """Return the deliveries whose caption has a word that begins with `word`; on SQLite, that contains `word`.

    What full-text search does not index, such as emoji, is found by its characters on PostgreSQL as well.
    """
    if connection.vendor != "postgresql" or not re.search(r"\w", word):
        return Delivery.objects.filter(caption__icontains=word)
    query = SearchQuery(f"'{word}':*", config="simple", search_type="raw")
    return Delivery.objects.annotate(words=CAPTION_WORDS).filter(words=query)
