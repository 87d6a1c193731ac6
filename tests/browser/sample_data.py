"""Sample data of a guest house with posts in every status, so that every page has content."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from accounts import clock
from accounts.domain import actors, invitations
from accounts.models import ApiKey, AuditEvent, Invitation, Organization, Role, User
from dynamo.demo.sample_posts import SAMPLE_POSTS
from dynamo.demo.seed import GREETER
from posts.domain import channels, superpowers
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from scheduling.domain import content, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.notifications import recipients, webhooks
from scheduling.domain.publishing import run
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost, Webhook
from tests.services.sandbox import SandboxControl


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

    @property
    def audit_events(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(organization_id=self.organization.pk)


@dataclass(frozen=True)
class Cast:
    """The fixtures from which the scene is made."""

    organization: Organization
    key: ApiKey
    author: User
    facebook: Channel
    instagram: Channel
    sandbox: SandboxControl
    make_draft: Callable[..., Any]
    make_member: Callable[..., User]
    seat: Callable[..., Any]


def make(cast: Cast) -> Scene:
    """Create the posts of the demo and advance each to its planned status."""
    person = cast.make_member("rita", cast.organization, "ADMIN", may_review=True)
    User.objects.filter(pk=person.pk).update(
        time_zone="Europe/Lisbon", first_name="Rita", last_name="Revisora", is_superuser=True
    )
    password = person.raw_password  # type: ignore[attr-defined]
    person.refresh_from_db()
    person.raw_password = password
    User.objects.filter(pk=cast.author.pk).update(first_name="Ana", last_name="Autora")
    template = _template(cast)
    by_type = {cast.facebook.type: cast.facebook, cast.instagram.type: cast.instagram}
    for plan in SAMPLE_POSTS:
        superpower = {"creativeTemplateId": str(template.pk)} if plan.superpower else None
        post = cast.make_draft(
            actor=None if plan.by_agent else actors.user_actor(cast.author),
            submit=plan.outcome != "draft",
            media=plan.media and cast.sandbox.media(plan.media),
            media_type="IMAGE" if plan.media else None,
            scheduled_for=plan.due and clock.now() + plan.due,
            brief="The sunset is from Tuesday, room 4, with the guest's consent." if plan.superpower else None,
            channels={
                by_type[kind].public_id: ChannelText(kind, text, superpower) for kind, text in plan.texts.items()
            },
        )
        _advance(cast, person, post, plan.outcome, plan.notes)
    created_at = clock.now() - timedelta(minutes=40)
    ScheduledPost.objects.filter(status=Status.WAITING_FOR_APPROVAL).update(created_at=created_at)
    _add_disconnected_channel(actors.user_actor(cast.author), cast.organization)
    posts = {str(post.status): post for post in ScheduledPost.objects.order_by("-scheduled_for", "id")}
    live = PublishedPost.objects.order_by("id").first()
    assert live is not None
    hook, _ = webhooks.add(
        actors.user_actor(person), organization=cast.organization, url=cast.sandbox.url, kinds=["APPROVED", "FAILED"]
    )
    recipients.fan_out()
    invited, invitation = invitations.invite(
        actors.user_actor(person), organization=cast.organization, email="otto@example.com", role=Role.EDITOR
    )
    return Scene(
        person, cast.organization, cast.key, cast.facebook, cast.instagram, posts, live, template,
        hook, invited, invitation,
    )  # fmt: skip


def _advance(cast: Cast, person: User, post: ScheduledPost, outcome: str, notes: str) -> None:
    if outcome == "rejected":
        review.reject(actors.user_actor(person), post, notes=notes)
    if outcome not in {"published", "failed", "scheduled"}:
        return
    publish_now = outcome == "published"
    review.approve(
        seated(cast, person), post, revision=post.revision, digest=content.current_content(post)[1], now=publish_now
    )
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


def seated(cast: Cast, person: User) -> Any:
    return cast.seat(person, cast.organization)


def _add_disconnected_channel(actor: actors.Actor, organization: Organization) -> None:
    given = {"type": "INSTAGRAM_ACCOUNT", "platform_id": "17841400000000077", "name": "casadosol.cozinha"}
    channel = channels.connect(actor, organization=organization, token="a-token-that-expired", **given)
    channels.mark_needs_reconnect(actor, channel, reason="The access token expired yesterday.")


def _template(cast: Cast) -> SuperpowerTemplate:
    return superpowers.write(actors.user_actor(cast.author), organization=cast.organization, document=GREETER)
