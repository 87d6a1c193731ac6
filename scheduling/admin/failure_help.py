"""Explains why publishing on a channel failed, and what a user can do about it."""

from dataclasses import dataclass

from posts.graph import error_codes, errors
from posts.models import ChannelState
from scheduling.domain.publishing.retry_policy import BLOCKS_WHEN_ABSENT
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

RETRY = "Approve a retry, now or for a new time."
RECONNECT = "Ask an administrator to reconnect the channel under Channels, then approve a retry."
RESUME = "Resolve the block with the platform. An administrator can then resume the channel under Channels."
REVERT = "Revert it to draft, change it and submit it again."
LEAVE = "Or do nothing: the post stays published on the other channels."
DUPLICATE = "If the post is on the channel, mark it as published."

OUR_ERRORS: dict[str, tuple[str, list[str]]] = {
    "MISSED": ("It could not be published in time. Late posts are not published without a new approval.", [RETRY]),
    "CHANGED": ("The content differed from the approved content.", [RETRY]),
    "NOT_APPROVED": ("It had no valid approval.", [RETRY]),
    "ORGANIZATION_INACTIVE": (
        "The organization was inactive.",
        ["Have the organization reactivated, then approve a retry."],
    ),
    "REVIEWER_GONE": ("The user who approved it is no longer a reviewer.", [RETRY]),
    "CHANNEL_DISCONNECTED": ("The channel was disconnected.", [RECONNECT]),
    "CHANNEL_NEEDS_RECONNECT": ("The platform no longer accepts the channel's access token.", [RECONNECT]),
    "CHANNEL_BLOCKED": ("The platform blocked the channel.", [RESUME, RETRY]),
    "NOT_THERE": ("A reviewer marked it as not published.", [RETRY]),
    "MediaChanged": ("The image or video at this URL is no longer the one that was approved.", []),
}
GRAPH_ERRORS: list[tuple[type[errors.GraphError], tuple[str, list[str]]]] = [
    (errors.AuthFailed, ("The platform no longer accepts the channel's access token.", [RECONNECT])),
    (errors.PermissionDenied, ("The channel's access token lacks a permission.", [RECONNECT])),
    (errors.PolicyBlock, ("The platform restricts the channel.", [RESUME, RETRY])),
    (errors.QuotaReached, ("The account reached its daily posting limit.", ["Approve a retry for a later time."])),
    (errors.Duplicate, ("The platform rejected this post as a duplicate.", [DUPLICATE])),
    (errors.InvalidRequest, ("The platform rejected this post.", [])),
]
OTHER_ERROR = ("The platform returned an error.", [RETRY])
UNKNOWN = (
    "The platform did not confirm the result. The post may be published, so it is not retried automatically.",
    ["Check the channel.", "Then mark below whether the post is published there. After that you can approve a retry."],
)
CHANNEL_STATE_WARNINGS = {
    ChannelState.NEEDS_RECONNECT: "This channel needs reconnecting",
    ChannelState.BLOCKED: "This channel is blocked by the platform",
    ChannelState.DISCONNECTED: "This channel is disconnected",
}


@dataclass(frozen=True)
class Advice:
    """`reason` is one sentence; `steps` are what the user can do."""

    reason: str
    steps: list[str]


@dataclass(frozen=True)
class ChannelWarning:
    """A channel on which the post will not be published in the channel's present state."""

    delivery: Delivery
    message: str


def failure_help(delivery: Delivery, *, revertible: bool) -> Advice | None:
    """Return the advice for a delivery that is FAILED or UNKNOWN; None for any other state."""
    if delivery.state == DeliveryState.UNKNOWN:
        return Advice(*UNKNOWN)
    if delivery.state != DeliveryState.FAILED:
        return None
    reason, steps = OUR_ERRORS.get(delivery.error_code) or _graph_error_help(delivery.error_code)
    return Advice(reason, [*steps, REVERT if revertible else LEAVE])


def channel_warnings(post: ScheduledPost) -> list[ChannelWarning]:
    """Return the warnings of a waiting or scheduled post. Needs the deliveries with their channels."""
    if post.status not in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED}:
        return []
    return [
        ChannelWarning(delivery, CHANNEL_STATE_WARNINGS[ChannelState(delivery.channel.state)])
        for delivery in post.deliveries.all()
        if delivery.channel.state != ChannelState.CONNECTED
    ]


def _graph_error_help(code: str) -> tuple[str, list[str]]:
    error_class = errors.PolicyBlock if code in BLOCKS_WHEN_ABSENT else _error_class(code)
    return next((text for known_class, text in GRAPH_ERRORS if issubclass(error_class, known_class)), OTHER_ERROR)


def _error_class(label: str) -> type[errors.GraphError]:
    """Return the exception class for a stored error code: "190/463", "190" or the name of the class."""
    code, _, subcode = label.partition("/")
    if code.lstrip("-").isdecimal():
        row = error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)
        return row.kind if row else errors.GraphError
    error_class = getattr(errors, label, errors.GraphError)
    is_graph_error = isinstance(error_class, type) and issubclass(error_class, errors.GraphError)
    return error_class if is_graph_error else errors.GraphError
