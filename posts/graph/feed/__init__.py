"""Reading what an account itself has published, page by page, for the copies that lists are made of."""

from posts.graph.feed.pages import EDGES, Page, Spot, fetch_post, is_reachable, page, total
from posts.graph.parsing import Found

__all__ = ["EDGES", "Found", "Page", "Spot", "fetch_post", "is_reachable", "page", "total"]
