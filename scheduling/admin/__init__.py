"""The reviewer's desk. Django's admin finds it by this module."""

from scheduling.admin import notices, posts, site, webhooks

__all__ = ["notices", "posts", "site", "webhooks"]
