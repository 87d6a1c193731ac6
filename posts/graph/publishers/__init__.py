"""Publishing: staged ahead, committed at the scheduled time, looked up when the outcome is unknown."""

from posts.graph.account import Account
from posts.graph.publishers.base import (
    LookupResult,
    LookupStatus,
    PayloadItem,
    PostPayload,
    Publisher,
    Save,
    Staged,
    StoredMedia,
)
from posts.graph.publishers.facebook import Facebook
from posts.graph.publishers.instagram import Instagram

__all__ = [
    "PUBLISHERS", "Account", "LookupResult", "LookupStatus", "PayloadItem", "PostPayload", "Publisher", "Save",
    "Staged", "StoredMedia",
]  # fmt: skip
PUBLISHERS: dict[str, Publisher] = {"FB_PAGE": Facebook(), "INSTAGRAM_ACCOUNT": Instagram()}
