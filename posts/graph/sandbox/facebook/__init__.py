"""Publishing on a Page."""
