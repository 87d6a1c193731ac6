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
    """Return the posts that have each word of `text` in one of their captions, at least as the beginning of a word.

    Words end at white space. One with other signs than letters, digits and `_` is found anywhere in a caption.
    """
    for word in text[:MAX_LENGTH].split():
        posts = posts.filter(Exists(deliveries_containing(word).filter(post=OuterRef("pk"))))
    return posts


def deliveries_containing(word: str) -> QuerySet[Delivery]:
    """Return the deliveries whose caption has a word that begins with `word`; on SQLite, that contains `word`.

    What full-text search indexes otherwise or not at all, such as numbers, addresses and emoji, is found by its
    characters on PostgreSQL as well. SQLite's LIKE ignores the case of ASCII only; its REGEXP is Python's.
    """
    if connection.vendor != "postgresql":
        return Delivery.objects.filter(caption__iregex=re.escape(word))
    if not re.fullmatch(r"\w+", word):
        return Delivery.objects.filter(caption__icontains=word)
    query = SearchQuery(f"'{word}':*", config="simple", search_type="raw")
    return Delivery.objects.annotate(words=CAPTION_WORDS).filter(words=query)
