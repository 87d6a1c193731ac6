"""Reads what an account has published, page by page, for our copies."""

from posts.graph.feed.pages import EDGES, FeedPosition, Page, fetch_post, is_reachable, page, total
from posts.graph.parsing import ImportedPost

__all__ = ["EDGES", "FeedPosition", "ImportedPost", "Page", "fetch_post", "is_reachable", "page", "total"]
