import secrets
import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from accounts import clock


class User(AbstractUser):
    """A person. Permissions follow from memberships, not from Django's permission system."""

    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, for example Europe/Lisbon")
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Incremented to end all sessions of the user."
    )

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the hash that a session must contain: a changed password or epoch ends the session."""
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac("accounts.models.User.session", value, secret=secret, algorithm="sha256").hexdigest()


class Organization(models.Model):
    """The tenant. Every row of the other apps belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    active = models.BooleanField(default=True)
    allow_self_approval = models.BooleanField(
        default=False, help_text="For organizations of one person: reviewers can approve what they wrote themselves."
    )
    second_approver = models.BooleanField(
        default=False, help_text="Two different reviewers have to approve the same content before it is scheduled."
    )
    require_mfa = models.BooleanField(
        default=False, help_text="Reviewers need two-factor authentication to decide on a post."
    )
    require_full_signature = models.BooleanField(
        default=False, help_text="API requests must carry the signature that covers method, path and body."
    )
    reviewers_may_correct = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Reviewers can correct the captions of a waiting post together with their approval.",
    )
    require_if_match = models.BooleanField(
        default=False,
        db_default=False,
        help_text="API requests must name the version of a post that a person edited last.",
    )
    publishing_paused_at = models.DateTimeField(null=True, editable=False)
    publishing_pause_reason = models.CharField(max_length=300, blank=True, default="", db_default="", editable=False)
    time_zone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", help_text="IANA name: the default of people who join."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "VIEWER", "Viewer"
    EDITOR = "EDITOR", "Editor"
    ADMIN = "ADMIN", "Admin"


class Membership(models.Model):
    """The permissions of a user in one organization. `may_review` is independent of the role."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    may_review = models.BooleanField(default=False, help_text="Can approve and schedule posts.")
    review_channels = models.JSONField(
        null=True, blank=True, help_text="Public ids of the channels that the member can review, null for all."
    )
    muted_notification_kinds = models.JSONField(
        default=list, blank=True, help_text="The kinds of notification that are not sent to the member."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class TotpDevice(models.Model):
    """A user's authenticator app.

    `secret_encrypted` is the TOTP seed as hex, `recovery` the SHA-256 hashes of the recovery codes. `last_step` is the
    time step of the last accepted code: neither it nor an earlier one is accepted again. `failures` counts consecutive
    wrong codes. Until `confirmed_at` is set the device is pending and has no effect.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="totp_device")
    secret_encrypted = models.TextField(editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)
    recovery = models.JSONField(default=list, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)


class Invitation(models.Model):
    """An invitation by e-mail to join an organization. Its link works once, until `expires_at`."""

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
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    identity_confirmed_at = models.DateTimeField(
        null=True, editable=False, help_text="Until then the user counts as the inviter. See domain.identities."
    )
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
    """What a key may be used for. A request without the needed scope gets 403."""

    READ = "read", "Read: lists, posts, insights, comments, exports"
    DRAFT = "draft", "Draft: create, change, delete and submit posts"
    QUEUE = "queue", "Queue: reject and revert"
    WEBHOOKS = "webhooks", "Webhooks: see and change the organization's webhooks"


def all_scopes() -> list[str]:
    return list(Scope.values)


def new_key_id() -> str:
    """Return a new public id for an API key. It is not secret, but random, so that it cannot be probed for."""
    return f"dk_{secrets.token_hex(12)}"


class ApiKey(models.Model):
    """A key of one organization. HMAC needs the secret in clear, so it is encrypted and not hashed."""

    id = models.CharField(primary_key=True, max_length=40, default=new_key_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    secret_encrypted = models.TextField(editable=False)
    previous_encrypted = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(default=all_scopes)
    channels = models.JSONField(
        null=True, blank=True, help_text="Public ids of the channels that the key has access to, null for all."
    )
    allow_bearer = models.BooleanField(
        default=False,
        db_default=False,
        help_text="The secret may be sent as a bearer token, for clients that cannot sign.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def is_valid_at(self, time: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or time < self.expires_at)


class IdempotencyKey(models.Model):
    """A POST request that had an `Idempotency-Key`, and the answer to it. See domain.idempotency.

    `name` is what the client sent. `request_digest` is the SHA-256 of path and body.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body_encrypted = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "name"], name="one_answer_each")]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} of {self.api_key_id}"


class ActorKind(models.TextChoices):
    PERSON = "PERSON", "person"
    KEY = "KEY", "API key"
    WORKER = "WORKER", "worker"


class AuditEvent(models.Model):
    """An entry of the audit log. It is never updated and has no foreign keys, so that it outlives its object.

    `signature` is a nonce and the HMAC over it and all other columns, so that access to the database alone does not
    suffice to forge an event. It is null on events that other software inserted.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField(db_index=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=100, help_text="The object of the event, as kind:id.")
    state_from = models.CharField(max_length=30, blank=True)
    state_to = models.CharField(max_length=30, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)
    signature = models.CharField(max_length=96, null=True, editable=False)  # noqa: DJ001  see the docstring

    class Meta:
        # `unique=True` would add a second index, for LIKE.
        constraints = [models.UniqueConstraint(fields=["signature"], name="one_audit_event_per_signature")]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_organization"),
            models.Index(fields=["subject", "id"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.verb} {self.subject}"


class AuditChainLink(models.Model):
    """A link of an organization's hash chain: `hash` covers the event and the previous hash. See audit_log.seal."""

    organization_id = models.UUIDField()
    position = models.PositiveBigIntegerField()
    event_id = models.BigIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "position"], name="one_seal_each")]
        default_permissions = ()


class KeyCheck(models.Model):
    """One row: a known value, encrypted, by which each process checks its encryption keys when it starts."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value_encrypted = models.TextField(editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_key_check")]
