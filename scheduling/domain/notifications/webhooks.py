"""An organization's webhooks: added, changed, rotated, tried out, removed. The secret leaves here once, when made."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import clock, encryption
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Invalid
from accounts.models import Organization
from scheduling.domain import enqueue, media_url
from scheduling.models import NoticeKind, Notification, NotificationDelivery, NotificationMedium, Webhook

WANTED = [kind for kind in NoticeKind if kind != NoticeKind.TEST]
LONGEST = 2048
OVERLAP = timedelta(days=1)
MOST = 10  # of an organization: each is one more call for each notice


def add(
    actor: Actor, *, organization: Organization, url: str, kinds: Sequence[str], hook_id: UUID | None = None
) -> tuple[Webhook, str]:
    """Add a webhook; return it with its secret in clear. A form that may be sent twice gives a `hook_id`.

    Raises Invalid for an address that is not to be called or unknown kinds, Conflict for a second time or too many.
    """
    secret = secrets.token_urlsafe(32)
    hook = Webhook(
        id=hook_id or uuid4(),
        organization=organization,
        url=_checked(url),
        kinds=_known(kinds),
        secret_encrypted=encryption.encrypt(secret),
        created_by=actor.user,
    )
    if Webhook.objects.filter(organization=organization).count() >= MOST:
        raise Conflict(f"There are {MOST} webhooks already: remove one first")
    try:
        with transaction.atomic():
            hook.save(force_insert=True)
            _record(actor, "webhook.add", hook)
    except IntegrityError:
        raise Conflict("This webhook has been added already; its secret is not shown again") from None
    return hook, secret


def change(actor: Actor, hook: Webhook, *, url: str, kinds: Sequence[str], active: bool) -> None:
    """Change where it goes and what it is told; not `active`, nothing is sent to it. Raises Invalid."""
    hook.url, hook.kinds, hook.active = _checked(url), _known(kinds), active
    with transaction.atomic():
        hook.save(update_fields=["url", "kinds", "active"])
        _record(actor, "webhook.change", hook)


def rotate(actor: Actor, hook: Webhook) -> str:
    """Give it a new secret, which signs from now on, and return that in clear. Raises Conflict when somebody just did.

    For the time of OVERLAP the former one signs each call as well, so that the receiver refuses none until it knows the
    new one; a secret that was in its own overlap ends at once.
    """
    secret = secrets.token_urlsafe(32)
    sealed = encryption.encrypt(secret)
    with transaction.atomic():
        known = Webhook.objects.filter(pk=hook.pk, secret_encrypted=hook.secret_encrypted)
        until = clock.now() + OVERLAP
        former = hook.secret_encrypted
        if not known.update(secret_encrypted=sealed, previous_encrypted=former, previous_until=until):
            raise Conflict("Its secret was changed meanwhile; the new one was shown then, and is not shown again")
        _record(actor, "webhook.rotate", hook, previous_until=until.isoformat())
    hook.secret_encrypted, hook.previous_encrypted, hook.previous_until = sealed, former, until
    return secret


def remove(actor: Actor, hook: Webhook) -> None:
    """Remove it, and what the log says of it."""
    with transaction.atomic():
        _record(actor, "webhook.remove", hook)
        hook.delete()


def send_test(actor: Actor, hook: Webhook) -> Notification:
    """Create a notification of kind TEST for this webhook and enqueue it. Raises Conflict for a paused webhook."""
    if not hook.active:
        raise Conflict("It is paused: nothing is sent to it")
    now = clock.now()
    with transaction.atomic():
        notice = Notification.objects.create(
            organization_id=hook.organization_id,
            kind=NoticeKind.TEST,
            details={"by": {"kind": actor.kind, "id": actor.id, "name": actor.name}},
            dedupe_key=f"test:{uuid4()}",
            created_at=now,
            fanned_out_at=now,
        )
        delivery = NotificationDelivery.objects.create(notice=notice, means=NotificationMedium.WEBHOOK, webhook=hook)
        enqueue.deliver_after_commit([delivery.pk])
    return notice


def host(hook: Webhook) -> str:
    """Return where it goes, without what may be secret in the address: its path and its query."""
    return urlsplit(hook.url).netloc


def _checked(url: str) -> str:
    url = url.strip()
    problem = media_url.validate_media_url(url)
    if not problem and len(url) > LONGEST:
        problem = ("", f"is longer than {LONGEST:,} characters")
    if not problem and urlsplit(url).scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        problem = ("", "must begin with https://")
    if problem:
        message = f"The address {problem[1]}"
        raise Invalid(message, [{"path": ["url"], "message": message, "code": "webhook.url"}])
    return url


def _known(kinds: Sequence[str]) -> list[str]:
    unknown = set(kinds) - set(WANTED)
    if unknown or not kinds:
        message = "Choose at least one kind of news"
        raise Invalid(message, [{"path": ["kinds"], "message": message, "code": "webhook.kinds"}])
    return [str(kind) for kind in WANTED if kind in kinds]


def _record(actor: Actor, verb: str, hook: Webhook, **more: str) -> None:
    details = {"host": host(hook), "kinds": hook.kinds, "active": hook.active, **more}
    audit_log.record(actor, verb, organization_id=hook.organization_id, subject=f"webhook:{hook.pk}", **details)
