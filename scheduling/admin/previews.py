"""Preview of a post on one channel, as on a phone.

Caption length before "See more": Instagram shows three lines and recommends at most 125 characters
(help.instagram.com/1643471055915254). Meta publishes no number for Facebook; phones cut after about 110 characters and
desktops after about 480 (posttruncate.com/en/platform-limits), so 110 is approximate. Over a reel both show about one
line; 55 characters is our own measurement. A story has no caption on Instagram.

Cropping: Instagram accepts images from 4:5 to 1.91:1 and shows them uncropped (graph-api, section 3). Facebook's feed
crops images taller than about 4:5. Reels and stories fill 9:16, with bars around other formats.
"""

from typing import NamedTuple

from posts.models import ChannelType
from scheduling.admin.results import Advice, failure_help
from scheduling.models import Delivery, DeliveryState, ScheduledPost

LINES = 3
NETWORKS: dict[str, str] = {ChannelType.FB_PAGE: "Facebook", ChannelType.INSTAGRAM_ACCOUNT: "Instagram"}
VISIBLE_LENGTHS = {
    ("Instagram", "POST"): 125,
    ("Facebook", "POST"): 110,
    ("Instagram", "REEL"): 55,
    ("Facebook", "REEL"): 55,
}
MORE = {"Instagram": "more", "Facebook": "See more"}
OUTCOMES: dict[str, tuple[str, str]] = {
    "": ("", ""),
    DeliveryState.PENDING: ("quiet", "Pending"),
    DeliveryState.STAGED: ("blue", "Uploaded, not public yet"),
    DeliveryState.PUBLISHED: ("green", "Published"),
    DeliveryState.FAILED: ("red", "Failed"),
    DeliveryState.UNKNOWN: ("amber", "Outcome unknown"),
}


class ChannelPreview(NamedTuple):
    """Preview of the post on one channel, with its outcome.

    visible_caption  the part that the feed shows before the link `more`; blank if it shows the whole caption
    hint             explains to the reviewer where the feed cuts the caption; blank if it does not
    outcome          with the colour `tone`, blank until publishing starts
    attempted        whether a publishing request was ever made for this channel
    counts           likes, comments and shares as text
    """

    delivery: Delivery
    network: str
    frame: str
    visible_caption: str
    more: str
    hint: str
    tone: str
    outcome: str
    advice: Advice | None
    attempted: bool
    counts: str


def channel_preview(
    post: ScheduledPost, delivery: Delivery, *, revertible: bool, attempted: bool, counts: str
) -> ChannelPreview:
    """Return the preview of one channel. Needs the delivery with its channel."""
    tone, outcome = OUTCOMES[delivery.state]
    network = NETWORKS[delivery.channel.type]
    length = VISIBLE_LENGTHS.get((network, post.type))
    visible_caption = truncate_caption(delivery.caption, length) if length else ""
    hint = f"“{MORE[network]}” appears after about {length} characters or {LINES} lines." if visible_caption else ""
    return ChannelPreview(
        delivery=delivery,
        network=network.lower(),
        frame={"REEL": "reel", "STORY": "story"}.get(post.type, "feed"),
        visible_caption=visible_caption,
        more=MORE[network],
        hint=hint,
        tone=tone,
        outcome=outcome,
        advice=failure_help(delivery, revertible=revertible),
        attempted=attempted,
        counts=counts,
    )


def truncate_caption(caption: str, length: int) -> str:
    """Return the first LINES lines, cut between words to about `length`; blank if that is the whole caption."""
    visible = "\n".join(caption.split("\n")[:LINES])
    if len(visible) > length:
        cut = visible[: length + 1]
        end = max(cut.rfind(" "), cut.rfind("\n"))
        visible = cut[:end] if end > length // 2 else visible[:length]
    return visible.rstrip() if len(visible.rstrip()) < len(caption.rstrip()) else ""
