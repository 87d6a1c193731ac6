"""`POST /{ig-user}/media` and `media_publish`: checks, containers, publishing and the quota."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request
from dynamo.sandbox.media import content_type, fetch, image_format
from dynamo.sandbox.models import Container, Post
from dynamo.sandbox.state import SandboxContext, now

CAPTION, HASHTAGS, MENTIONS = 2200, 30, 20
IMAGE_BYTES = 8 * 1024 * 1024
NARROWEST, WIDEST = 4 / 5, 1.91
WEB_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}://|(?<![a-z0-9])www\.(?=[a-z0-9_])|(?<![a-z0-9_@.#\uff20\uff03-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?/)"
    r"[^\s<>\"]*",
    re.IGNORECASE,
)
LABEL = r"[^\s@#\uff20\uff03.,;:!?<>()\"]+"
MAIL_ADDRESS = re.compile(rf"(?<![A-Za-z0-9._%+'@#\uff20\uff03-])[A-Za-z0-9._%+'-]+@{LABEL}(?:\.{LABEL})+")


def count_tags(caption: str) -> tuple[int, int]:
    """Return the numbers of hashtags and of mentions; tests/vectors/counting.json has examples."""
    text = MAIL_ADDRESS.sub(" ", WEB_ADDRESS.sub(" ", caption))
    classes = "".join(map(_character_class, text))
    return len(re.findall("(?<![wm])#(?=w)", classes)), len(re.findall("(?<![wm])@(?=w)", classes))


def _character_class(character: str) -> str:
    """Return `w` for a letter, digit or `_`, `m` for a mark, the sign itself, or a space."""
    if character in "#\uff03@\uff20":
        return "#" if character in "#\uff03" else "@"
    category = unicodedata.category(character)
    if category[0] == "L" or category == "Nd" or character == "_":
        return "w"
    # Variation selectors and the keycap, which emoji are written with, are marks as well, but not of a word.
    return "m" if category in {"Mn", "Mc"} and not 0xFE00 <= ord(character) <= 0xFE0F else " "


def check_caption(caption: str) -> None:
    hashtags, mentions = count_tags(caption)
    if len(caption) > CAPTION or hashtags > HASHTAGS or mentions > MENTIONS:
        message = "The submitted caption is too long or holds too many hashtags or mentions"
        shown = ("Caption is too long", "The caption can have 2,200 characters, 30 hashtags and 20 @ tags.")
        raise Refusal(36004, message, subcode=2207010, shown=shown)


def check_image(data: bytes, *, story: bool) -> None:
    """Raise 36000, 36001 or 36003. Stories have any ratio; the platform scales wide images down and refuses none."""
    if len(data) > IMAGE_BYTES:
        raise Refusal(36000, "The image size is too large.", subcode=2207004, shown=("Image size too large", "8 MiB."))
    kind, (width, height) = image_format(data)
    if kind != "JPEG":
        shown = ("Unsupported image format", "The image format is not supported. Supported formats are: JPEG.")
        raise Refusal(36001, "The image format is not supported", subcode=2207005, shown=shown)
    # The tolerance is a pixel of rounding: 1080 x 566 counts as 1.91:1.
    if not story and not NARROWEST - 0.005 <= width / height <= WIDEST + 0.005:
        shown = ("Invalid aspect ratio", "The aspect ratio must be between 4:5 and 1.91:1.")
        raise Refusal(36003, "The submitted image with aspect ratio is not supported", subcode=2207009, shown=shown)


DAY = 86_400  # seconds: of a container's life, of the quotas, and of a story
KINDS = {"": "image", "IMAGE": "image", "REELS": "reel", "VIDEO": "video", "STORIES": "story", "CAROUSEL": "carousel"}


def create_container(context: SandboxContext, request: Request) -> dict[str, Any]:
    params, state, settings = request.params, context.state, context.settings
    kind = KINDS.get(params.text("media_type").upper())
    if kind is None:
        raise Refusal(100, "Unknown media type", subcode=2207023, shown=("Unknown media type", "Not supported."))
    caption = params.text("caption")
    check_caption(caption)
    with state.lock:
        if made_since(state.containers.get(request.account_id, []), now() - DAY) >= settings.containers_per_day:
            raise errors.quota_reached()
        children = _children(context, request) if kind == "carousel" else []
    media = {"media_type": "CAROUSEL_ALBUM"} if kind == "carousel" else _fetch_media(context, request, kind)
    with state.lock:
        container = Container(
            id=state.mint("179", 14),
            account=request.account_id,
            kind=kind,
            caption="" if kind == "story" else caption,
            created_at=now(),
            ready_at=now() + settings.container_seconds,
            children=children,
            is_child=params.flag("is_carousel_item", default=False),
            alt_text=params.text("alt_text"),
            polls=settings.container_polls,
            **media,
        )
        fault = request.fault
        if fault is not None and fault.fault == "slow_container":
            container.ready_at += fault.seconds
        elif fault is not None and fault.fault == "container_error":
            container.error = str(fault.subcode or 2207082)
        return {"id": state.put(container).id}


def made_since(made: Sequence[Container | Post], since: float) -> int:
    """Count the items created after `since` in a list sorted by creation."""
    return len(made) - bisect_right(made, since, key=lambda item: item.created_at)


def _children(context: SandboxContext, request: Request) -> list[str]:
    wanted = [str(child) for child in request.params.items("children")]
    if not 2 <= len(wanted) <= 10:
        raise Refusal(100, "Carousel needs 2 to 10 children", subcode=2207028, shown=("Carousel", "2 to 10 items."))
    for child in wanted:
        node = context.state.find(child)
        if not isinstance(node, Container) or node.account != request.account_id or not node.is_child:
            raise errors.no_such_container()
        if status(node) != "FINISHED":
            raise errors.not_ready()
    return wanted


def _fetch_media(context: SandboxContext, request: Request, kind: str) -> dict[str, str]:
    """Fetch and check the media, and return the container's fields for it.

    An invalid image is refused here, an invalid video in the container's status.
    """
    image, video = request.params.text("image_url"), request.params.text("video_url")
    url = video if kind in {"reel", "video"} else image if kind == "image" else image or video
    if not url:
        raise errors.invalid("The parameter image_url or video_url is required")
    data = fetch(url, context.settings.media_fetch_code)
    media = {"media_url": url, "sha256": context.state.media.put(data)}
    if url == video:
        error = "" if content_type(data) == "video/mp4" else "2207026"
        return media | {"media_type": "VIDEO", "error": error}
    check_image(data, story=kind == "story")
    return media | {"media_type": "IMAGE"}


def status(container: Container) -> str:
    """Return the current status_code."""
    if container.published_as:
        return "PUBLISHED"
    if now() > container.created_at + DAY:
        return "EXPIRED"
    if container.polls or now() < container.ready_at:
        return "IN_PROGRESS"
    return "ERROR" if container.error else "FINISHED"


def status_text(container: Container, code: str) -> str:
    return {
        "PUBLISHED": "Published: Media has been successfully published.",
        "EXPIRED": "Expired: The container was not published within 24 hours and has expired.",
        "IN_PROGRESS": "In Progress: Media is still being processed.",
        "ERROR": f"Error: Media upload has failed with error code {container.error}",
        "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    }[code]


def publish(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return {"id"} of the media. A container is published once."""
    creation_id = request.params.text("creation_id")
    state = context.state
    with state.lock:
        key = f"container:{creation_id}"
        state.calls[key] += 1
        container = state.find(creation_id)
        if not isinstance(container, Container) or container.account != request.account_id:
            raise errors.no_such_container()
        if container.published_as:
            match context.settings.creation_id_twice:
                case "same":
                    return {"id": container.published_as}
                case "not_ready":
                    raise errors.not_ready()
                case _:
                    raise errors.no_such_container()
        _check_ready(container)
        if quota_usage(context, request.account_id) >= context.settings.quota_total:
            raise errors.quota_reached()
        media = Post(
            id=state.mint("180", 14),
            account=request.account_id,
            kind=container.kind,
            message=container.caption,
            created_at=now(),
            visible_at=now(),
            media_url=container.media_url,
            media_type=container.media_type,
            sha256=container.sha256,
            container=container.id,
            children=container.children,
            created_by=request.origin(),
            key=key,
        )
        container.published_as = media.id
        state.put(container)
        return {"id": state.put(media).id}


def _check_ready(container: Container) -> None:
    match status(container):
        case "EXPIRED":
            text = "The media is expired, please create it again."
            raise Refusal(-2, "Media expired", subcode=2207020, shown=("Media expired", text))
        case "IN_PROGRESS":
            raise errors.not_ready()
        case "ERROR":
            raise Refusal(-1, "Unknown upload error", subcode=2207053, shown=("Unknown error", "Create it again."))
        case _ if container.kind == "video" or container.is_child:
            text = "A container of a carousel's child cannot be published by itself."
            raise Refusal(100, "Invalid media type", subcode=2207089, shown=("Invalid media type", text))


def quota_usage(context: SandboxContext, account_id: str) -> int:
    """Count the media published within the last 24 h, deleted ones too."""
    return made_since(context.state.posts.get(account_id, []), now() - DAY)


def publishing_limit(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{ig-user}/content_publishing_limit; quota_usage only, without `fields=`."""
    wanted = (request.params.text("fields") or "quota_usage").split(",")
    with context.state.lock:
        known = {
            "quota_usage": quota_usage(context, request.account_id),
            "config": {"quota_total": context.settings.quota_total, "quota_duration": DAY},
        }
    for name in wanted:
        if name not in known:
            raise errors.unknown_field(name, "ContentPublishingLimit")
    return {"data": [{name: known[name] for name in wanted}]}


def is_current_story(media: Post) -> bool:
    """Return whether a story is shown: it is for a day."""
    return media.kind == "story" and now() - (media.visible_at or 0) < DAY
