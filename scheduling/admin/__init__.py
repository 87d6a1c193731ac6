"""The reviewer's desk. Django's admin finds it by this module."""

from scheduling.admin import posts, site

__all__ = ["posts", "site"]
