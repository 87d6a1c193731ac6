"""The loop of an agent with a client that openapi-python-client generated: run by `tests.openapi`.

Reads {"api", "key", "image", "notes"} from its input, and writes a line of JSON for each step. A line with `wants` asks
for what only a person, or the platform, does. No request is written by hand: a hook signs those of the client.
"""

import hashlib
import hmac
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from generated import AuthenticatedClient
from generated.api.channels import get_channel, list_channels
from generated.api.events import list_events
from generated.api.media import upload_media
from generated.api.posts import export_post_comments, get_post, get_post_insights, list_post_comments, list_posts
from generated.api.scheduled_posts import (
    approve_scheduled_post,
    create_scheduled_post,
    delete_scheduled_post,
    get_scheduled_post,
    list_scheduled_posts,
    submit_scheduled_post,
    update_scheduled_post,
    validate_scheduled_post,
)
from generated.models import (
    ChannelContentRequest,
    ChannelDetail,
    CommentPage,
    CreatePostRequest,
    CreatePostRequestChannels,
    Delivery,
    Event,
    EventPage,
    EventType,
    Export,
    Forbidden,
    Insights,
    MediaFile,
    Message,
    PostType,
    PreconditionFailed,
    PublishedPost,
    ScheduledPost,
    ScheduledPostStatus,
    UpdatePostRequest,
    UploadMediaRequest,
    ValidationResult,
)
from generated.types import UNSET, File, Response, Unset

GIVEN = json.load(sys.stdin)
PATIENCE = 60.0  # seconds
T = TypeVar("T")


def sign(request: httpx.Request) -> None:
    date = datetime.now(UTC).isoformat(timespec="milliseconds")
    signature = hmac.new(GIVEN["key"]["secret"].encode(), date.encode(), hashlib.sha256).hexdigest()
    request.headers.update({"x-date": date, "x-signature": signature})


def write(step: str, **more: Any) -> None:
    print(json.dumps({"client": "python", "step": step, **more}), flush=True)


def parsed(step: str, response: Response[Any], status: int, type_: type[T]) -> T:
    """Return the parsed body of a response that has the status and the type."""
    if response.status_code != status or not isinstance(response.parsed, type_):
        sys.exit(f"{step}: {response.status_code} {response.content!r}")
    write(step, status=status)
    return response.parsed


def check(step: str, right: object) -> None:
    if not right:
        sys.exit(f"{step}: not as expected")


def until(what: str, read: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while (value := read()) is None:
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.3)
    return value


client = AuthenticatedClient(
    base_url=GIVEN["api"],
    token=GIVEN["key"]["id"],
    prefix="",
    auth_header_name="x-api-key",
    raise_on_unexpected_status=True,
    timeout=httpx.Timeout(60),
    httpx_args={"event_hooks": {"request": [sign]}},
)


def in_state(post: ScheduledPost, status: ScheduledPostStatus) -> ScheduledPost | None:
    found = get_scheduled_post.sync(post.id, client=client)
    return found if isinstance(found, ScheduledPost) and found.status == status else None


channels = parsed("listChannels", list_channels.sync_detailed(client=client), 200, list)
for channel in channels:
    detail = parsed("getChannel", get_channel.sync_detailed(channel.id, client=client), 200, ChannelDetail)
    check("getChannel", detail.capabilities.types.post)

written = CreatePostRequest(type_=PostType.POST)
result = parsed(
    "validateScheduledPost", validate_scheduled_post.sync_detailed(client=client, body=written), 200, ValidationResult
)
check("validateScheduledPost", not result.valid and "scheduledFor.missing" in [item.code for item in result.violations])

image = File(payload=Path(GIVEN["image"]).open("rb"), file_name="image.jpg", mime_type="image/jpeg")  # noqa: SIM115  until the end
stored = parsed(
    "uploadMedia", upload_media.sync_detailed(client=client, body=UploadMediaRequest(file=image)), 201, MediaFile
)

texts = CreatePostRequestChannels()
for channel in channels:
    texts[channel.id] = ChannelContentRequest(medium_type=channel.type_, caption=f"From Python {uuid4()}")
written = CreatePostRequest(
    media=stored.url, scheduled_for=datetime.now(UTC) + timedelta(hours=1), channels=texts, brief="A generated client."
)
result = parsed(
    "validateScheduledPost", validate_scheduled_post.sync_detailed(client=client, body=written), 200, ValidationResult
)
check("validateScheduledPost", result.valid and result.media_checked)

key = str(uuid4())
post, again = (
    parsed(
        "createScheduledPost",
        create_scheduled_post.sync_detailed(client=client, body=written, idempotency_key=key),
        201,
        ScheduledPost,
    )
    for _ in range(2)
)
check("createScheduledPost", post.id == again.id and post.status == ScheduledPostStatus.DRAFT)
drafts = parsed(
    "listScheduledPosts",
    list_scheduled_posts.sync_detailed(client=client, status=[ScheduledPostStatus.DRAFT, ScheduledPostStatus.REJECTED]),
    200,
    list,
)
check("listScheduledPosts", post.id in [draft.id for draft in drafts])


def update(version: int, body: UpdatePostRequest) -> Response[Any]:
    return update_scheduled_post.sync_detailed(post.id, client=client, body=body, if_match=f'"{version}"')


def submit(version: int) -> Response[Any]:
    return submit_scheduled_post.sync_detailed(post.id, client=client, if_match=f'"{version}"')


post = parsed(
    "updateScheduledPost", update(post.version, UpdatePostRequest(alt_text="A red square")), 200, ScheduledPost
)
stale = parsed(
    "updateScheduledPost, stale",
    update(post.version - 1, UpdatePostRequest(brief="Lost")),
    412,
    PreconditionFailed,
)
check("updateScheduledPost, stale", stale.details.version == post.version)

post = parsed("submitScheduledPost", submit(post.version), 200, ScheduledPost)
refused = parsed("approveScheduledPost", approve_scheduled_post.sync_detailed(post.id, client=client), 403, Forbidden)
check("approveScheduledPost", refused.code == "approval.human_only")
write("waits for a rejection", wants="rejection", post=str(post.id))
post = until("the rejection", lambda: in_state(post, ScheduledPostStatus.REJECTED))
check("the rejection", post.review and post.review.notes == post.notes == GIVEN["notes"])

post = parsed("updateScheduledPost", update(post.version, UpdatePostRequest(brief="Revised.")), 200, ScheduledPost)
post = parsed("submitScheduledPost", submit(post.version), 200, ScheduledPost)
check("submitScheduledPost", post.notes is None)
write("waits for an approval", wants="approval", post=str(post.id))


def live_everywhere() -> ScheduledPost | None:
    """Return the post once it is published and has its permalinks, which are read a moment later."""
    found = in_state(post, ScheduledPostStatus.PUBLISHED)
    media = found.mediums_data.additional_properties.values() if found else []
    return found if media and all(medium.outcome and medium.outcome.permalink for medium in media) else None


post = until("the publication", live_everywhere)
check("the approval", post.review and post.review.decision == "APPROVED" and post.review.by.name != "Demo agent")
check("the outcomes", len(post.mediums_data.additional_properties) == len(channels))


def published() -> list[PublishedPost] | None:
    found = parsed("listPosts", list_posts.sync_detailed(client=client, limit=20), 200, list)
    ours = [live for live in found if live.scheduled_post_id == post.id]
    return ours if len(ours) == len(channels) else None


for live in until("the published posts", published):
    post_id, medium_id = live.id, live.medium_id
    read = parsed("getPost", get_post.sync_detailed(post_id, medium_id=medium_id, client=client), 200, PublishedPost)
    check("getPost", read.permalink and read.type_ == PostType.POST)
    figures = parsed(
        "getPostInsights", get_post_insights.sync_detailed(post_id, medium_id=medium_id, client=client), 200, Insights
    )
    check("getPostInsights", figures.insights and all(figure.value is not None for figure in figures.insights))
    write("waits for a comment", wants="comment", post=live.id)

    def first_page(post_id: str = post_id, medium_id: str = medium_id) -> CommentPage | None:
        response = list_post_comments.sync_detailed(post_id, medium_id=medium_id, client=client)
        page = parsed("listPostComments", response, 200, CommentPage)
        return page if page.items else None

    comments = until("the comment", first_page)
    csv = parsed(
        "exportPostComments", export_post_comments.sync_detailed(post_id, medium_id=medium_id, client=client), 200, str
    )
    check("exportPostComments", comments.items[0].id in csv)
    link = parsed(
        "exportPostComments, link",
        export_post_comments.sync_detailed(post_id, medium_id=medium_id, client=client, delivery=Delivery.URL),
        200,
        str,
    )
    check("exportPostComments, link", Export.from_dict(json.loads(link)).total_count == comments.returned)

events: list[Event] = []
after: str | Unset = UNSET
while True:
    page = parsed("listEvents", list_events.sync_detailed(client=client, after=after, limit=500), 200, EventPage)
    if not page.items:
        break
    events += page.items
    after = page.next_cursor
types = {event.type_ for event in events if event.post and event.post.id == post.id}
expected = {EventType.POST_CREATED, EventType.POST_REJECTED, EventType.POST_APPROVED, EventType.POST_PUBLISHED}
check("listEvents", expected <= types)

other = parsed(
    "createScheduledPost",
    create_scheduled_post.sync_detailed(client=client, body=CreatePostRequest()),
    201,
    ScheduledPost,
)
parsed("deleteScheduledPost", delete_scheduled_post.sync_detailed(other.id, client=client), 200, Message)
