"""Results of a post by channel: counts, why publishing failed, and what a user can do about it."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from posts.graph import error_codes, errors
from posts.models import Channel, ChannelState, PublishedPost
from scheduling.domain import channel_health
from scheduling.domain.publishing.retry_policy import BLOCKS_WHEN_ABSENT
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost


class Advice(NamedTuple):
    """`reason` is one sentence; `steps` are what the user can do. `change`: only another content can succeed."""

    reason: str
    steps: list[str]
    change: bool = False


RETRY = "Approve a retry, now or for a new time."
RETRY_BY_TWO = "Have two reviewers approve a retry."
VERIFY = (
    "Ask the operator of Dynamo to run `manage.py verify_audit_log --all`, which names what was altered, and to find "
    "the cause. Then approve a retry."
)
CORRECT = "Ask the operator of Dynamo to correct it, then approve a retry."
UPDATE = "Ask the operator of Dynamo to set another GRAPH_VERSION, or to update Dynamo. Then approve a retry."
LATER = "Approve a retry for a later time."
RECONNECT = "Ask an administrator to reconnect the channel under Channels, then approve a retry."
RESUME = "Resolve the block with the platform. An administrator can then resume the channel under Channels."
CHANGE = "Revert it to draft, change it and submit it again."
REVERT = "Or revert it to draft."
LEAVE = "Or do nothing: the post stays published on the other channels."
DUPLICATE = "If the post is on the channel, mark it as published."

OUR_ERRORS: dict[str, Advice] = {
    "MISSED": Advice(
        "It could not be published in time. Late posts are not published without a new approval.", [RETRY]
    ),
    "CHANGED": Advice("The content differed from the approved content.", [RETRY]),
    "NOT_APPROVED": Advice("It had no valid approval.", [RETRY]),
    "ORGANIZATION_INACTIVE": Advice(
        "The organization was inactive.",
        ["Have the organization reactivated, then approve a retry."],
    ),
    "REVIEWER_GONE": Advice("The user who approved it is no longer a reviewer.", [RETRY]),
    "ONE_APPROVER": Advice("It had one valid approval; the organization requires two.", [RETRY_BY_TWO]),
    "NO_SECOND_FACTOR": Advice(
        "It was approved without two-factor authentication, which the organization requires.",
        ["Set up two-factor authentication under Profile, then approve a retry."],
    ),
    "NOT_IN_AUDIT_LOG": Advice("The audit log does not confirm its approval.", [VERIFY]),
    "MEDIA_NOT_STORED": Advice("The approved image or video is not stored.", [], change=True),
    "CHANNEL_DISCONNECTED": Advice("The channel was disconnected.", [RECONNECT]),
    "CHANNEL_NEEDS_RECONNECT": Advice("The platform no longer accepts the channel's access token.", [RECONNECT]),
    "CHANNEL_BLOCKED": Advice("The platform blocked the channel.", [RESUME, RETRY]),
    "NOT_THERE": Advice("A reviewer marked it as not published.", [RETRY]),
    "MediaChanged": Advice("The image or video at this URL is no longer the one that was approved.", [], change=True),
}
GRAPH_ERRORS: list[tuple[type[errors.GraphError], Advice]] = [
    (errors.AuthFailed, Advice("The platform no longer accepts the channel's access token.", [RECONNECT])),
    (errors.PermissionDenied, Advice("The channel's access token lacks a permission.", [RECONNECT])),
    (errors.ConfigurationError, Advice("This installation of Dynamo is configured wrongly.", [CORRECT])),
    (errors.PolicyBlock, Advice("The platform restricts the channel.", [RESUME, RETRY])),
    (
        errors.QuotaReached,
        Advice("The account reached its daily posting limit.", [LATER]),
    ),
    (errors.Duplicate, Advice("The platform rejected this post as a duplicate.", [DUPLICATE], change=True)),
    (
        errors.RemovedFromVersion,
        Advice("The platform no longer takes what Dynamo sends. Nothing is wrong with this post.", [UPDATE]),
    ),
    (errors.InvalidRequest, Advice("The platform rejected this post: trying again cannot help.", [], change=True)),
    (errors.Throttled, Advice("The platform asked for fewer calls. Nothing is wrong with this post.", [LATER])),
    (
        errors.NotFound,
        Advice("The platform did not find the channel or what was uploaded; this often passes.", [LATER, RECONNECT]),
    ),
    *(
        (kind, Advice("The platform had a temporary problem. Nothing is wrong with this post.", [LATER]))
        for kind in (errors.Transient, errors.Ambiguous, errors.NotReady, errors.RestageRequired)
    ),
]
OTHER_ERROR = Advice("The platform returned an error that Dynamo does not know; its message is below.", [RETRY])
UNKNOWN = Advice(
    "The platform did not confirm the result. The post may be published, so it is not retried automatically.",
    ["Check the channel.", "Then mark below whether the post is published there. After that you can approve a retry."],
)
CHANNEL_STATE_WARNINGS: dict[str, str] = {
    ChannelState.NEEDS_RECONNECT: "This channel needs reconnecting",
    ChannelState.BLOCKED: "This channel is blocked by the platform",
    ChannelState.DISCONNECTED: "This channel is disconnected",
}


class ChannelResult(NamedTuple):
    """Result of a finished post on one channel. `counts`: `48 likes · 3 comments`, blank before they are synced."""

    delivery: Delivery
    counts: str
    advice: Advice | None


def channel_results(posts: Sequence[ScheduledPost]) -> dict[UUID, list[ChannelResult]]:
    """Return the results of the finished posts by post id, in one query.

    Needs the posts loaded by `for_wire`.
    """
    finished = [post for post in posts if post.status in {Status.PUBLISHED, Status.FAILED}]
    counts = engagement_counts(finished)
    results: dict[UUID, list[ChannelResult]] = {}
    for post in finished:
        deliveries = post.deliveries.all()
        revertible = not any(
            delivery.state in {DeliveryState.PUBLISHED, DeliveryState.UNKNOWN} for delivery in deliveries
        )
        results[post.pk] = [
            ChannelResult(
                delivery,
                counts.get((delivery.channel_id, delivery.platform_post_id), ""),
                failure_help(delivery, revertible=revertible),
            )
            for delivery in deliveries
        ]
    return results


def engagement_counts(posts: Sequence[ScheduledPost]) -> dict[tuple[int, str], str]:
    """Return likes, comments and shares as text by channel id and platform post id.

    One query, none without published deliveries.
    """
    published = [delivery for post in posts for delivery in post.deliveries.all() if delivery.platform_post_id]
    if not published:
        return {}
    rows = PublishedPost.objects.filter(
        channel__in={delivery.channel_id for delivery in published},
        platform_id__in={delivery.platform_post_id for delivery in published},
        deleted_at=None,
    )
    return {
        (row.channel_id, row.platform_id): _format_counts(likes=row.likes, comments=row.comments, shares=row.shares)
        for row in rows.only("channel_id", "platform_id", "likes", "comments", "shares")
    }


def _format_counts(**counts: int | None) -> str:
    named = ((name if count != 1 else name[:-1], count) for name, count in counts.items() if count is not None)
    return " · ".join(f"{count:,} {name}" for name, count in named)


def failure_help(delivery: Delivery, *, revertible: bool) -> Advice | None:
    """Return the advice for a delivery that is FAILED or UNKNOWN; None for any other state."""
    if delivery.state == DeliveryState.UNKNOWN:
        return UNKNOWN
    if delivery.state != DeliveryState.FAILED:
        return None
    advice = OUR_ERRORS.get(delivery.error_code) or _graph_error_help(delivery.error_code)
    last = LEAVE if not revertible else CHANGE if advice.change else REVERT
    return advice._replace(steps=[*advice.steps, last])


def channel_warnings(post: ScheduledPost) -> list[tuple[Channel, str]]:
    """Return the channels on which a waiting or scheduled post will not be published in their present state.

    Needs the deliveries with their channels.
    """
    if post.status not in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED}:
        return []
    channels = [delivery.channel for delivery in post.deliveries.all()]
    return [
        (channel, CHANNEL_STATE_WARNINGS[channel.state])
        for channel in channels
        if channel.state != ChannelState.CONNECTED
    ]


def _graph_error_help(code: str) -> Advice:
    if cause := channel_health.cause_of(code):
        return Advice(cause, [RETRY])
    error_class = errors.PolicyBlock if code in BLOCKS_WHEN_ABSENT else _error_class(code)
    return next((advice for known_class, advice in GRAPH_ERRORS if issubclass(error_class, known_class)), OTHER_ERROR)


def _error_class(label: str) -> type[errors.GraphError]:
    """Return the exception class for a stored error code: "190/463", "190" or the name of the class."""
    code, _, subcode = label.partition("/")
    if code.lstrip("-").isdecimal():
        row = error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)
        return row.kind if row else errors.GraphError
    error_class = getattr(errors, label, errors.GraphError)
    is_graph_error = isinstance(error_class, type) and issubclass(error_class, errors.GraphError)
    return error_class if is_graph_error else errors.GraphError
