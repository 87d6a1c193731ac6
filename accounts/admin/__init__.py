"""Who may call and who may work here, on the desk."""

from accounts.admin import keys, people, trail

__all__ = ["keys", "people", "trail"]
