"""Published posts in any number, so that lists can be measured."""

import secrets
from datetime import timedelta
from random import Random
from typing import Any

from django.db import connection
from django.db.models import Model

from accounts import clock, encryption
from accounts.models import Organization
from posts.models import Channel, ChannelState, ChannelType, PublishedPost
from tests.scheduling.api.vectors import SUPERPOWER

SPAN = timedelta(days=4 * 365)
TYPES = ("POST", "POST", "POST", "POST", "POST", "POST", "POST", "REEL", "REEL", "STORY")
TEXT = (
    "sol praia hoje casa mar café manhã mesa vista quarto janela jardim vinho festa música noite domingo família "
    "summer breakfast terrace harbour sunset booking weekend guests garden recipe morning ☀️ 🌊 «ao pé do mar»"
)
WORDS = TEXT.split()


def create_channels(organization: Organization, count: int) -> list[Channel]:
    """Create channels that need reconnecting, so that no worker calls the platform about them."""
    return [
        Channel.objects.create(
            organization=organization,
            public_id=f"{kind}_{900_000_000_000_000 + number}",
            type=kind,
            platform_id=str(900_000_000_000_000 + number),
            name=f"Channel {number + 1}",
            token_encrypted=encryption.encrypt(secrets.token_urlsafe(32)),
            state=ChannelState.NEEDS_RECONNECT,
            state_reason="There is no such account on the platform.",
        )
        for number in range(count)
        for kind in [(ChannelType.FB_PAGE, ChannelType.INSTAGRAM_ACCOUNT)[number % 2]]
    ]


def create_posts(channels: list[Channel], count: int) -> None:
    """Create `count` posts of the channels. Equal arguments give equal posts, except for times.

    Two neighbours share a channel and three a time of publication, so that there are ties within channels and across
    them. Half of the posts have a superpower, and some lack what platforms leave out.
    """
    random = Random(count)
    captions = [" ".join(random.choices(WORDS, k=random.randrange(5, 60))) for _ in range(2000)]
    superpowers = [
        {**SUPERPOWER, "name": f"Greeter {number}", "hashtag": f"#olá{number}", "lookupHashtag": f"olá{number}"}
        for number in range(200)
    ]
    newest = clock.now().replace(microsecond=0)
    step = SPAN / max(1, count // 3)
    for start in range(0, count, 5000):
        PublishedPost.objects.bulk_create(
            _post(number, channels, captions, superpowers, newest - step * ((count - number) // 3))
            for number in range(start, min(start + 5000, count))
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # otherwise the planner takes the table for empty


def _post(number, channels, captions, superpowers, published_at) -> PublishedPost:
    channel = channels[number // 2 % len(channels)]
    facebook, kind, likes = channel.type == ChannelType.FB_PAGE, TYPES[number * 7 % 10], number * 31 % 5000
    post_id = f"{channel.platform_id}_{10**15 + number}" if facebook else str(17 * 10**15 + number)
    media = f"https://cdn.example.com/{channel.platform_id}/{number}"
    return PublishedPost(
        organization_id=channel.organization_id,
        channel=channel,
        platform_id=post_id,
        type=kind,
        caption=captions[number * 13 % 2000] if number % 50 else None,
        media_url=f"{media}.{'mp4' if kind == 'REEL' else 'jpg'}",
        media_type="VIDEO" if kind == "REEL" else "IMAGE",
        thumbnail_url=f"{media}-small.jpg" if number % 3 else None,
        permalink=f"https://{'www.facebook.com' if facebook else 'www.instagram.com/p'}/{post_id}",
        published_at=published_at.replace(microsecond=0),
        likes=likes,
        comments=likes // 11,
        shares=likes // 17 if facebook else None,
        reactions={"like": likes % 200, "love": likes % 70} if facebook else None,
        superpower=superpowers[number // 2 * 7 % 200] if number % 2 else None,
        imported_at=clock.now(),
    )


def multiply(model: type[Model], pk: Any, rows: int, **columns: str) -> None:
    """Copy the row `pk` `rows` times in one statement; `columns` are SQL expressions, in which `n` is the number."""
    names = [field.column for field in model._meta.concrete_fields]
    own_key = model._meta.pk.column
    if own_key not in columns and own_key == "id":
        names.remove("id")
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} t, generate_series(1, {rows}) n "  # noqa: S608
            f"WHERE t.{own_key} = %s",
            [pk],
        )
