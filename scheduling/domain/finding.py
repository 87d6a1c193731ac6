"""Finding posts by words of their captions, as fast among a hundred thousand as among a hundred."""

import re
from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, OuterRef, QuerySet, Value

from scheduling.models import Delivery, ScheduledPost

LONGEST = 200
MANY = 500  # deliveries


class Says(Func):
    """Whether a caption holds what a tsquery asks for; what stands below 20,000 characters is not looked at.

    The left side is the very expression of the index `delivery_words`.
    """

    template = "to_tsvector('simple', left(%(expressions)s)"
    arg_joiner = ", 20000)) @@ to_tsquery('simple', "
    output_field = BooleanField()


def with_words(
    posts: QuerySet[ScheduledPost], text: str, *, organizations: Collection[UUID]
) -> QuerySet[ScheduledPost]:
    """Return the posts that say each word of `text` in one of their captions, at least as the beginning of a word.

    `organizations` are those that the posts are of. A word that few say is looked up first, in one query, and leaves
    little to search; words that many say are found by walking down the list, which soon fills a page. Left to itself
    the planner cannot tell the two apart. SQLite has no such index: there it is enough that the letters occur.
    """
    words = re.findall(r"\w+", text[:LONGEST]) or text[:LONGEST].split()
    for word in words:
        told = saying(word).filter(organization__in=organizations).values_list("post_id", flat=True)
        if len(few := set(told[:MANY])) < MANY:
            posts = posts.filter(pk__in=few)
            words = [one for one in words if one != word]
            break
    for word in words:
        posts = posts.filter(Exists(saying(word).filter(post=OuterRef("pk"))))
    return posts


def saying(word: str) -> QuerySet[Delivery]:
    """Return the deliveries whose caption has the word."""
    if connection.vendor != "postgresql" or not re.search(r"\w", word):
        return Delivery.objects.filter(caption__icontains=word)
    return Delivery.objects.filter(Says(F("caption"), Value(f"'{word}':*")))
