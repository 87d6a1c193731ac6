"""What seeded posts are born with: an audience computed from the post's seed, so that it costs nothing to keep."""

import zlib

from dynamo.sandbox.nodes import Audience, Post

FIRST_SLOT = 1_000_000  # slots below are those of ordered audiences


def born_with(post: Post) -> Audience:
    """Return the audience of a seeded post. A reel, story or ad has likes and comments as well."""
    chance = zlib.crc32(f"{post.seed}:{post.slot}".encode())
    crowd = chance % 14 if chance % 3 else 0
    counts = {
        "LIKE": chance // 5 % 400,
        "LOVE": chance // 11 % 40,
        "WOW": chance // 13 % 4,
        "HAHA": chance // 17 % 6,
        "SAD": chance // 19 % 2,
        "ANGRY": chance // 23 % 2,
    }
    return Audience(
        f"audience:{post.id}",
        post.id,
        post.account,
        slot=post.slot,
        crowd=crowd,
        tops=crowd - crowd // 4,
        seed=chance,
        began=post.moment,
        step=60,
        likes=counts["LIKE"],
        shares=chance // 29 % 30 if chance % 2 else 0,
        reactions=counts,
    )
