"""Sample data of a guest house with posts in every status, so that every page has content."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import clock, encryption
from accounts.domain import actors, invitations
from accounts.domain.reviewers import Reviewer
from accounts.models import ApiKey, AuditEvent, Invitation, Organization, Role, User
from dynamo.demo.sample_posts import SAMPLE_POSTS
from dynamo.demo.seed import GREETER
from posts.domain import channels, superpowers
from posts.domain.channel_tokens import PERMISSIONS
from posts.domain.facebook_login import Answer
from posts.graph.login import LinkedAccount, PageAccount
from posts.models import Channel, FacebookLogin, PublishedPost, SuperpowerTemplate
from scheduling.domain import content, review
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.domain.notifications import recipients, webhooks
from scheduling.domain.publishing import run
from scheduling.lifecycle import Status
from scheduling.models import ChannelCheck, Delivery, ScheduledPost, Webhook
from tests.services.sandbox import FACEBOOK, SandboxControl


@dataclass(frozen=True)
class Scene:
    """The signed-in user and the sample data. `posts`: the first of each status."""

    person: User
    organization: Organization
    key: ApiKey
    facebook: Channel
    instagram: Channel
    posts: dict[str, ScheduledPost]
    live: PublishedPost
    template: SuperpowerTemplate
    webhook: Webhook
    invited: Invitation
    invitation: str
    colleague: User
    password_link: list[str]
    login: FacebookLogin

    @property
    def waiting(self) -> list[UUID]:
        """The ids of the posts that wait for approval."""
        waiting = ScheduledPost.objects.filter(status=Status.WAITING_FOR_APPROVAL)
        return list(waiting.order_by("scheduled_for").values_list("pk", flat=True))

    @property
    def carousel(self) -> UUID:
        """The id of a waiting post with several images."""
        return ScheduledPost.objects.get(media_count__gt=0).pk

    @property
    def audit_events(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(organization_id=self.organization.pk)


@pytest.fixture
def scene(
    transactional_db: None, organization: Organization, key: ApiKey, author: User, facebook: Channel,
    instagram: Channel, sandbox: SandboxControl, make_draft: Callable[..., Any], make_member: Callable[..., User],
    seat: Callable[..., Any],
) -> Scene:  # fmt: skip
    """Create the posts of the demo and advance each to its planned status."""
    person = make_member("rita", organization, "ADMIN", may_review=True)
    User.objects.filter(pk=person.pk).update(
        time_zone="Europe/Lisbon", first_name="Rita", last_name="Revisora", is_superuser=True
    )
    password = person.raw_password  # type: ignore[attr-defined]
    person.refresh_from_db()
    person.raw_password = password
    User.objects.filter(pk=author.pk).update(first_name="Ana", last_name="Autora")
    Organization.objects.filter(pk=organization.pk).update(reviewers_may_correct=True)
    writer = actors.user_actor(author)
    template = superpowers.write(writer, organization=organization, document=GREETER)
    reviewer = seat(person, organization)
    by_type = {channel.type: channel.public_id for channel in (facebook, instagram)}
    for plan in SAMPLE_POSTS:
        superpower = {"creativeTemplateId": str(template.pk)} if plan.superpower else None
        post = make_draft(
            actor=None if plan.by_agent else writer,
            submit=plan.outcome != "draft",
            media=plan.media and sandbox.media(plan.media),
            media_type="IMAGE" if plan.media else None,
            media_items=[Medium(sandbox.media(name), "IMAGE", alt_text) for name, alt_text in plan.items],
            scheduled_for=plan.due and clock.now() + plan.due,
            brief="The sunset is from Tuesday, room 4, with the guest's consent." if plan.superpower else None,
            channels={by_type[kind]: ChannelText(kind, text, superpower) for kind, text in plan.texts.items()},
        )
        _advance(person, reviewer, post, plan.outcome, plan.notes)
    created_at = clock.now() - timedelta(minutes=40)
    ScheduledPost.objects.filter(status=Status.WAITING_FOR_APPROVAL).update(created_at=created_at)
    _add_disconnected_channel(writer, organization)
    _add_channel_checks(facebook, instagram)
    posts = {str(post.status): post for post in ScheduledPost.objects.order_by("-scheduled_for", "id")}
    live = PublishedPost.objects.order_by("id").first()
    assert live is not None
    manager = actors.user_actor(person)
    hook, _ = webhooks.add(manager, organization=organization, url=sandbox.url, kinds=["APPROVED", "FAILED"])
    recipients.fan_out()
    invited, invitation = invitations.invite(
        manager, organization=organization, email="otto@example.com", role=Role.EDITOR
    )
    link = [urlsafe_base64_encode(force_bytes(author.pk)), default_token_generator.make_token(author)]
    return Scene(
        person, organization, key, facebook, instagram, posts, live, template, hook, invited, invitation, author, link,
        _log_in_to_facebook(person, organization),
    )  # fmt: skip


def _log_in_to_facebook(person: User, organization: Organization) -> FacebookLogin:
    """Store an answer with a connected Page, a new one, one that cannot be chosen, and a declined permission."""
    pages = [
        PageAccount(FACEBOOK.id, FACEBOOK.name, token=FACEBOOK.token, tasks=("CREATE_CONTENT",)),
        PageAccount(
            "100200300400777", "Bar da Praia, Olhão", token="token-of-the-bar", tasks=("CREATE_CONTENT",),
            instagram=LinkedAccount("17841400100200777", "bardapraia.olhao", "Bar da Praia"),
        ),
        PageAccount("100200300400999", "Olhão Turismo", token="token-of-the-town", tasks=("ANALYZE",)),
    ]  # fmt: skip
    statuses = {permission.name: "granted" for permission in PERMISSIONS} | {"read_insights": "declined"}
    answer = encryption.encrypt(json.dumps(asdict(Answer("", statuses, pages))))
    return FacebookLogin.objects.create(
        organization=organization, user=person, nonce="nonce-of-the-scene", answer_encrypted=answer
    )


def _advance(person: User, reviewer: Reviewer, post: ScheduledPost, outcome: str, notes: str) -> None:
    if outcome == "rejected":
        review.reject(actors.user_actor(person), post, notes=notes)
    if outcome not in {"published", "failed", "scheduled"}:
        return
    publish_now = outcome == "published"
    review.approve(reviewer, post, revision=post.revision, digest=content.current_content(post)[1], now=publish_now)
    post.refresh_from_db()
    if publish_now:
        assert run.publish(str(post.pk), str(post.task_id)) == "published"
        PublishedPost.objects.filter(scheduled_post_id=post.pk).update(likes=48, comments=7, shares=3)
    elif outcome == "failed":
        message = "Error validating access token: the session has expired."
        post.apply_transition(
            "fail", task_id=None, failure_reason="Publishing on Casa do Sol failed: the access token has expired."
        )
        Delivery.objects.filter(post=post).update(state="FAILED", error_code="190/463", error_message=message)


def _add_disconnected_channel(actor: actors.Actor, organization: Organization) -> None:
    given = {"type": "INSTAGRAM_ACCOUNT", "platform_id": "17841400000000077", "name": "casadosol.cozinha"}
    channel = channels.connect(actor, organization=organization, token="a-token-that-expired", **given)
    channels.mark_needs_reconnect(actor, channel, reason="The access token expired yesterday.")


def _add_channel_checks(facebook: Channel, instagram: Channel) -> None:
    """Store a check without problems for one channel, and one with every problem of a token for the other."""
    now = clock.now()
    Channel.objects.filter(pk=facebook.pk).update(webhooks_at=now)
    Channel.objects.filter(pk=instagram.pk).update(webhooks_problem="A permission is missing")
    ChannelCheck.objects.create(channel=facebook, at=now, token_checked_at=clock.now(), platform_name=facebook.name)
    ChannelCheck.objects.create(
        channel=instagram,
        at=now,
        token_checked_at=clock.now(),
        platform_name=instagram.name,
        expires_at=now + timedelta(days=6),
        data_access_expires_at=now + timedelta(days=12),
        missing_permissions=["instagram_manage_comments", "instagram_manage_insights"],
        quota_used=50,
        quota_total=50,
    )
