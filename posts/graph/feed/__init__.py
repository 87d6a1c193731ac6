"""Reading what an account itself has published, page by page, for the copies that lists are made of."""

from posts.graph.feed.pages import EDGES, FeedPosition, Page, fetch_post, is_reachable, page, total
from posts.graph.parsing import ImportedPost

__all__ = ["EDGES", "FeedPosition", "ImportedPost", "Page", "fetch_post", "is_reachable", "page", "total"]
