"""The demo's organization in the database, whole or not at all, and its accounts at the sandbox."""

import json
import secrets
import urllib.request
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction

from accounts import clock
from accounts.domain import actors, keys
from accounts.models import ApiKey, Membership, Organization, Role, User
from dynamo.demo import earlier, kept
from dynamo.demo.drafts import FACEBOOK, INSTAGRAM, Plan, plans
from posts.domain import superpowers
from posts.domain.channels import connect
from posts.models import Channel, SuperpowerTemplate
from scheduling.domain import drafts, review
from scheduling.domain.drafts import ChannelText
from scheduling.models import ScheduledPost

ORGANIZATION = uuid.UUID("5ca5ad05-0100-4000-8000-000000000001")
ACCOUNTS = {FACEBOOK: ("100200300400500", "Casa do Sol"), INSTAGRAM: ("17841400100200300", "casadosol.olhao")}
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


def seed() -> dict[str, Any]:
    """Bring the demo's people, key, channels and, at the first start, its posts about; return what was kept of them.

    At a later start everything is left as it is, except that passwords and the key that were lost are made anew.
    `to_do` lists the posts that need the reviewer: `[{"post", "outcome"}]`.
    """
    credentials = kept.load()
    with transaction.atomic():
        organization, new = Organization.objects.get_or_create(pk=ORGANIZATION, defaults={"name": "Casa do Sol"})
        author = _person(credentials, "author", "Ana Autora", organization, Role.EDITOR)
        _person(credentials, "reviewer", "Rui Revisor", organization, Role.VIEWER, may_review=True)
        key = _key(credentials, organization, author)
        if new:
            channels = [_channel(actors.person(author), organization, kind) for kind in ACCOUNTS]
            credentials["channels"] = [one.wire_id for one in channels]
            template = SuperpowerTemplate.objects.create(
                organization=organization,
                name="Greeter",
                lookup_hashtag=superpowers.lookup(str(GREETER["hashtag"])),
                document=GREETER,
            )
            by_type = {one.type: one for one in channels}
            posts = [(plan, _write(plan, by_type, author, key, template)) for plan in plans()]
            credentials["to_do"] = [
                {"post": str(post.pk), "outcome": plan.outcome}
                for plan, post in posts
                if plan.outcome in {"published", "failed", "scheduled"}
            ]
            # Before anybody can see the channels, so that the first import finds all of it.
            open_accounts()
            for channel in channels:
                order = {"account": channel.platform_id, "items": list(earlier.posts(channel.type, clock.now()))}
                tell_sandbox(settings.GRAPH_BASE_URL, "POST", "/__posts", order)
        kept.write(kept.kept_file(), credentials)
    open_accounts()
    return credentials


def open_accounts() -> None:
    """Open the accounts of all the demo's channels at the sandbox; opening one again changes nothing."""
    for channel in Channel.objects.filter(organization_id=ORGANIZATION):
        fields = {"type": channel.type, "id": channel.platform_id, "name": channel.name, "token": channel.token}
        tell_sandbox(settings.GRAPH_BASE_URL, "POST", "/__accounts", fields)


def tell_sandbox(sandbox: str, method: str, path: str, body: Any = None) -> None:
    """Send a control request to the sandbox at that base URL."""
    request = urllib.request.Request(  # noqa: S310  loopback
        sandbox + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()


def media_url(name: str) -> str:
    return f"{settings.GRAPH_BASE_URL}/media/{name}"


def _person(
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
        raise CommandError(f"This database has a user {username} who is not the demo's: use a database of its own.")
    password = credentials.setdefault(username, {"username": username, "password": secrets.token_urlsafe(9)})[
        "password"
    ]
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _key(credentials: dict[str, Any], organization: Organization, author: User) -> ApiKey:
    known = credentials.get("key", {}).get("id")
    key = ApiKey.objects.filter(pk=known, organization=organization, revoked_at=None).first()
    if key is None:
        key, secret = keys.issue(actors.person(author), organization=organization, name="Demo agent", issued_by=author)
        credentials["key"] = {"id": key.pk, "secret": secret}
    return key


def _channel(actor: actors.Actor, organization: Organization, kind: str) -> Channel:
    platform_id, name = ACCOUNTS[kind]
    return connect(
        actor,
        organization=organization,
        type=kind,
        platform_id=platform_id,
        name=name,
        token=secrets.token_urlsafe(40),
    )


def _write(
    plan: Plan, channels: dict[str, Channel], author: User, key: ApiKey, template: SuperpowerTemplate
) -> ScheduledPost:
    actor = actors.api_key(key) if plan.by_agent else actors.person(author)
    superpower = {"creativeTemplateId": str(template.pk)} if plan.superpower else None
    due = None if plan.due is None else (clock.now() + plan.due).replace(second=0, microsecond=0) + timedelta(minutes=1)
    changes: drafts.Changes = {
        "type": plan.type,
        "media": plan.media and media_url(plan.media),
        "media_type": "IMAGE" if plan.media else None,
        "scheduled_for": due,
        "channels": {channels[kind].wire_id: ChannelText(kind, text, superpower) for kind, text in plan.texts.items()},
    }
    post = drafts.create(actor, organization=key.organization, changes=changes, submit=plan.outcome != "draft")
    if plan.outcome == "rejected":
        review.reject(actors.api_key(key), post, notes=plan.notes)
    return post
