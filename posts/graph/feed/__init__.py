"""Reading what an account itself has published, page by page, for the copies that lists are made of."""

from posts.graph.feed.pages import EDGES, Page, Spot, page
from posts.graph.feed.single import answers, one, total
from posts.graph.parsing import Found

__all__ = ["EDGES", "Found", "Page", "Spot", "answers", "one", "page", "total"]
