"""An Instagram account's media and stories. Facts: graph-api, section 4.

`media` lists the newest 10,000, without stories; `stories` those of the last day. A reel's `media_type` is VIDEO; only
`media_product_type` distinguishes it. Instagram has no reactions.
"""

from collections.abc import Collection, Mapping
from typing import Any

from posts.graph.account import Account
from posts.graph.feed.fields import Before, FieldGroup, missing_columns
from posts.graph.parsing import ImportedPost, address, count, dig, items, parse_graph_time, parse_id, text

MEDIA = (
    FieldGroup("media", "id,caption,media_type,timestamp"),
    FieldGroup("media_product_type", "media_product_type"),
    FieldGroup("owner", "owner{id}"),
    FieldGroup("permalink", "permalink", ("permalink",)),
    FieldGroup("media_url", "media_url", ("media_url",)),
    FieldGroup("thumbnail_url", "thumbnail_url", ("thumbnail_url",)),
    FieldGroup("children", "children{media_type,media_url}"),
    FieldGroup("like_count", "like_count", ("likes",)),
    FieldGroup("comments_count", "comments_count", ("comments",)),
    FieldGroup("shares_count", "shares_count", ("shares",)),
)
TYPES = {"REELS": "REEL", "STORY": "STORY"}
MEDIA_TYPES = {"IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL_ALBUM": "CAROUSEL"}


def media(account: Account, node: Mapping[str, Any], without: Collection[str], _before: Before) -> ImportedPost | None:
    """Return one medium, None for an advertisement and for a medium of another account."""
    product, owner = node.get("media_product_type"), parse_id(dig(node, "owner", "id"))
    published_at, media_id = parse_graph_time(node.get("timestamp")), parse_id(node.get("id"))
    if product == "AD" or (owner and owner != account.platform_id) or published_at is None or not media_id:
        return None
    first = (items(node.get("children")) or [{}])[0]
    values = {
        "type": TYPES.get(str(product), "POST"),
        "caption": text(node.get("caption")),
        "media_type": MEDIA_TYPES.get(str(node.get("media_type"))),
        "media_url": address(node.get("media_url")) or address(first.get("media_url")),
        "thumbnail_url": address(node.get("thumbnail_url")),
        "permalink": address(node.get("permalink")),
        "likes": count(node.get("like_count")),
        "comments": count(node.get("comments_count")),
        "shares": count(node.get("shares_count")),
    }
    unknown = missing_columns(MEDIA, without)
    if "media_product_type" in without:
        unknown.add("type")
    return ImportedPost.without(unknown, media_id, published_at, values)
