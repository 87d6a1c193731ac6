"""What is live and where it goes, on the desk."""

from posts.admin import channels, published_posts, superpowers

__all__ = ["channels", "published_posts", "superpowers"]
