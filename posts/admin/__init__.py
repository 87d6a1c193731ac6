"""The admin of channels, published posts and superpowers."""

from posts.admin import channels, published_posts, superpowers

__all__ = ["channels", "published_posts", "superpowers"]
