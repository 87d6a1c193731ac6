"""Preview of a post on one channel, as on a phone.

Caption length before "See more": Instagram shows three lines and recommends at most 125 characters
(help.instagram.com/1643471055915254). Meta publishes no number for Facebook; phones cut after about 110 characters and
desktops after about 480 (posttruncate.com/en/platform-limits), so 110 is approximate. Over a reel both show about one
line; 55 characters is our own measurement. A story has no caption on Instagram.

Cropping: Instagram accepts images from 4:5 to 1.91:1 and shows them uncropped (graph-api, section 3). Facebook's feed
crops images taller than about 4:5. Reels and stories fill 9:16, with bars around other formats.
"""

from collections.abc import Sequence
from typing import NamedTuple

from posts.admin.superpower_description import Description, describe_in_full
from posts.domain.superpowers import template_of, templates_of
from posts.models import ChannelType, SuperpowerTemplate
from scheduling.admin.results import Advice, failure_help
from scheduling.models import ChannelCheck, Delivery, DeliveryState, ScheduledPost

LINES = 3
MANY_LINES = 12
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

    checkup          the last check of the channel, with its name and handle on the platform; None before the first
    other_name       whether the channel's name here is neither of them
    shown, folded    the caption: the part that the feed shows before the link `more`, and the rest; blank if it shows
                     the whole caption
    hint             explains to the reviewer where the feed cuts the caption; blank if it does not
    lines            number of lines, if the caption has many or empty ones that the page shortens
    superpower       the description of the superpower with all of its values
    outcome          with the colour `tone`, blank until publishing starts
    attempted        whether a publishing request was ever made for this channel
    counts           likes, comments and shares as text
    """

    delivery: Delivery
    checkup: ChannelCheck | None
    other_name: bool
    network: str
    frame: str
    shown: str
    folded: str
    more: str
    hint: str
    lines: str
    superpower: Description | None
    tone: str
    outcome: str
    advice: Advice | None
    attempted: bool
    counts: str


class PreviewContext(NamedTuple):
    """What the previews of many posts need besides the posts: the superpowers' templates, the channels' last checks."""

    templates: dict[str, SuperpowerTemplate]
    checkups: dict[int, ChannelCheck]


def load_preview_context(posts: Sequence[ScheduledPost]) -> PreviewContext:
    deliveries = [delivery for post in posts for delivery in post.deliveries.all()]
    checkups = ChannelCheck.objects.in_bulk({delivery.channel_id for delivery in deliveries})
    return PreviewContext(templates_of(delivery.superpower for delivery in deliveries), checkups)


def channel_preview(
    post: ScheduledPost,
    delivery: Delivery,
    known: PreviewContext,
    *,
    revertible: bool = False,
    attempted: bool = False,
    counts: str = "",
) -> ChannelPreview:
    """Return the preview of one channel. Needs the delivery with its channel."""
    tone, outcome = OUTCOMES[delivery.state]
    network = NETWORKS[delivery.channel.type]
    template = template_of(delivery.superpower, post.organization_id, known.templates)
    checkup = known.checkups.get(delivery.channel_id)
    length = VISIBLE_LENGTHS.get((network, post.type))
    shown, folded = split_at_fold(delivery.caption, length) if length else (delivery.caption, "")
    hint = f"“{MORE[network]}” appears after about {length} characters or {LINES} lines." if folded else ""
    return ChannelPreview(
        delivery=delivery,
        checkup=checkup,
        other_name=bool(checkup and checkup.account and not checkup.is_named(delivery.channel.name)),
        network=network.lower(),
        frame={"REEL": "reel", "STORY": "story"}.get(post.type, "feed"),
        shown=shown,
        folded=folded,
        more=MORE[network],
        hint=hint,
        lines=_line_count(delivery.caption),
        superpower=describe_in_full(delivery.superpower, template),
        tone=tone,
        outcome=outcome,
        advice=failure_help(delivery, revertible=revertible),
        attempted=attempted,
        counts=counts,
    )


def split_at_fold(caption: str, length: int) -> tuple[str, str]:
    """Return the first LINES lines, cut between words to about `length`, and the rest; together they are the caption.

    The rest is blank if the feed shows all but white space at the end. White space at the cut is in the first part.
    """
    visible = "\n".join(caption.split("\n")[:LINES])
    if len(visible) > length:
        cut = visible[: length + 1]
        end = max(cut.rfind(" "), cut.rfind("\n"))
        visible = cut[:end] if end > length // 2 else visible[:length]
    end = len(visible.rstrip())
    if end >= len(caption.rstrip()):
        return caption, ""
    end += len(caption[end:]) - len(caption[end:].lstrip(" \n")) if caption[end] in " \n" else 0
    return caption[:end], caption[end:]


def _line_count(caption: str) -> str:
    lines = caption.strip("\n").split("\n")
    empty = sum(not line.strip() for line in lines)
    if len(lines) <= MANY_LINES and empty <= MANY_LINES // 2:
        return ""
    return f"{len(lines):,} lines, {empty:,} of them empty." if empty else f"{len(lines):,} lines."
