"""Reading what an account itself has published, page by page, for the copies that lists are made of."""

from posts.graph.importing.listings import EDGES, Page, Spot, page
from posts.graph.importing.shape import Found
from posts.graph.importing.single import answers, one, total

__all__ = ["EDGES", "Found", "Page", "Spot", "answers", "one", "page", "total"]
