from accounts.admin import api_keys, audit_log, memberships, users

__all__ = ["api_keys", "audit_log", "memberships", "users"]
