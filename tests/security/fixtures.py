"""Two organizations with the same furniture: whatever one has, the other has too, under marks that tell them apart."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from accounts import clock, crypto
from accounts.admin.key_forms import fingerprint
from accounts.domain import actors, invitations
from accounts.models import ApiKey, AuditEvent, Membership, Organization, Role, User
from posts.domain import exporting
from posts.domain.published import record_published
from posts.models import Channel, SuperpowerTemplate
from scheduling.admin import webhooks
from scheduling.domain import digest, drafts, inspecting, review
from scheduling.domain.drafts import ChannelText
from scheduling.models import Attempt, Delivery, DeliveryState, Dispatch, Notice, SavedView, ScheduledPost, Webhook
from tests.api_client import stamp
from tests.dynamo.sandbox.calls import Caller as Platform
from tests.services.sandbox import FACEBOOK, OTHER_FACEBOOK, PlatformAccount, SandboxControl

PASSWORD = "a-password-for-the-walk"
# (name, role, may review), in each organization; `clerk` answers for the key, and is nobody's caller.
PEOPLE = {
    "viewer": (Role.VIEWER, False),
    "editor": (Role.EDITOR, False),
    "reviewer": (Role.VIEWER, True),
    "administrator": (Role.ADMIN, False),
    "chief": (Role.ADMIN, True),
    "clerk": (Role.EDITOR, False),
}
Seat = Callable[[User, Organization], Any]


@dataclass
class Side:
    """One organization and what it has. `things` are the ids that addresses name, by the names that the table uses."""

    word: str
    organization: Organization
    account: PlatformAccount
    people: dict[str, User] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)
    key: Any = None
    channel: Any = None
    pages: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def hook_fingerprint(self) -> str:
        """What the form that rotates the webhook's secret carries."""
        return webhooks.fingerprint(Webhook.objects.get(organization=self.organization))

    @cached_property
    def marks(self) -> list[str]:
        """What nobody else may be shown: the word that is part of all its texts and names, its ids, its secrets."""
        numbers = {"phrase", "channel", "live", "membership", "user", "event", "delivery", "dispatch", "view"}
        ids = [value for name, value in self.things.items() if name not in numbers]
        return [f"{self.word}-", str(self.organization.pk), *ids, *self.secrets]

    @property
    def fingerprint(self) -> str:
        """What the form that rotates the key carries."""
        return fingerprint(self.key)

    @cached_property
    def secrets(self) -> list[str]:
        """What not even its own people may be shown."""
        sealed = ApiKey.objects.get(pk=self.key.pk).secret_encrypted, self.channel.token_encrypted
        return [self.key.secret, self.account.token, *sealed]


def raise_side(word: str, account: PlatformAccount, sandbox: SandboxControl, seat: Seat) -> Side:
    """Fill an organization: people of every kind, a key, a channel, a template, posts in every state, one live."""
    side = Side(word, Organization.objects.create(name=f"{word}-organization"), account)
    for name, (role, may_review) in PEOPLE.items():
        user = User.objects.create_user(f"{word}-{name}", f"{word}-{name}@example.com", PASSWORD, is_staff=True)
        user.raw_password = PASSWORD  # type: ignore[attr-defined]
        Membership.objects.create(organization=side.organization, user=user, role=role, may_review=may_review)
        side.people[name] = user
    _key_and_channel(side)
    for state in ("draft", "waiting", "rejected", "scheduled", "failed"):
        _post(side, state, sandbox, seat)
    _live(side, sandbox)
    template = SuperpowerTemplate.objects.create(
        organization=side.organization,
        name=f"{word}-template",
        lookup_hashtag=f"{word}-tag",
        document={"name": f"{word}-template", "hashtag": f"{word}-tag", "templateType": "GENERAL"},
    )
    viewer = side.people["viewer"]
    _told(side)
    side.things |= {
        "phrase": f"{word}-caption",
        "template": str(template.pk),
        "organization": str(side.organization.pk),
        "membership": str(viewer.memberships.get().pk),
        "user": str(viewer.pk),
        "event": str(AuditEvent.objects.filter(organization_id=side.organization.pk).latest("pk").pk),
    }
    return side


def _key_and_channel(side: Side) -> None:
    secret = f"{side.word}-secret-of-the-key"
    side.key = ApiKey.objects.create(
        organization=side.organization,
        name=f"{side.word}-key",
        issued_by=side.people["clerk"],
        secret_encrypted=crypto.encrypt(secret),
    )
    side.key.secret = secret
    side.channel = Channel.objects.create(
        organization=side.organization,
        wire_id=side.account.wire_id,
        type=side.account.type,
        platform_id=side.account.id,
        name=f"{side.word}-channel",
        token_encrypted=crypto.encrypt(side.account.token),
    )
    side.things |= {"key": side.key.pk, "channel": str(side.channel.pk), "wire": side.channel.wire_id}


def changes(side: Side, state: str, media: str) -> drafts.Changes:
    """Return a content that would pass the full publish validation."""
    return {
        "media": media,
        "media_type": "IMAGE",
        "scheduled_for": clock.now() + timedelta(hours=1),
        "channels": {side.channel.wire_id: ChannelText("FB_PAGE", f"{side.word}-caption of {state}")},
    }


def _post(side: Side, state: str, sandbox: SandboxControl, seat: Seat) -> None:
    actor = actors.api_key(side.key)
    given = changes(side, state, sandbox.media(f"{side.word}-picture.jpg"))
    post = drafts.create(actor, organization=side.organization, changes=given, submit=state != "draft")
    inspecting.inspect_media(str(post.pk), post.version)
    post.refresh_from_db()
    its_digest = digest.current(post)[1]
    if state == "rejected":
        review.reject(actor, post, notes=f"{side.word}-notes")
    if state in {"scheduled", "failed"}:
        review.approve(seat(side.people["chief"], side.organization), post, turn=post.turn, digest=its_digest)
    if state == "failed":
        _fail(side, post)
    now = ScheduledPost.objects.get(pk=post.pk)
    side.things[state], side.pages[state] = str(post.pk), {"digest": its_digest, "turn": str(now.turn)}


def _fail(side: Side, post: ScheduledPost) -> None:
    """Leave the post as a worker does that never heard what became of it."""
    delivery = post.deliveries.get()
    approval = post.approvals.get()
    Attempt.objects.create(delivery=delivery, approval=approval, lease=uuid.uuid4(), finished_at=clock.now())
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.UNKNOWN)
    ScheduledPost.objects.filter(pk=post.pk).update(status="FAILED", task_id=None, failure=f"{side.word}-failure")
    side.things["delivery"] = str(delivery.pk)


def _live(side: Side, sandbox: SandboxControl) -> None:
    name = Platform(sandbox, side.account).edge("feed", message=f"{side.word}-caption")["id"]
    record_published(
        channel=side.channel, platform_id=name, type="POST", caption=f"{side.word}-caption", media_url=None,
        media_type=None, permalink=None, published_at=clock.now(), superpower=None, scheduled_post_id=None,
    )  # fmt: skip
    side.things |= {"published": name, "live": str(side.channel.published_posts.get().pk)}
    side.things["export"] = exporting.keep(side.channel, name).token


def _told(side: Side) -> None:
    """A webhook and what went wrong there, an open invitation, a view that somebody keeps."""
    organization, viewer = side.organization, side.people["viewer"]
    webhook = Webhook.objects.create(
        organization=organization,
        url=f"https://{side.word}-hooks.example.com/",
        secret_encrypted=crypto.encrypt(f"{side.word}-secret-of-the-webhook"),
        kinds=["REJECTED"],
    )
    notice = Notice.objects.create(organization=organization, kind="REJECTED", once=f"{side.word}-once")
    dispatch = Dispatch.objects.create(notice=notice, means="WEBHOOK", webhook=webhook, state="FAILED")
    invitation, token = invitations.invite(
        actors.person(side.people["chief"]),
        organization=organization,
        email=f"{side.word}-guest@example.com",
        role="VIEWER",
    )
    side.things |= {
        "webhook": str(webhook.pk),
        "dispatch": str(dispatch.pk),
        "invitation": str(invitation.pk),
        "joining": token,
        "view": str(SavedView.objects.create(user=viewer, name=f"{side.word}-view").pk),
    }


def absent(things: dict[str, str]) -> dict[str, str]:
    """Return ids of the same kinds, of things that do not exist anywhere."""

    def other(name: str, value: str) -> str:
        if name == "wire":
            return "FB_PAGE_1".ljust(len(value), "0")
        if name == "published":
            return "".join("7" if letter.isdecimal() else letter for letter in value)
        if value.isdecimal():
            return str(10**8 + int(hashlib.sha256(name.encode()).hexdigest()[:6], 16))
        if name == "key":
            return f"dk_{hashlib.sha256(value.encode()).hexdigest()[:24]}"
        if name in {"export", "joining"}:
            return "x" * len(value)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, value))

    return {name: other(name, value) for name, value in things.items()}


@dataclass
class Stage:
    """`home` is where most callers belong; the other is whose data they must not reach. `root` belongs nowhere."""

    home: Side
    other: Side
    root: User
    media: str

    @property
    def in_an_hour(self) -> str:
        """An instant as the contract writes it."""
        return stamp(clock.now() + timedelta(hours=1))


def raise_stage(sandbox: SandboxControl, seat: Seat) -> Stage:
    """Fill both organizations."""
    root = User.objects.create_superuser("root", "root@example.com", PASSWORD)
    root.raw_password = PASSWORD  # type: ignore[attr-defined]
    sides = (
        raise_side(word, account, sandbox, seat) for word, account in (("casa", FACEBOOK), ("rival", OTHER_FACEBOOK))
    )
    return Stage(*sides, root, sandbox.media())
