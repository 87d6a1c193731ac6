"""Why a channel did not get its post, in plain words, and what a person can do about it."""

from dataclasses import dataclass

from posts.graph import error_codes, errors
from posts.models import ChannelState
from scheduling.domain.publishing.retry_policy import BLOCKS_WHEN_ABSENT
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

AGAIN = "Approve another try, for now or for a new instant."
RECONNECT = "Have an administrator connect the channel again, under Channels; then approve another try."
RESUME = "Settle it with the platform; then an administrator resumes the channel, under Channels."
REVERT = "Revert it to draft, change it, and hand it in again."
LEAVE = "Or leave it: what is live on the other channels stays live."
LOOK = "If you find it on the channel after all, mark it as live."

OURS: dict[str, tuple[str, list[str]]] = {
    "MISSED": ("It could not be sent in time, and is not sent late without a person's word.", [AGAIN]),
    "CHANGED": ("What was about to go out was not what had been approved.", [AGAIN]),
    "NOT_APPROVED": ("No live approval stood behind it.", [AGAIN]),
    "ORGANIZATION_INACTIVE": (
        "The organization had been switched off.",
        ["Have the organization switched on again; then approve another try."],
    ),
    "REVIEWER_GONE": ("Whoever had approved it may not review any more.", [AGAIN]),
    "CHANNEL_DISCONNECTED": ("The channel had been disconnected.", [RECONNECT]),
    "CHANNEL_NEEDS_RECONNECT": ("The platform no longer took the channel's access token.", [RECONNECT]),
    "CHANNEL_BLOCKED": ("The platform had blocked the channel.", [RESUME, AGAIN]),
    "NOT_THERE": ("A person looked for it, and it is not there.", [AGAIN]),
    "MediaChanged": ("The picture or film at the address is no longer the one that was approved.", []),
}
THEIRS: list[tuple[type[errors.GraphError], tuple[str, list[str]]]] = [
    (errors.AuthFailed, ("The platform no longer takes the channel's access token.", [RECONNECT])),
    (errors.PermissionDenied, ("The channel's access token lacks a permission.", [RECONNECT])),
    (errors.PolicyBlock, ("The platform holds the channel back.", [RESUME, AGAIN])),
    (errors.QuotaReached, ("The account had used up its posts of the day.", ["Approve another try, for later."])),
    (errors.Duplicate, ("The platform says that it has the same post already.", [LOOK])),
    (errors.InvalidRequest, ("The platform does not take it as it is.", [])),
]
OTHERWISE = ("The platform refused it.", [AGAIN])
UNKNOWN = (
    "The platform never said what became of it. It is not sent again on its own, because it may be live.",
    ["Look at the channel.", "Then say below whether it is there. Only then can another try be approved."],
)
CHANNEL_STATE_WARNINGS = {
    ChannelState.NEEDS_RECONNECT: "This channel needs reconnecting",
    ChannelState.BLOCKED: "This channel is blocked by the platform",
    ChannelState.DISCONNECTED: "This channel is disconnected",
}


@dataclass(frozen=True)
class Advice:
    """`reason` is a sentence; `steps` are what a person can do."""

    reason: str
    steps: list[str]


@dataclass(frozen=True)
class Obstacle:
    """A channel on which the post will not go out unless somebody acts before its instant."""

    delivery: Delivery
    words: str


def failure_help(delivery: Delivery, *, revertible: bool) -> Advice | None:
    """Return the advice for a delivery that failed or is not known; None for any other."""
    if delivery.state == DeliveryState.UNKNOWN:
        return Advice(*UNKNOWN)
    if delivery.state != DeliveryState.FAILED:
        return None
    reason, steps = OURS.get(delivery.error_code) or _theirs(delivery.error_code)
    return Advice(reason, [*steps, REVERT if revertible else LEAVE])


def channel_warnings(post: ScheduledPost) -> list[Obstacle]:
    """Return what stands in the way of a post that waits to go out. Needs the deliveries with their channels."""
    if post.status not in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED}:
        return []
    return [
        Obstacle(delivery, CHANNEL_STATE_WARNINGS[ChannelState(delivery.channel.state)])
        for delivery in post.deliveries.all()
        if delivery.channel.state != ChannelState.CONNECTED
    ]


def _theirs(code: str) -> tuple[str, list[str]]:
    kind = errors.PolicyBlock if code in BLOCKS_WHEN_ABSENT else _kind(code)
    return next((said for one, said in THEIRS if issubclass(kind, one)), OTHERWISE)


def _kind(label: str) -> type[errors.GraphError]:
    """Return the class of an error from its label, "190/463", "190" or the name of the class."""
    code, _, subcode = label.partition("/")
    if code.lstrip("-").isdecimal():
        row = error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)
        return row.kind if row else errors.GraphError
    named = getattr(errors, label, errors.GraphError)
    return named if isinstance(named, type) and issubclass(named, errors.GraphError) else errors.GraphError
