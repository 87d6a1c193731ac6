"""Who may call and who may work here, on the desk."""

from accounts.admin import keys, memberships, people, trail

__all__ = ["keys", "memberships", "people", "trail"]
