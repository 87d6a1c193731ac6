"""The calendar: what is to go out and what went out, by day, and moving a post to another instant."""

from scheduling.admin.calendar.pages import urls

__all__ = ["urls"]
