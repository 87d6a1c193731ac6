"""Two organizations with the same contents, distinguished by a word in all their texts, and the actors."""

import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.files.base import ContentFile
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import clock, encryption
from accounts.admin.api_keys import secret_fingerprint
from accounts.domain import actors, invitations
from accounts.models import ApiKey, AuditEvent, Membership, Organization, Role, User
from posts.domain import comment_export, media_store
from posts.domain.channel_tokens import PERMISSIONS
from posts.domain.facebook_login import Answer
from posts.domain.published_posts import record_published
from posts.graph.login import PageAccount
from posts.models import Channel, DataDeletion, FacebookLogin, MediaFile, SuperpowerTemplate
from scheduling.admin import webhooks
from scheduling.domain import content, drafts, media_inspection, review
from scheduling.domain.drafts import ChannelText
from scheduling.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Notification,
    NotificationDelivery,
    SavedView,
    ScheduledPost,
    Webhook,
)
from tests.dynamo.sandbox.calls import Caller as Platform
from tests.helpers import SignedClient, approve, as_reviewer, stamp
from tests.services.sandbox import FACEBOOK, OTHER_FACEBOOK, PlatformAccount, SandboxControl

PASSWORD = "a-password-of-the-matrix"
# Role and right to review, in each organization. The issuer of the key is no actor.
PEOPLE = {
    "viewer": (Role.VIEWER, False),
    "editor": (Role.EDITOR, False),
    "reviewer": (Role.VIEWER, True),
    "administrator": (Role.ADMIN, False),
    "chief": (Role.ADMIN, True),
    "issuer": (Role.EDITOR, False),
}
STATES = ("draft", "waiting", "rejected", "scheduled", "failed")
READING = ("GET", "HEAD", "OPTIONS")


class Tenant:
    """An organization and its contents. `ids` are those that URLs name, `review_fields` what review pages send."""

    def __init__(self, word: str, account: PlatformAccount, sandbox: SandboxControl) -> None:
        self.word, self.account = word, account
        self.organization = Organization.objects.create(name=f"{word}-organization", reviewers_may_correct=True)
        self.users: dict[str, User] = {}
        self.review_fields: dict[str, str] = {}
        for name, (role, may_review) in PEOPLE.items():
            user = User.objects.create_user(f"{word}-{name}", f"{word}-{name}@example.com", PASSWORD, is_staff=True)
            Membership.objects.create(organization=self.organization, user=user, role=role, may_review=may_review)
            user.raw_password = PASSWORD  # type: ignore[attr-defined]
            self.users[name] = user
        self.key: Any = ApiKey.objects.create(
            organization=self.organization,
            name=f"{word}-key",
            issued_by=self.users["issuer"],
            secret_encrypted=encryption.encrypt(f"{word}-secret-of-the-key"),
            allow_bearer=True,
        )
        self.key.secret = f"{word}-secret-of-the-key"
        self.channel = Channel.objects.create(
            organization=self.organization,
            public_id=account.public_id,
            type=account.type,
            platform_id=account.id,
            name=f"{word}-channel",
            token_encrypted=encryption.encrypt(account.token),
        )
        self.ids = {"key": self.key.pk, "channel": str(self.channel.pk), "wire": self.channel.public_id}
        for state in STATES:
            self._create_post(state, sandbox.media(f"{word}-picture.jpg"))
        self._create_published_post(sandbox)
        self._create_notifications()
        self._create_login()
        template = SuperpowerTemplate.objects.create(
            organization=self.organization,
            name=f"{word}-template",
            lookup_hashtag=f"{word}-tag",
            document={"name": f"{word}-template", "hashtag": f"{word}-tag", "templateType": "GENERAL"},
        )
        viewer = self.users["viewer"]
        issuer = self.users["issuer"]  # signs in nowhere, which would end the link
        uid = urlsafe_base64_encode(force_bytes(issuer.pk))
        self.ids |= {
            "phrase": f"{word}-caption",
            "deletion": DataDeletion.objects.create(code=f"{word}-confirmation").pk,
            "template": str(template.pk),
            "organization": str(self.organization.pk),
            "password_link": f"{uid}/{default_token_generator.make_token(issuer)}",
            "membership": str(viewer.memberships.get().pk),
            "user": str(viewer.pk),
            "view": str(SavedView.objects.create(user=viewer, name=f"{word}-view").pk),
            "event": str(AuditEvent.objects.filter(organization_id=self.organization.pk).latest("pk").pk),
        }

    def _create_post(self, state: str, media: str) -> None:
        actor = actors.api_key_actor(self.key)
        changes: drafts.Changes = {
            "media": media,
            "media_type": "IMAGE",
            "scheduled_for": clock.now() + timedelta(hours=1),
            "channels": {self.channel.public_id: ChannelText("FB_PAGE", f"{self.word}-caption of {state}")},
        }
        post = drafts.create(actor, organization=self.organization, changes=changes, submit=state != "draft")
        media_inspection.inspect_media(str(post.pk), post.version)
        post.refresh_from_db()
        post_digest = content.current_content(post)[1]
        if state == "rejected":
            review.reject(actor, post, notes=f"{self.word}-notes")
        if state in {"scheduled", "failed"}:
            approve(as_reviewer(self.users["chief"], self.organization), post)
        if state == "failed":  # as a worker leaves a post whose outcome is unknown
            delivery, approval = post.deliveries.get(), post.approvals.get()
            Attempt.objects.create(delivery=delivery, approval=approval, lease_id=uuid.uuid4(), finished_at=clock.now())
            Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.UNKNOWN)
            failed = {"status": "FAILED", "task_id": None, "failure_reason": f"{self.word}-failure"}
            ScheduledPost.objects.filter(pk=post.pk).update(**failed)
            self.ids["delivery"] = str(delivery.pk)
        revision = ScheduledPost.objects.get(pk=post.pk).revision
        self.ids[state] = str(post.pk)
        self.review_fields |= {f"{state}_digest": post_digest, f"{state}_turn": str(revision)}

    def _create_published_post(self, sandbox: SandboxControl) -> None:
        post_id = Platform(sandbox, self.account).edge("feed", message=f"{self.word}-caption")["id"]
        record_published(
            channel=self.channel, platform_id=post_id, type="POST", caption=f"{self.word}-caption", media_url=None,
            media_type=None, permalink=None, published_at=clock.now(), superpower=None, scheduled_post_id=None,
        )  # fmt: skip
        live = self.channel.published_posts.get()
        live.thumbnail.save("thumbnail.jpg", ContentFile(b"small"))
        media_file = MediaFile.objects.filter(organization=self.organization).latest("created_at")
        self.ids["media_file"] = str(media_file.pk)
        self.ids["media_link"] = media_store.public_url(media_file).removeprefix(f"{settings.PUBLIC_URL}/media/")
        self.ids |= {"published": post_id, "live": str(self.channel.published_posts.get().pk)}
        self.ids["export"] = comment_export.store_export(self.channel, post_id)[1]

    def _create_notifications(self) -> None:
        webhook = Webhook.objects.create(
            organization=self.organization,
            url=f"https://{self.word}-hooks.example.com/",
            secret_encrypted=encryption.encrypt(f"{self.word}-secret-of-the-webhook"),
            kinds=["REJECTED"],
        )
        notice = Notification.objects.create(
            organization=self.organization, kind="REJECTED", dedupe_key=f"{self.word}-once"
        )
        dispatch = NotificationDelivery.objects.create(notice=notice, means="WEBHOOK", webhook=webhook, state="FAILED")
        chief, guest = actors.user_actor(self.users["chief"]), f"{self.word}-guest@example.com"
        invitation, token = invitations.invite(chief, organization=self.organization, email=guest, role="VIEWER")
        self.ids |= {"webhook": str(webhook.pk), "dispatch": str(dispatch.pk)}
        self.ids |= {"invitation": str(invitation.pk), "joining": token}

    def _create_login(self) -> None:
        """The administrator has answered the dialog of Facebook Login, and has not chosen yet."""
        page = PageAccount(self.account.id, f"{self.word}-page", token=self.account.token)
        answer = Answer("", {permission.name: "granted" for permission in PERMISSIONS}, [page])
        login = FacebookLogin.objects.create(
            organization=self.organization,
            user=self.users["administrator"],
            nonce=f"{self.word}-nonce",
            answer_encrypted=encryption.encrypt(json.dumps(asdict(answer))),
        )
        self.ids["login"] = str(login.pk)

    @cached_property
    def secrets(self) -> list[str]:
        """What no answer may contain."""
        encrypted = ApiKey.objects.get(pk=self.key.pk).secret_encrypted, self.channel.token_encrypted
        return [self.key.secret, self.account.token, *encrypted]

    @cached_property
    def private(self) -> list[str]:
        """What no answer to another organization may contain: the word of its texts, its ids, its secrets."""
        small = {"phrase", "channel", "live", "membership", "user", "event", "delivery", "dispatch", "view"}
        return [f"{self.word}-", *(text for name, text in self.ids.items() if name not in small), *self.secrets]


def absent_ids(ids: dict[str, str]) -> dict[str, str]:
    """Return ids of the same form, of things that do not exist."""

    def absent(name: str, value: str) -> str:
        digest = hashlib.sha256(name.encode()).hexdigest()
        if name == "wire":
            return "FB_PAGE_1".ljust(len(value), "0")
        if name == "published":
            return "".join("7" if letter.isdecimal() else letter for letter in value)
        if value.isdecimal():
            return str(10**8 + int(digest[:6], 16))
        if name == "key":
            # The start is kept: the admin reads "_40" in an id as a quoted "@" and looks for both.
            return value[: len("dk_40")] + digest[: len(value) - len("dk_40")]
        # Of a phrase, each word is a condition of the query.
        if name in {"deletion", "export", "joining", "media_link", "password_link", "phrase"}:
            return re.sub(r"[^ -]", "x", value)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, value))

    return {name: absent(name, value) for name, value in ids.items()}


@dataclass
class Actor:
    """A caller and the organization it belongs to, if any. `csrf_token` is sent with every form.

    `reads` is False for a browser that another site drives: that site cannot see the answer.
    """

    name: str
    tenant: Tenant
    member: bool = True
    user: User | None = None
    signed: SignedClient | None = None
    bearer: bool = False  # sends the key's secret instead of a signature
    client: Client = field(default_factory=Client)
    csrf_token: str = ""
    reads: bool = True

    def __post_init__(self) -> None:
        self.client.raise_request_exception = False
        self.cookies = self.client.cookies.output(header="", sep=";")

    @property
    def memberships(self) -> set[uuid.UUID]:
        """The ids of the organizations that the actor belongs to: one or none."""
        return {self.tenant.organization.pk} if self.member else set()

    def send(self, method: str, path: str, data: dict[str, Any]) -> Any:
        """Send JSON to the API and a form to the admin. Every request starts with the cookies of the login."""
        self.client.cookies = SimpleCookie(self.cookies)
        headers = self.signed.signature() if self.signed else {}
        if self.signed and self.bearer:
            headers = {"authorization": f"Bearer {self.signed.key.pk}.{self.signed.secret}"}
        if method in READING:
            return self.client.generic(method, path, headers=headers)
        if path.startswith("/v1") or path == "/mcp":
            return self.client.generic(method, path, json.dumps(data), "application/json", headers=headers)
        form = {**data, **({"csrfmiddlewaretoken": self.csrf_token} if self.csrf_token else {})}
        kind = "application/x-www-form-urlencoded"
        return self.client.generic(method, path, urlencode(form, doseq=True), kind, headers=headers)


def _login(user: User, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf)
    assert client.login(username=user.get_username(), password=PASSWORD)
    return client


def _csrf_token(client: Client) -> str:
    client.get("/admin/password_change/")
    return client.cookies["csrftoken"].value


class Scenario:
    """`home` is the organization of most actors; nothing of `other` may reach them. `root` is a superuser."""

    def __init__(self, sandbox: SandboxControl) -> None:
        self.root = User.objects.create_superuser("root", "root@example.com", PASSWORD)
        self.media = sandbox.media()
        self.home = home = Tenant("casa", FACEBOOK, sandbox)
        self.other = other = Tenant("rival", OTHER_FACEBOOK, sandbox)
        found = [
            Actor("anonymous", home, member=False),
            Actor("key", home, signed=SignedClient(home.key)),
            Actor("bearer key", home, signed=SignedClient(home.key), bearer=True),
            Actor("other key", other, signed=SignedClient(other.key)),
            *(
                Actor(name, home, user=home.users[name], client=_login(home.users[name]))
                for name in ("viewer", "editor", "reviewer", "administrator")
            ),
            Actor("outsider", other, user=other.users["chief"], client=_login(other.users["chief"])),
            Actor("superuser", home, member=False, user=self.root, client=_login(self.root)),
            self._ended_session(),
            self._cross_site_form(),
        ]
        self.actors = {actor.name: actor for actor in found}

    def values(self, tenant: Tenant, **more: Any) -> dict[str, Any]:
        """Return what requests about the tenant are formatted with."""
        return {
            **tenant.ids,
            **tenant.review_fields,
            "word": tenant.word,
            "account": tenant.account.id,
            "token": tenant.account.token,
            "key_fingerprint": secret_fingerprint(tenant.key),
            "webhook_fingerprint": webhooks.fingerprint(Webhook.objects.get(organization=tenant.organization)),
            "media": self.media,
            "root": str(self.root.pk),
            "in_an_hour": stamp(clock.now() + timedelta(hours=1)),
            **more,
        }

    def _ended_session(self) -> Actor:
        """Return an administrator and reviewer's browser that kept its cookies, after the logout."""
        client = _login(self.home.users["chief"], csrf=True)
        token, cookies = _csrf_token(client), client.cookies.output(header="", sep=";")
        client.post("/admin/logout/", {"csrfmiddlewaretoken": token})
        client.cookies = SimpleCookie(cookies)
        return Actor("ended session", self.home, member=False, client=client, csrf_token=token)

    def _cross_site_form(self) -> Actor:
        """Return the same person's browser that sends a form of another site, with a token of another session."""
        foreign = _csrf_token(_login(self.home.users["viewer"]))
        client = _login(self.home.users["chief"], csrf=True)
        _csrf_token(client)
        return Actor("cross-site form", self.home, client=client, csrf_token=foreign, reads=False)


ACTORS = (
    "anonymous", "key", "bearer key", "other key", "viewer", "editor", "reviewer", "administrator", "outsider",
    "superuser", "ended session", "cross-site form",
)  # fmt: skip
