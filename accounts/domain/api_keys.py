"""Key pairs: issued, restricted, rotated, revoked. A secret leaves this module once, when it is made."""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import clock, encryption
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Invalid
from accounts.models import (
    ActorKind,
    ApiKey,
    AuditEvent,
    Membership,
    Organization,
    Role,
    Scope,
    User,
    all_scopes,
    new_key_id,
)

LONGEST_OVERLAP = timedelta(days=30)
LAST_USED_PRECISION = timedelta(minutes=1)
_KEY_ID = re.compile(r"dk_[0-9a-f]{24}")


def create_api_key(
    actor: Actor,
    *,
    organization: Organization,
    name: str,
    issued_by: User,
    expires_at: datetime | None = None,
    scopes: Collection[str] | None = None,
    channels: Collection[str] | None = None,
    key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key pair of `organization`, answered for by `issued_by`; return it with its secret in clear.

    `issued_by` must be an active member who may write. `scopes` and `channels` limit the key; None is all.
    A caller that may be repeated, such as a form that is sent
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
        secret_encrypted=encryption.encrypt(secret),
        expires_at=expires_at,
        **_limits(organization, scopes, channels),
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
            _record(
                actor,
                "key.issue",
                key,
                name=name,
                issued_by=str(issued_by.pk),
                expires_at=_iso(expires_at),
                scopes=key.scopes,
                channels=key.channels,
            )
    except IntegrityError:
        raise Conflict("This key has been issued already; its secret is not shown again") from None
    return key, secret


def update_permissions(
    actor: Actor, key: ApiKey, *, scopes: Collection[str] | None, channels: Collection[str] | None
) -> bool:
    """Say anew what `key` may be used for and which channels it reaches, from its next request on; None is all.

    Returns whether that changed anything. Raises Invalid for what does not exist and for nothing at all, Conflict when
    the key is revoked.
    """
    limits = _limits(key.organization, scopes, channels)
    with transaction.atomic():
        known = ApiKey.objects.select_for_update().filter(pk=key.pk, revoked_at=None).first()
        if known is None:
            raise Conflict("This key is revoked")
        before = {name: getattr(known, name) for name in limits}
        changed = {name: [before[name], limits[name]] for name in limits if before[name] != limits[name]}
        if changed:
            ApiKey.objects.filter(pk=key.pk).update(**limits)
            _record(actor, "key.restrict", key, changed=changed)
    key.refresh_from_db()
    return bool(changed)


def rotate(actor: Actor, key: ApiKey, *, overlap: timedelta) -> str:
    """Give `key` a new secret and return it in clear; the old one stays good for `overlap`, up to 30 days.

    `key` is as the caller knew it: when it was rotated or revoked since, this is a Conflict. A secret that was in
    its own overlap ends at once. Raises Invalid for an overlap out of bounds.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("The overlap is between nothing and 30 days")
    now = clock.now()
    if not key.is_valid_at(now):
        raise Conflict("This key is revoked or has expired")
    secret = secrets.token_urlsafe(32)
    until = now + overlap if overlap else None
    known = ApiKey.objects.filter(pk=key.pk, secret_encrypted=key.secret_encrypted, revoked_at=None)
    with transaction.atomic():
        if not known.update(
            secret_encrypted=encryption.encrypt(secret),
            previous_encrypted=key.secret_encrypted if overlap else "",
            previous_until=until,
        ):
            raise Conflict("This key was rotated or revoked by somebody else meanwhile")
        _record(actor, "key.rotate", key, previous_until=_iso(until))
    key.refresh_from_db()
    return secret


def keys_rotated_by(user: User, key_ids: Collection[str]) -> set[str]:
    """Return which of the keys that person has rotated: a rotation shows the secret to whoever asks for it."""
    lines = AuditEvent.objects.filter(
        subject__in=[_subject(key_pk) for key_pk in key_ids],
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


def record_use(key: ApiKey) -> None:
    """Set `last_used_at` to now when the stored value is at least a minute old; otherwise write nothing."""
    now = clock.now()
    stale = now - LAST_USED_PRECISION
    if key.last_used_at is not None and key.last_used_at > stale:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=stale)
    ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


def _limits(
    organization: Organization, scopes: Collection[str] | None, channels: Collection[str] | None
) -> dict[str, Any]:
    """Return the columns in their one form: scopes in the order of their kind, channels sorted. Raises Invalid."""
    given = all_scopes() if scopes is None else [all_scope for all_scope in all_scopes() if all_scope in scopes]
    if not given or set(scopes or ()) - set(given):
        raise Invalid(f"A key has one or more of the scopes {', '.join(Scope.values)}")
    if channels is None:
        return {"scopes": given, "channels": None}
    wanted = set(channels)
    there = set(organization.channels.filter(public_id__in=wanted).values_list("public_id", flat=True))
    if not wanted or wanted - there:
        missing = ", ".join(sorted(item[:80] for item in wanted - there)) or "none of them"
        raise Invalid(f"A key reaches all channels, or one or more of {organization}'s; not {missing}")
    return {"scopes": given, "channels": sorted(wanted)}


def _may_write(user: User, organization: Organization) -> bool:
    return Membership.objects.filter(user=user, organization=organization, role__in=(Role.EDITOR, Role.ADMIN)).exists()


def _record(actor: Actor, verb: str, key: ApiKey, **details: Any) -> None:
    audit_log.record(actor, verb, organization_id=key.organization_id, subject=_subject(key.pk), **details)


def _subject(key_id: str) -> str:
    return f"key:{key_id}"


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
