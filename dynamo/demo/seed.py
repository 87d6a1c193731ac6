"""The demo's organization in the database, its accounts in the sandbox, and the credentials kept between starts."""

import json
import secrets
import time
import urllib.request
import uuid
import zlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.domain import actors, api_keys
from accounts.models import ApiKey, Membership, Organization, Role, User
from dynamo.demo.sample_posts import CONVERSATION, FACEBOOK, INSTAGRAM, SAMPLE_POSTS, SamplePost, earlier_posts
from posts.domain import superpowers
from posts.domain.channels import connect
from posts.models import Channel, SuperpowerTemplate
from scheduling.domain import content, drafts, review
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.domain.media_inspection import inspect_media
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

PUBLISH_TIMEOUT = 180.0  # seconds
ORGANIZATION = uuid.UUID("5ca5ad05-0100-4000-8000-000000000001")
ACCOUNTS = {FACEBOOK: ("100200300400500", "Casa do Sol"), INSTAGRAM: ("17841400100200300", "casadosol.olhao")}
# What Facebook Login offers beside the connected Page: a second Page, and one without the task to publish.
PERSON = {"id": "6100200300400500", "name": "Alda Administradora"}
TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE"]
MORE_ACCOUNTS = (
    {"type": FACEBOOK, "id": "100200300400777", "name": "Bar da Praia"},
    {"type": INSTAGRAM, "id": "17841400100200777", "name": "Bar da Praia", "username": "bardapraia.olhao",
     "page": "100200300400777"},
    {"type": FACEBOOK, "id": "100200300400999", "name": "Olhão Turismo"},
)  # fmt: skip
GREETER = {
    "name": "Greeter",
    "hashtag": "casadosol",
    "active": True,
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "conditionGroups": [
        {
            "name": "everyone",
            "conditions": [{"conditionType": "USER_ACTION", "userActionType": "COMMENTED", "values": ["any"]}],
            "publicReplies": [{"scope": "PUBLIC", "text": "Obrigado, @[mention_user]! We answer by message."}],
            "autoLike": True,
            "probability": 1,
        }
    ],
}


def credentials_file() -> Path:
    return Path(settings.VAR_DIR).resolve() / "demo" / "credentials.json"


def load_credentials() -> dict[str, Any]:
    """Return the kept credentials; {} at the first start."""
    path = credentials_file()
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file atomically. Its mode is 600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def seed() -> None:
    """Create the organization, its members, key, channels and posts at the first start.

    Later starts keep everything; they only replace credentials that were lost. The credentials are written to the
    credentials file in the same transaction.
    """
    credentials = load_credentials()
    with transaction.atomic():
        organization, new = Organization.objects.get_or_create(pk=ORGANIZATION, defaults={"name": "Casa do Sol"})
        author = _member(credentials, "author", "Ana Autora", organization, Role.EDITOR)
        _member(credentials, "reviewer", "Rui Revisor", organization, Role.VIEWER, may_review=True)
        _member(credentials, "administrator", "Alda Administradora", organization, Role.ADMIN)
        key = _key(credentials, organization, author)
        if new:
            actor = actors.user_actor(author)
            channels = {
                type_: connect(
                    actor, organization=organization, type=type_, platform_id=platform_id, name=name,
                    token=secrets.token_urlsafe(40),
                )
                for type_, (platform_id, name) in ACCOUNTS.items()
            }  # fmt: skip
            template = SuperpowerTemplate.objects.create(
                organization=organization,
                name="Greeter",
                lookup_hashtag=superpowers.normalize_hashtag(str(GREETER["hashtag"])),
                document=GREETER,
            )
            posts = [(sample, _write(sample, channels, author, key, template)) for sample in SAMPLE_POSTS]
            credentials["channels"] = [channel.public_id for channel in channels.values()]
            credentials["to_approve"] = [
                {"post": str(post.pk), "outcome": sample.outcome} for sample, post in posts if sample.needs_approval
            ]
            # Before the commit, so that the first import finds all of them.
            _open_accounts()
            for channel in channels.values():
                _add_earlier_posts(channel)
        write_json(credentials_file(), credentials)
    _open_accounts()


def _add_earlier_posts(channel: Channel) -> None:
    """Create the channel's earlier posts with their comments in the sandbox."""
    earlier = list(earlier_posts(channel.type, clock.now()))
    items = [item for item, _ in earlier]
    posts = call_sandbox("POST", "/__posts", {"account": channel.platform_id, "items": items})["ids"]
    for number, (post, (_, count)) in enumerate(zip(posts, earlier, strict=True)):
        call_sandbox("POST", "/__comments", {"post": post, "count": count, "seed": number})
    tops = [{"author": _author(comment), **_comment_fields(comment)} for comment in CONVERSATION]
    ids = call_sandbox("POST", "/__comments", {"post": posts[-1], "items": tops})["ids"]
    ours = {"id": channel.platform_id, "name": channel.name}
    replies = [
        {"parent": parent, "author": _author(reply) if "author" in reply else ours, **_comment_fields(reply)}
        for parent, comment in zip(ids, CONVERSATION, strict=True)
        for reply in comment.get("replies", [])
    ]
    call_sandbox("POST", "/__comments", {"post": posts[-1], "items": replies})


def _comment_fields(comment: dict[str, Any]) -> dict[str, Any]:
    return {name: comment[name] for name in ("text", "likes") if name in comment}


def _author(comment: dict[str, Any]) -> dict[str, str]:
    """Return the author for the sandbox: an account with an id made of its name, empty for a deleted one."""
    name = comment["author"]
    return {"id": f"69{zlib.crc32(name.encode()):014d}", "name": name} if name else {}


def call_sandbox(method: str, path: str, body: Any = None) -> Any:
    """Send a request to the sandbox's control API, and return its JSON."""
    request = urllib.request.Request(  # noqa: S310  loopback
        settings.GRAPH_BASE_URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return json.load(response)


def _open_accounts() -> None:
    """Create the accounts and the person in the sandbox, or leave them unchanged.

    Channels that were connected by Facebook Login are left out: the sandbox has issued their tokens.
    """
    for channel in Channel.objects.filter(organization_id=ORGANIZATION, connected_by_meta_user=None):
        fields = {"type": channel.type, "id": channel.platform_id, "name": channel.name, "token": channel.token}
        call_sandbox("POST", "/__accounts", fields)
    for account in MORE_ACCOUNTS:
        call_sandbox("POST", "/__accounts", {**account, "token": secrets.token_urlsafe(40)})
    page, instagram = ACCOUNTS[FACEBOOK], ACCOUNTS[INSTAGRAM]
    call_sandbox("POST", "/__accounts", {"id": instagram[0], "username": instagram[1], "page": page[0]})
    pages = {page[0]: TASKS, MORE_ACCOUNTS[0]["id"]: TASKS, MORE_ACCOUNTS[2]["id"]: ["ANALYZE"]}
    call_sandbox("POST", "/__people", {**PERSON, "pages": pages})


def _member(
    credentials: dict[str, Any],
    username: str,
    name: str,
    organization: Organization,
    role: Role,
    *,
    may_review: bool = False,
) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        first, last = name.split()
        email = f"{username}@casadosol.example"
        user = User.objects.create_user(username, email, first_name=first, last_name=last, is_staff=True)
        Membership.objects.create(organization=organization, user=user, role=role, may_review=may_review)
    elif not Membership.objects.filter(organization=organization, user=user).exists():
        raise CommandError(f"The user {username} of this database is not the demo's: use a separate database.")
    new = {"username": username, "password": secrets.token_urlsafe(9)}
    password = credentials.setdefault(username, new)["password"]
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _key(credentials: dict[str, Any], organization: Organization, author: User) -> ApiKey:
    key_id = credentials.get("key", {}).get("id")
    key = ApiKey.objects.filter(pk=key_id, organization=organization, revoked_at=None).first()
    if key is None:
        key, secret = api_keys.create_api_key(
            actors.user_actor(author), organization=organization, name="Demo agent", allow_bearer=True
        )
        credentials["key"] = {"id": key.pk, "secret": secret}
    return key


def _write(
    sample: SamplePost, channels: dict[str, Channel], author: User, key: ApiKey, template: SuperpowerTemplate
) -> ScheduledPost:
    actor = actors.api_key_actor(key) if sample.by_agent else actors.user_actor(author)
    superpower = {"creativeTemplateId": str(template.pk)} if sample.superpower else None
    due = None if sample.due is None else (clock.now() + sample.due).replace(second=0, microsecond=0)
    changes: drafts.Changes = {
        "type": "POST",
        "media": sample.media and f"{settings.GRAPH_BASE_URL}/media/{sample.media}",
        "media_type": "IMAGE" if sample.media else None,
        "media_items": [
            Medium(f"{settings.GRAPH_BASE_URL}/media/{name}", "IMAGE", alt_text) for name, alt_text in sample.items
        ],
        "scheduled_for": due,
        "channels": {
            channels[type_].public_id: ChannelText(type_, text, superpower) for type_, text in sample.texts.items()
        },
    }
    post = drafts.create(actor, organization=key.organization, changes=changes, submit=sample.outcome != "draft")
    if sample.outcome == "rejected":
        review.reject(actors.api_key_actor(key), post, notes=sample.notes)
    return post


def approve_sample_posts() -> None:
    """Approve the sample posts that need it, by the forms of the admin as the demo's reviewer: only these approve.

    Returns when the posts that are published immediately are published or failed. A fault in the sandbox makes one of
    them fail. Raises CommandError when the admin does not approve a post.
    """
    credentials = load_credentials()
    to_approve = credentials.pop("to_approve", [])
    if not to_approve:
        return
    client = Client(SERVER_NAME="127.0.0.1")
    client.post(reverse("admin:login"), credentials["reviewer"])
    for outcome, action in (("scheduled", "approve"), ("published", "publish"), ("failed", "publish")):
        if outcome == "failed":
            refusal = {"route": "POST /[0-9]+/feed", "fault": "error", "code": 100, "status": 400}
            refusal["message"] = "(#100) The link in this post cannot be shared"
            call_sandbox("POST", "/__faults", refusal)
        ids = [entry["post"] for entry in to_approve if entry["outcome"] == outcome]
        for post in ScheduledPost.objects.filter(pk__in=ids, status=Status.WAITING_FOR_APPROVAL):
            inspect_media(str(post.pk), post.version)
            post.refresh_from_db()
            form = {"digest": content.current_content(post)[1], "revision": post.revision}
            client.post(reverse(f"admin:scheduling_scheduledpost_{action}", args=[post.pk]), form)
            post.refresh_from_db()
            if post.status == Status.WAITING_FOR_APPROVAL:
                raise CommandError(f"The admin did not approve the post {post.pk}")
        if action == "publish":
            _wait_until_settled(ids)
    call_sandbox("DELETE", "/__faults")
    client.logout()
    write_json(credentials_file(), credentials)


def _wait_until_settled(ids: list[str]) -> None:
    """Return when the posts are published or failed, or after PUBLISH_TIMEOUT: the sweep then continues."""
    unsettled = ScheduledPost.objects.filter(pk__in=ids).exclude(status__in=[Status.PUBLISHED, Status.FAILED])
    deadline = time.monotonic() + PUBLISH_TIMEOUT
    while unsettled.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
