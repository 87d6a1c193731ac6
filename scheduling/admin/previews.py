"""One channel's preview: the post as its public will see it on a phone.

Where a feed folds a caption. Instagram shows its first three lines and advises 125 characters to be seen whole
(help.instagram.com/1643471055915254). Meta publishes no number for Facebook: phones are seen to fold after about 110
characters and desktops after about 480 (posttruncate.com/en/platform-limits), so 110 is approximate. Over a reel both
show about one line; 55 is what fits, by our own count. A story has no caption on Instagram.

How a feed cuts a picture. Instagram takes 4:5 to 1.91:1 and shows that whole (graph-api, section 3). Facebook's feed
cuts what is taller than 4:5, approximately. Reels and stories fill 9:16, with bars around what is not.
"""

from dataclasses import dataclass

from posts.admin.superpowers import describe_superpower, superpower_title
from posts.models import ChannelType
from scheduling.admin.failure_help import Advice, failure_help
from scheduling.models import Delivery, DeliveryState, ScheduledPost

LINES = 3
FOLDS = {
    ("instagram", "POST"): 125,
    ("facebook", "POST"): 110,
    ("instagram", "REEL"): 55,
    ("facebook", "REEL"): 55,
}
MORE = {"instagram": "more", "facebook": "See more"}
OUTCOMES = {
    DeliveryState.PENDING: ("quiet", "Waiting for its turn"),
    DeliveryState.STAGED: ("blue", "Prepared on the platform, not public yet"),
    DeliveryState.PUBLISHED: ("green", "Live"),
    DeliveryState.FAILED: ("red", "Did not go live"),
    DeliveryState.UNKNOWN: ("amber", "Not known whether it is live"),
}


@dataclass(frozen=True)
class ChannelPreview:
    """One channel's preview with what became of it. `tone` and `outcome` are empty until publishing begins.

    `shown` is what the feed shows of the caption before `more`, empty where it shows all of it; `told` says so to the
    person. `advice` says what a person can do; `sent`: whether anything was ever sent there; `numbers`: likes and such.
    """

    delivery: Delivery
    network: str
    frame: str
    shown: str
    more: str
    told: str
    superpower: str
    sentences: list[str]
    tone: str
    outcome: str
    advice: Advice | None
    sent: bool
    numbers: str


def card(post: ScheduledPost, delivery: Delivery, *, revertible: bool, sent: bool, numbers: str = "") -> ChannelPreview:
    """Return the preview of one channel. Needs the delivery with its channel."""
    tone, outcome = OUTCOMES[DeliveryState(delivery.state)] if delivery.state else ("", "")
    network = "facebook" if delivery.channel.type == ChannelType.FB_PAGE else "instagram"
    length = FOLDS.get((network, post.type))
    shown = truncate_caption(delivery.caption, length) if length else ""
    return ChannelPreview(
        delivery=delivery,
        network=network,
        frame={"REEL": "reel", "STORY": "story"}.get(post.type, "feed"),
        shown=shown,
        more=MORE[network],
        told=f"Phones fold it after about {length} characters or {LINES} lines." if shown else "",
        superpower=superpower_title(delivery.superpower),
        sentences=describe_superpower(delivery.superpower),
        tone=tone,
        outcome=outcome,
        advice=failure_help(delivery, revertible=revertible),
        sent=sent,
        numbers=numbers,
    )


def truncate_caption(caption: str, length: int) -> str:
    """Return what stands before the fold, cut between words where that is possible; empty when nothing is folded."""
    lines = caption.split("\n")
    shown = "\n".join(lines[:LINES])
    if len(shown) > length:
        cut = shown[: length + 1]
        at = max(cut.rfind(" "), cut.rfind("\n"))
        shown = cut[:at] if at > length // 2 else shown[:length]
    return shown.rstrip() if len(shown.rstrip()) < len(caption.rstrip()) else ""
