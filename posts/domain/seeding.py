"""Made-up posts in any number, for benchmarks and for whoever wants to see how lists behave at that size."""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import connection, transaction

from accounts import clock, crypto
from accounts.models import Organization
from posts.models import Channel, ChannelState, ChannelType, PublishedPost

REASON = "Made by seed_posts: there is no such account"
SPAN = timedelta(days=4 * 365)
BATCH = 5000
TYPES = ("POST", "POST", "POST", "POST", "POST", "POST", "POST", "REEL", "REEL", "STORY")
TEXT = (
    "sol praia hoje casa mar café manhã mesa vista quarto janela jardim vinho festa música noite domingo família "
    "summer breakfast terrace harbour sunset booking weekend guests garden recipe morning ☀️ 🌊 «ao pé do mar»"
)

Row = tuple[Any, ...]


def channels(organization: Organization, count: int) -> list[Channel]:
    """Return `count` channels of the organization that were made here, and make those that are missing.

    They are shown, and need reconnecting, so that nobody asks the platform about them.
    """
    for number in range(count):
        type_ = (ChannelType.FB_PAGE, ChannelType.INSTAGRAM_ACCOUNT)[number % 2]
        platform_id = str(900_000_000_000_000 + number)
        Channel.objects.get_or_create(
            organization=organization,
            wire_id=f"{type_}_{platform_id}",
            defaults={
                "type": type_,
                "platform_id": platform_id,
                "name": f"Channel {number + 1}",
                "token_encrypted": crypto.encrypt(secrets.token_urlsafe(32)),
                "state": ChannelState.NEEDS_RECONNECT,
                "state_reason": REASON,
            },
        )
    return list(Channel.objects.filter(organization=organization, state_reason=REASON).order_by("platform_id")[:count])


def fill(
    organization: Organization, on: list[Channel], count: int, *, progress: Callable[[int], None] | None = None
) -> int:
    """Add posts until the organization's made-up channels hold `count`; return how many were added.

    All or nothing, in one transaction. `progress` is told how many rows have been sent.
    """
    made = PublishedPost.objects.filter(channel__organization=organization, channel__state_reason=REASON)
    already = made.count()
    if already >= count:
        return 0
    columns, rows = _columns(), _rows(on, already, count, clock.now().replace(microsecond=0))
    with transaction.atomic(), connection.cursor() as cursor:
        table = connection.ops.quote_name(PublishedPost._meta.db_table)
        names = ", ".join(connection.ops.quote_name(name) for name in columns)
        sent = 0
        while batch := list(islice(rows, BATCH)):
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", batch)  # noqa: S608  no values in it
            sent += len(batch)
            if progress is not None:
                progress(sent)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # else the planner takes the table for empty
    return count - already


def _columns() -> list[str]:
    return [str(field.column) for field in PublishedPost._meta.concrete_fields if not field.primary_key]


def _rows(on: list[Channel], first: int, end: int, newest: datetime) -> Iterator[Row]:
    """Yield rows in the order of `_columns`, the oldest first: the same for the same numbers.

    Two neighbours share a channel and three an instant, so that ties are within channels and across them. Half of
    the posts have a superpower, a few lack what platforms sometimes leave out.
    """
    dice = Random(first)  # noqa: S311  nothing secret
    words = TEXT.split()
    captions = [" ".join(dice.choices(words, k=dice.randrange(5, 60))) for _ in range(2000)]
    reactions = [json.dumps({"like": n, "love": n // 3, "haha": n // 9}) for n in range(200)]
    powers = [json.dumps(_superpower(number, dice)) for number in range(200)]
    fields = [field for field in PublishedPost._meta.concrete_fields if not field.primary_key]
    usual = {field.column: field.get_db_prep_save(field.get_default(), connection) for field in fields}
    places = [
        (one.pk, one.type == ChannelType.FB_PAGE, one.platform_id, _stored("organization", one.organization_id))
        for one in on
    ]
    step, columns = SPAN / max(1, (end - first) // 3), _columns()
    start, stamp, at = newest - SPAN, "", None
    imported = _stored("imported_at", newest)
    for number in range(first, end):
        channel, facebook, account, organization = places[number // 2 % len(places)]
        instant = (start + step * ((number - first) // 3)).replace(microsecond=0)
        if instant != at:
            at, stamp = instant, _stored("published_at", instant)
        kind = TYPES[number * 7 % 10]
        video, likes = kind == "REEL", number * 31 % 5000
        post_id = f"{account}_{10**15 + number}" if facebook else str(17 * 10**15 + number)
        given = usual | {
            "organization_id": organization,
            "channel_id": channel,
            "platform_id": post_id,
            "type": kind,
            "caption": captions[number * 13 % 2000] if number % 50 else None,
            "media_url": f"https://cdn.example.com/{account}/{number}.{'mp4' if video else 'jpg'}",
            "media_type": "VIDEO" if video else "IMAGE",
            "thumbnail_url": f"https://cdn.example.com/{account}/{number}-small.jpg" if number % 3 else None,
            "permalink": f"https://{'www.facebook.com' if facebook else 'www.instagram.com/p'}/{post_id}",
            "published_at": stamp,
            "likes": likes,
            "comments": likes // 11,
            "shares": likes // 17 if facebook else None,
            "reactions": reactions[likes % 200] if facebook else None,
            "superpower": powers[number // 2 * 7 % 200] if number % 2 else None,
            "imported_at": imported,
        }
        yield tuple(given[name] for name in columns)


def _stored(name: str, value: Any) -> Any:
    return PublishedPost._meta.get_field(name).get_db_prep_save(value, connection)  # type: ignore[union-attr]


def _superpower(number: int, dice: Random) -> dict[str, Any]:
    def said() -> str:
        return " ".join(dice.choices(TEXT.split(), k=8))

    return {
        "name": f"Greeter {number}",
        "hashtag": f"#olá{number}",
        "lookupHashtag": f"olá{number}",
        "active": True,
        "templateType": "CONDITIONAL",
        "conditionalTemplateType": "GENERAL",
        "conditionGroups": [
            {
                "name": "everyone",
                "autoLike": True,
                "autoLikeProbability": 1,
                "probability": 0.5,
                "publicRepliesProbability": 1,
                "conditions": [{"conditionType": "USER_ACTION", "userActionType": "COMMENTED", "values": ["any"]}],
                "publicReplies": [{"scope": "PUBLIC", "text": said()} for _ in range(2)],
                "privateReplies": [{"scope": "PRIVATE", "text": said(), "redirects": [{"url": "https://example.com"}]}],
            }
        ],
    }
