"""API keys: create, restrict, rotate, revoke. A secret is returned in clear only by the function that creates it."""

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
    all_scopes,
    new_key_id,
)

MAX_OVERLAP = timedelta(days=30)
LAST_USED_PRECISION = timedelta(minutes=1)
_KEY_ID = re.compile(r"dk_[0-9a-f]{24}")


def create_api_key(
    actor: Actor,
    *,
    organization: Organization,
    name: str,
    expires_at: datetime | None = None,
    scopes: Collection[str] | None = None,
    channels: Collection[str] | None = None,
    allow_bearer: bool = False,
    key_id: str | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret in clear.

    The actor is responsible for the key and must be an active EDITOR or ADMIN. `scopes` and `channels` (public ids)
    limit it; None is all. With `allow_bearer` its secret may be sent as a bearer token. A caller that may run twice,
    such as a form, passes a `key_id` from `new_key_id`: the second call raises Conflict. Raises Invalid otherwise.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or "\x00" in name:
        raise Invalid("Give the key a name of at most 100 characters")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("The expiry is in the past")
    writers = Membership.objects.filter(organization=organization, role__in=(Role.EDITOR, Role.ADMIN))
    if actor.user is None or not actor.user.is_active or not writers.filter(user=actor.user).exists():
        raise Invalid(f"{actor.user} cannot be responsible for a key: only editors and admins of {organization} can")
    if key_id is not None and not _KEY_ID.fullmatch(key_id):
        raise Invalid("Invalid key id")
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id or new_key_id(),
        organization=organization,
        name=name,
        issued_by=actor.user,
        secret_encrypted=encryption.encrypt(secret),
        expires_at=expires_at,
        allow_bearer=allow_bearer,
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
                issued_by=str(actor.user.pk),
                expires_at=expires_at.isoformat() if expires_at else None,
                scopes=key.scopes,
                channels=key.channels,
                allow_bearer=key.allow_bearer,
            )
    except IntegrityError:
        raise Conflict("This key has already been created; its secret cannot be displayed again") from None
    return key, secret


def update_permissions(
    actor: Actor,
    key: ApiKey,
    *,
    scopes: Collection[str] | None,
    channels: Collection[str] | None,
    allow_bearer: bool,
) -> bool:
    """Replace scopes, channels (None: all) and `allow_bearer`; return whether that changed any. Locks.

    Raises Invalid, Conflict.
    """
    limits = {**_limits(key.organization, scopes, channels), "allow_bearer": allow_bearer}
    with transaction.atomic():
        stored = ApiKey.objects.select_for_update().filter(pk=key.pk, revoked_at=None).first()
        if stored is None:
            raise Conflict("This key is revoked")
        before = {name: getattr(stored, name) for name in limits}
        changed = {name: [before[name], limits[name]] for name in limits if before[name] != limits[name]}
        if changed:
            ApiKey.objects.filter(pk=key.pk).update(**limits)
            _record(actor, "key.restrict", key, changed=changed)
    key.refresh_from_db()
    return bool(changed)


def rotate(actor: Actor, key: ApiKey, *, overlap: timedelta) -> str:
    """Create a new secret and return it in clear; the old one remains valid for `overlap`, at most MAX_OVERLAP.

    A secret from an earlier rotation stops working. Raises Conflict when the key was rotated or revoked since `key` was
    loaded, Invalid for an overlap out of bounds.
    """
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise Invalid("The overlap must be between 0 and 30 days")
    now = clock.now()
    if not key.is_valid_at(now):
        raise Conflict("This key is revoked or has expired")
    secret = secrets.token_urlsafe(32)
    until = now + overlap if overlap else None
    unchanged = ApiKey.objects.filter(pk=key.pk, secret_encrypted=key.secret_encrypted, revoked_at=None)
    with transaction.atomic():
        if not unchanged.update(
            secret_encrypted=encryption.encrypt(secret),
            previous_encrypted=key.secret_encrypted if overlap else "",
            previous_until=until,
        ):
            raise Conflict("Another user has rotated or revoked this key")
        _record(actor, "key.rotate", key, previous_until=until.isoformat() if until else None)
    key.refresh_from_db()
    return secret


def keys_rotated_by(user_ids: Collection[int], key_ids: Collection[str]) -> dict[str, set[int]]:
    """Return by key which of the users have ever rotated it: a rotation displays the secret."""
    rotations = AuditEvent.objects.filter(
        subject__in=[f"key:{key_id}" for key_id in key_ids],
        verb="key.rotate",
        actor_kind=ActorKind.PERSON,
        actor_id__in=[str(user_id) for user_id in user_ids],
    ).values_list("subject", "actor_id")
    rotated: dict[str, set[int]] = {}
    for subject, user_id in rotations:
        rotated.setdefault(subject.partition(":")[2], set()).add(int(user_id))
    return rotated


def revoke(actor: Actor, key: ApiKey) -> None:
    """Refuse all further requests signed with the key. Raises Conflict when it is already revoked."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()):
            raise Conflict("This key is already revoked")
        _record(actor, "key.revoke", key)
    key.refresh_from_db()


def record_use(key: ApiKey) -> None:
    """Set `last_used_at` to now when the stored value is at least a minute old; otherwise write nothing."""
    now = clock.now()
    stale = now - LAST_USED_PRECISION
    if key.last_used_at is not None and key.last_used_at > stale:
        return
    outdated = Q(last_used_at=None) | Q(last_used_at__lte=stale)
    ApiKey.objects.filter(outdated, pk=key.pk).update(last_used_at=now)


def _limits(
    organization: Organization, scopes: Collection[str] | None, channels: Collection[str] | None
) -> dict[str, Any]:
    """Return the columns in canonical form: scopes in the order of Scope, channels sorted. Raises Invalid."""
    valid_scopes = [scope for scope in all_scopes() if scopes is None or scope in scopes]
    if not valid_scopes or set(scopes or ()) - set(valid_scopes):
        raise Invalid(f"A key has one or more of the scopes {', '.join(Scope.values)}")
    if channels is None:
        return {"scopes": valid_scopes, "channels": None}
    wanted = set(channels)
    unknown = wanted - set(organization.channels.filter(public_id__in=wanted).values_list("public_id", flat=True))
    if not wanted or unknown:
        problem = f"unknown: {', '.join(sorted(channel[:80] for channel in unknown))}" if unknown else "none given"
        raise Invalid(f"A key has access to all channels, or to one or more channels of {organization} ({problem})")
    return {"scopes": valid_scopes, "channels": sorted(wanted)}


def _record(actor: Actor, verb: str, key: ApiKey, **details: Any) -> None:
    audit_log.record(actor, verb, organization_id=key.organization_id, subject=f"key:{key.pk}", **details)
