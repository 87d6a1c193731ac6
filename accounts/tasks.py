"""Celery tasks. Each takes primitives and calls the domain; the task names are stable."""

from celery import shared_task

from accounts.domain import account_recovery, idempotency
from accounts.models import User


@shared_task(name="accounts.send_password_reset")
def send_password_reset(user_ids: list[int]) -> int:
    """Mail a link to each user; return how many mails the server accepted. A lost or failed mail is asked for again."""
    users = User.objects.filter(pk__in=user_ids, is_active=True, is_staff=True)
    return sum(account_recovery.send_password_link(user) for user in users)


@shared_task(name="accounts.delete_expired_idempotency_keys")
def delete_expired_idempotency_keys() -> int:
    return idempotency.delete_expired()
