"""Who is calling, and the trail of what they did."""

import secrets
import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from accounts import clock


class User(AbstractUser):
    """A person. What they may do follows from their memberships, not from Django's permissions."""

    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, for example Europe/Lisbon")
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counted up, it signs the person out everywhere."
    )

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session must carry: a session opened under another password or epoch is none any more."""
        known = f"{self.password}:{self.session_epoch}"
        return salted_hmac("accounts.models.User.session", known, secret=secret, algorithm="sha256").hexdigest()


class Organization(models.Model):
    """The tenant. Everything belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    active = models.BooleanField(default=True)
    allow_self_approval = models.BooleanField(
        default=False,
        help_text="For organizations of one person: reviewers may approve what they wrote themselves.",
    )
    second_approver = models.BooleanField(
        default=False, help_text="Two different reviewers have to approve the same content before it is scheduled."
    )
    require_mfa = models.BooleanField(default=False, help_text="Reviewers need a second factor to decide on a post.")
    require_full_signature = models.BooleanField(
        default=False, help_text="API requests must carry the signature that covers method, path and body."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "VIEWER", "Viewer"
    EDITOR = "EDITOR", "Editor"
    ADMIN = "ADMIN", "Admin"


class Membership(models.Model):
    """What a person may do in one organization. `may_review` is a right of its own, whatever the role."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    may_review = models.BooleanField(default=False, help_text="May approve and schedule posts.")
    review_channels = models.JSONField(
        null=True, blank=True, help_text="The ids of the channels that they may review, null for all."
    )
    muted_notification_kinds = models.JSONField(
        default=list, blank=True, help_text="The kinds of e-mail that they do not want."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class TotpDevice(models.Model):
    """A person's authenticator app: what its six digits are computed from, encrypted; hashes of the recovery codes.

    `last_step` is the time step of the last code that was taken: neither it nor an earlier one is taken again.
    `failures` counts wrong codes in a row. Until `confirmed_at` it is only being set up, and protects nothing.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="totp_device")
    secret_encrypted = models.TextField(editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)
    recovery = models.JSONField(default=list, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class Invitation(models.Model):
    """A person is asked, by e-mail, to join an organization. Its link works once, and until `expires_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(help_text="In lower case.")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    may_review = models.BooleanField(default=False)
    review_channels = models.JSONField(null=True, blank=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_each",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"


class Scope(models.TextChoices):
    """What a key may be used for. A key without a scope is told 403."""

    READ = "read", "Read: lists, posts, insights, comments, exports"
    DRAFT = "draft", "Draft: create, change, delete and submit posts"
    QUEUE = "queue", "Queue: reject and revert"


def all_scopes() -> list[str]:
    """Return all scopes, as a new key has them unless it is told otherwise."""
    return list(Scope.values)


def new_key_id() -> str:
    """Return a new public id for an API key: unguessable, so that it cannot be probed for, but not secret."""
    return f"dk_{secrets.token_hex(12)}"


class ApiKey(models.Model):
    """A key pair of one organization. The secret must be recoverable (HMAC), so it is encrypted, and never shown again.

    During a rotation the previous secret stays good until `previous_until`.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_key_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    secret_encrypted = models.TextField(editable=False)
    previous_encrypted = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(default=all_scopes)
    channels = models.JSONField(
        null=True, blank=True, help_text="The ids of the channels that it reaches, null for all."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def is_valid_at(self, instant: datetime) -> bool:
        """Whether requests signed with this key are accepted at `instant`."""
        return self.revoked_at is None and (self.expires_at is None or instant < self.expires_at)


class ActorKind(models.TextChoices):
    PERSON = "PERSON", "person"
    KEY = "KEY", "API key"
    WORKER = "WORKER", "worker"


class AuditEvent(models.Model):
    """One line of the trail. Written once, with no foreign keys: it survives what it speaks of.

    `mark` is a nonce and the HMAC over it and all the other columns: nobody writes an event who has but the database.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField(db_index=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=100, help_text="What it speaks of, as kind:id.")
    state_from = models.CharField(max_length=30, blank=True)
    state_to = models.CharField(max_length=30, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)
    signature = models.CharField(max_length=96, null=True, unique=True, editable=False)  # noqa: DJ001  none on what something else wrote

    class Meta:
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_organization"),
            models.Index(fields=["subject", "id"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.verb} {self.subject}"


class AuditChainLink(models.Model):
    """The chain over the trail: each seal's hash covers its event and the previous seal's hash.

    Events are sealed in the order of their ids shortly after they are committed, by whoever sweeps, so that
    writers never wait for each other; `accounts.domain.audit_log.breaks` finds one that was altered or removed.
    """

    organization_id = models.UUIDField()
    position = models.PositiveBigIntegerField()
    event_id = models.BigIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "position"], name="one_seal_each")]
        default_permissions = ()

    def __str__(self) -> str:
        return f"seal {self.position}"
