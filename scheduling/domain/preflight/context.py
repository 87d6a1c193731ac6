"""Loads what the checks of many posts need besides the posts, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts import clock
from posts.domain.superpowers import templates_of
from posts.models import ChannelType, PostType, PublishedPost, SuperpowerTemplate
from scheduling.domain.channel_health import last_errors
from scheduling.domain.content import caption_hash
from scheduling.domain.validation import media_of
from scheduling.lifecycle import Status
from scheduling.models import ChannelCheck, Delivery, DeliveryState, MediaItem, ScheduledPost

NEAR = timedelta(minutes=10)
LATELY = timedelta(days=30)
DAY = timedelta(days=1)
ROWS = 2000  # of each kind; more neighbouring posts are ignored
COMING = (Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.PUBLISHING)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class NeighbouringPost:
    """Another post on the same channel: its scheduled or publication time; `live`: it is published, or may be.

    `status` is UNKNOWN for a post that may be published.
    """

    post_id: UUID | None
    at: datetime | None
    live: bool
    status: str = ""


@dataclass
class CheckContext:
    """By channel: its last check, the error code of its last post, and neighbouring or similar posts.

    `planned`: of Instagram accounts, in the day before; `planned_reels` and `published_reels`: of Pages, for a reel.

    `templates`: by id, those that the superpowers were made from.
    """

    checkups: dict[int, ChannelCheck] = field(default_factory=dict)
    last_error: dict[int, str] = field(default_factory=dict)
    near: dict[int, list[NeighbouringPost]] = field(default_factory=lambda: defaultdict(list))
    planned: dict[int, list[NeighbouringPost]] = field(default_factory=lambda: defaultdict(list))
    planned_reels: dict[int, list[NeighbouringPost]] = field(default_factory=lambda: defaultdict(list))
    published_reels: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    same_caption: dict[tuple[int, str], list[NeighbouringPost]] = field(default_factory=lambda: defaultdict(list))
    same_media: dict[tuple[int, str], list[NeighbouringPost]] = field(default_factory=lambda: defaultdict(list))
    templates: dict[str, SuperpowerTemplate] = field(default_factory=dict)


def load_context(posts: Sequence[ScheduledPost]) -> CheckContext:
    known = CheckContext()
    deliveries = [delivery for post in posts for delivery in post.deliveries.all()]
    channels = {delivery.channel_id for delivery in deliveries}
    if not channels:
        return known
    known.checkups = {checkup.channel_id: checkup for checkup in ChannelCheck.objects.filter(channel__in=channels)}
    known.last_error = last_errors(channels)
    organizations = {post.organization_id for post in posts}
    times = [post.scheduled_for for post in posts if post.scheduled_for]
    for channel, other in _planned(organizations, channels, [(at - NEAR, at + NEAR) for at in times], COMING):
        known.near[channel].append(other)
    instagram = {
        delivery.channel_id for delivery in deliveries if delivery.channel.type == ChannelType.INSTAGRAM_ACCOUNT
    }
    if instagram:
        for channel, other in _planned(organizations, instagram, [(at - DAY, at) for at in times], COMING[1:]):
            known.planned[channel].append(other)
    _reels(known, posts, organizations)
    known.templates = templates_of(delivery.superpower for delivery in deliveries)
    captions = {caption_hash(delivery.caption) for delivery in deliveries} - {""}
    media = {sha256 for post in posts for sha256 in media_hashes(post)}
    _captions(known, captions, channels)
    _media(known, media, organizations, channels)
    _published(known, captions, media, organizations, channels)
    return known


def _reels(known: CheckContext, posts: Sequence[ScheduledPost], organizations: set[UUID]) -> None:
    """Add the planned and our published reels of the Pages that one of `posts` is a reel for."""
    reels = [post for post in posts if post.type == PostType.REEL]
    deliveries = [delivery for post in reels for delivery in post.deliveries.all()]
    pages = {delivery.channel_id for delivery in deliveries if delivery.channel.type == ChannelType.FB_PAGE}
    if not pages:
        return
    times = [post.scheduled_for for post in reels if post.scheduled_for]
    for channel, other in _planned(organizations, pages, [(at - DAY, at) for at in times], COMING[1:], PostType.REEL):
        known.planned_reels[channel].append(other)
    rows = PublishedPost.objects.filter(
        channel__in=pages,
        type=PostType.REEL,
        scheduled_post_id__isnull=False,
        published_at__gt=clock.now() - DAY,
    )
    for channel, at in rows.order_by("-published_at").values_list("channel_id", "published_at")[:ROWS]:
        known.published_reels[channel].append(at)


def media_hashes(post: ScheduledPost) -> list[str]:
    """Return the hash of each stored medium of the post."""
    return [sha256 for medium in media_of(post) if (sha256 := medium.media_sha256)]


def _planned(
    organizations: set[UUID],
    channels: set[int],
    spans: list[Span],
    statuses: Sequence[Status],
    post_type: PostType | None = None,
) -> Iterator[tuple[int, NeighbouringPost]]:
    """Yield channel and post of the posts due within any of the spans. Two queries, both by an index."""
    within = Q()
    for first, last in _merged(spans):
        within |= Q(scheduled_for__range=(first, last))
    if not within:
        return
    posts = ScheduledPost.objects.filter(within, organization__in=organizations, status__in=statuses)
    if post_type is not None:
        posts = posts.filter(type=post_type)
    rows = {pk: (at, status) for pk, at, status in posts.values_list("pk", "scheduled_for", "status")[:ROWS]}
    on = Delivery.objects.filter(post__in=list(rows), channel__in=channels).values_list("post_id", "channel_id")
    for post_id, channel_id in on:
        at, status = rows[post_id]
        yield channel_id, NeighbouringPost(post_id, at, live=False, status=str(status))


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _captions(known: CheckContext, keys: set[str], channels: set[int]) -> None:
    ours = Delivery.objects.filter(channel__in=channels, caption_hash__in=keys).exclude(post__status=Status.REJECTED)
    rows = ours.values_list(
        "channel_id", "caption_hash", "post_id", "post__scheduled_for", "post__status", "published_at", "state"
    )
    for channel, key, post_id, at, status, published_at, state in rows.order_by("-id")[:ROWS]:
        known.same_caption[channel, key].append(_neighbour(post_id, at, status, published_at, state))


def _neighbour(
    post_id: UUID, at: datetime | None, status: str, published_at: datetime | None, state: str
) -> NeighbouringPost:
    unknown = state == DeliveryState.UNKNOWN
    status = str(DeliveryState.UNKNOWN if unknown else status)
    return NeighbouringPost(post_id, published_at or at, live=bool(published_at) or unknown, status=status)


def _published(
    known: CheckContext, captions: set[str], media: set[str], organizations: set[UUID], channels: set[int]
) -> None:
    """Add what is published on the channels: imported posts, and ours also when the scheduled post is gone."""
    rows = PublishedPost.objects.filter(channel__in=channels, published_at__gte=clock.now() - LATELY, deleted_at=None)
    # The channels imply them. The newest of an organization are read in order, those of several channels sorted first.
    rows = rows.filter(organization__in=organizations)
    columns = rows.values_list("channel_id", "caption", "media_sha256", "published_at", "scheduled_post_id")
    for channel, caption, sha256, at, post_id in columns.order_by("-published_at")[:ROWS]:
        published = NeighbouringPost(post_id, at, live=True)
        if caption and (key := caption_hash(caption)) in captions:
            known.same_caption[channel, key].append(published)
        if sha256 in media:
            known.same_media[channel, sha256].append(published)


def _media(known: CheckContext, hashes: set[str], organizations: set[UUID], channels: set[int]) -> None:
    alike = ScheduledPost.objects.filter(organization__in=organizations, media_sha256__in=hashes)
    alike = alike.exclude(status=Status.REJECTED).order_by("-scheduled_for")
    items = MediaItem.objects.filter(post__organization__in=organizations, media_sha256__in=hashes)
    items = items.exclude(post__status=Status.REJECTED).order_by("-post__scheduled_for")
    rows: dict[UUID, tuple[datetime | None, str]] = {}
    of_post: dict[UUID, set[str]] = defaultdict(set)
    for pk, sha256, at, status in [
        *alike.values_list("pk", "media_sha256", "scheduled_for", "status")[:ROWS],
        *items.values_list("post_id", "media_sha256", "post__scheduled_for", "post__status")[:ROWS],
    ]:
        rows[pk] = (at, str(status))
        of_post[pk].add(sha256)
    on = Delivery.objects.filter(post__in=list(rows), channel__in=channels)
    for post_id, channel, published_at, state in on.values_list("post_id", "channel_id", "published_at", "state"):
        neighbour = _neighbour(post_id, *rows[post_id], published_at, state)
        for sha256 in of_post[post_id]:
            known.same_media[channel, sha256].append(neighbour)
