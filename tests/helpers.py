"""Helpers of several test packages."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client, RequestFactory

from accounts.domain.reviewers import Reviewer, get_reviewer
from accounts.models import AuditChainLink, AuditEvent, Organization, User


def log_in(user: User) -> Client:
    """Return a browser in which the user is logged in by the password that the fixture keeps in `raw_password`."""
    client = Client()
    assert client.login(username=user.get_username(), password=user.raw_password)  # type: ignore[attr-defined]
    return client


def as_reviewer(user: User, organization: Organization) -> Reviewer:
    """Return the Reviewer that the user is after a login by password, the only way to become one."""
    request: Any = RequestFactory().post("/admin/")
    request.session = log_in(user).session
    request.user = User.objects.get(pk=request.session[SESSION_KEY])
    return get_reviewer(request, organization)


def switch_truncate_triggers(action: str) -> None:
    """ENABLE or DISABLE the triggers that refuse to TRUNCATE the audit log in PostgreSQL."""
    with connection.cursor() as cursor:
        for model in (AuditEvent, AuditChainLink):
            cursor.execute(f"ALTER TABLE {model._meta.db_table} {action} TRIGGER no_truncate")
