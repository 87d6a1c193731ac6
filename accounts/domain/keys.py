"""Key pairs: issued, rotated, revoked. The secret leaves this module once, at the moment that it is made."""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts import clock, crypto
from accounts.domain import trail
from accounts.domain.actors import Actor
from accounts.errors import Conflict, Invalid
from accounts.models import ActorKind, ApiKey, AuditEvent, Membership, Organization, Role, User, new_key_id

LONGEST_OVERLAP = timedelta(days=30)
_KEY_ID = re.compile(r"dk_[0-9a-f]{24}")


def issue(
    actor: Actor,
    *,
    organization: Organization,
    name: str,
    issued_by: User,
    expires_at: datetime | None = None,
    key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key pair of `organization`, answered for by `issued_by`; return it with its secret in clear.

    `issued_by` must be an active member who may write. A caller that may be repeated, such as a form that is sent
    twice, gives a `key_id` of `new_key_id`'s making: the second time is a Conflict. Raises Invalid otherwise.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or "\x00" in name:
        raise Invalid("Give the key a name of at most 100 characters")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("The key would have expired already")
    if not issued_by.is_active or not _may_write(issued_by, organization):
        raise Invalid(f"{issued_by} cannot answer for a key: only members who may write in {organization} can")
    if key_id is not None and not _KEY_ID.fullmatch(key_id):
        raise Invalid("This is not an id of a key")
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id or new_key_id(),
        organization=organization,
        name=name,
        issued_by=issued_by,
        secret_encrypted=crypto.encrypt(secret),
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
            _record(actor, "key.issue", key, name=name, issued_by=str(issued_by.pk), expires_at=_iso(expires_at))
    except IntegrityError:
        raise Conflict("This key has been issued already; its secret is not shown again") from None
    return key, secret


def rotate(actor: Actor, key: ApiKey, *, overlap: timedelta) -> str:
    """Give `key` a new secret and return it in clear; the old one stays good for `overlap`, up to 30 days.

    `key` is as the caller knew it: when it was rotated or revoked since, this is a Conflict. A secret that was in
    its own overlap ends at once. Raises Invalid for an overlap out of bounds.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("The overlap is between nothing and 30 days")
    now = clock.now()
    if not key.usable_at(now):
        raise Conflict("This key is revoked or has expired")
    secret = secrets.token_urlsafe(32)
    until = now + overlap if overlap else None
    known = ApiKey.objects.filter(pk=key.pk, secret_encrypted=key.secret_encrypted, revoked_at=None)
    with transaction.atomic():
        if not known.update(
            secret_encrypted=crypto.encrypt(secret),
            previous_encrypted=key.secret_encrypted if overlap else "",
            previous_until=until,
        ):
            raise Conflict("This key was rotated or revoked by somebody else meanwhile")
        _record(actor, "key.rotate", key, previous_until=_iso(until))
    key.refresh_from_db()
    return secret


def rotated_by(user: User, key_ids: Collection[str]) -> set[str]:
    """Return which of the keys that person has rotated: a rotation shows the secret to whoever asks for it."""
    lines = AuditEvent.objects.filter(
        subject__in=[_subject(one) for one in key_ids],
        verb="key.rotate",
        actor_kind=ActorKind.PERSON,
        actor_id=str(user.pk),
    )
    return {subject.partition(":")[2] for subject in lines.values_list("subject", flat=True)} if key_ids else set()


def revoke(actor: Actor, key: ApiKey) -> None:
    """Refuse every further request that is signed with `key`, for good. Raises Conflict when it is revoked already."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()):
            raise Conflict("This key is revoked already")
        _record(actor, "key.revoke", key)
    key.refresh_from_db()


def _may_write(user: User, organization: Organization) -> bool:
    return Membership.objects.filter(user=user, organization=organization, role__in=(Role.EDITOR, Role.ADMIN)).exists()


def _record(actor: Actor, verb: str, key: ApiKey, **details: Any) -> None:
    trail.record(actor, verb, organization_id=key.organization_id, subject=_subject(key.pk), **details)


def _subject(key_id: str) -> str:
    return f"key:{key_id}"


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
