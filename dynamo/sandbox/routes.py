"""Routes a path to a handler: version, upload URL, node, edge."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from dynamo.sandbox import comments, errors, facebook, facebook_video, feeds, insights, instagram, login, webhooks
from dynamo.sandbox.auth import authenticate, require
from dynamo.sandbox.fields import attachments_edge, children_edge, node_type, view
from dynamo.sandbox.http import EXPIRES, NEWEST, Request
from dynamo.sandbox.models import Account, Audience, Comment, Container, Node, Person, Photo, Post, Token, Video
from dynamo.sandbox.state import SandboxContext, now

VERSION = re.compile(r"^/v(\d{1,3})\.(\d{1,2})(?=/|$)")
FIRST_WITHOUT_MINOR = 4  # from v4.0 on there are only versions like v4.0

Handler = Callable[[SandboxContext, Request], Any]
MANAGE = "pages_manage_metadata"
WRITE, READ = "pages_manage_posts", "pages_read_engagement"
IG_WRITE, IG_READ = "instagram_content_publish", "instagram_basic"
PEOPLE, IG_PEOPLE = comments.READ_PEOPLE, "instagram_manage_comments"
EDGES: dict[tuple[str, str, str], tuple[str, Handler]] = {
    ("POST", "Page", "feed"): (WRITE, facebook.create_post),
    ("POST", "Page", "photos"): (WRITE, facebook.create_photo),
    ("POST", "Page", "videos"): (WRITE, facebook_video.create_video),
    ("POST", "Page", "video_reels"): (WRITE, facebook_video.create_reel),
    ("GET", "Page", "feed"): (READ, feeds.feed),
    ("GET", "Page", "posts"): (READ, feeds.published_posts),
    ("GET", "Page", "published_posts"): (READ, feeds.published_posts),
    ("GET", "Page", "scheduled_posts"): (READ, feeds.scheduled_posts),
    ("GET", "Page", "videos"): (READ, feeds.videos),
    ("GET", "Page", "video_reels"): (READ, feeds.videos),
    ("POST", "IGUser", "media"): (IG_WRITE, instagram.create_container),
    ("POST", "IGUser", "media_publish"): (IG_WRITE, instagram.publish),
    ("GET", "IGUser", "media"): (IG_READ, feeds.media),
    ("GET", "IGUser", "stories"): (IG_READ, feeds.stories),
    ("GET", "IGUser", "content_publishing_limit"): (IG_READ, instagram.publishing_limit),
    ("GET", "Post", "attachments"): (READ, attachments_edge),
    ("GET", "IGMedia", "children"): (IG_READ, children_edge),
    ("GET", "Page", "subscribed_apps"): (MANAGE, webhooks.subscriptions),
    ("POST", "Page", "subscribed_apps"): (MANAGE, webhooks.subscribe),
    ("DELETE", "Page", "subscribed_apps"): (MANAGE, webhooks.unsubscribe),
    ("GET", "IGUser", "subscribed_apps"): (IG_PEOPLE, webhooks.subscriptions),
    ("POST", "IGUser", "subscribed_apps"): (IG_PEOPLE, webhooks.subscribe),
    ("DELETE", "IGUser", "subscribed_apps"): (IG_PEOPLE, webhooks.unsubscribe),
    ("GET", "Post", "comments"): (PEOPLE, comments.comments_edge),
    ("GET", "Video", "comments"): (PEOPLE, comments.comments_edge),
    ("GET", "Comment", "comments"): (PEOPLE, comments.comments_edge),
    ("GET", "IGMedia", "comments"): (IG_PEOPLE, comments.comments_edge),
    ("GET", "IGComment", "replies"): (IG_PEOPLE, comments.comments_edge),
    ("GET", "Post", "reactions"): (PEOPLE, insights.reactions_edge),
    ("GET", "Post", "likes"): (PEOPLE, insights.reactions_edge),
    ("GET", "Post", "insights"): ("read_insights", insights.post_insights),
    ("GET", "Video", "video_insights"): ("read_insights", insights.video_insights),
    ("GET", "IGMedia", "insights"): ("instagram_manage_insights", insights.post_insights),
}


def split_version(raw_path: str) -> tuple[str, str]:
    """Return the version that runs and the path without it. Raises 2500 for a version that does not exist."""
    match = VERSION.match(raw_path)
    if match is None:
        return f"v{NEWEST}.0", raw_path
    number, path = int(match[1]), raw_path[match.end() :] or "/"
    if not 0 < number <= NEWEST or (number >= FIRST_WITHOUT_MINOR and int(match[2])):
        raise errors.unknown_path(path)
    expired = [known for known, at in EXPIRES.items() if at.timestamp() <= now()]
    return f"v{max(number, max(expired, default=0) + 1)}.0", path


# Refused for apps made since 2026-11-04, and removed from all versions: graph-api, section 1.
REMOVED = {
    "ids": "Reading several objects by ids", "method": "Overriding the HTTP method", "callback": "JSONP",
    "date_format": "Formatting of dates", "pretty": "pretty", "debug": "debug",
}  # fmt: skip
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
USUAL = {"access_token", "appsecret_proof", "appsecret_time", "fields", "locale"}
PHOTO_AND_POST = {
    "message", "published", "scheduled_publish_time", "unpublished_content_type", "backdated_time", "targeting",
    "feed_targeting", "place", "tags",
}  # fmt: skip
# The parameters of writes by type of node and edge, empty for the node itself: the schema of v26, and graph-api.
WRITES: dict[tuple[str, str], set[str]] = {
    ("Page", "feed"): PHOTO_AND_POST | {"link", "attached_media"},
    ("Page", "photos"): PHOTO_AND_POST | {"url", "source", "caption", "alt_text_custom", "no_story", "temporary"},
    ("Page", "videos"): PHOTO_AND_POST - {"message"} | {
        "file_url", "source", "description", "title", "upload_phase", "file_size", "upload_session_id", "start_offset",
        "end_offset", "video_file_chunk",
    },
    ("Page", "video_reels"): {
        "upload_phase", "video_id", "video_state", "description", "title", "scheduled_publish_time", "place",
        "targeting", "feed_targeting",
    },
    ("Post", ""): {
        "message", "is_published", "scheduled_publish_time", "is_hidden", "is_pinned", "attached_media",
        "backdated_time", "feed_targeting", "tags", "place",
    },
    ("IGUser", "media"): {
        "image_url", "video_url", "media_type", "caption", "children", "is_carousel_item", "alt_text", "cover_url",
        "thumb_offset", "share_to_feed", "collaborators", "user_tags", "product_tags", "location_id", "title",
        "audio_name", "audio_configuration", "upload_type", "trial_params", "is_ai_generated", "is_paid_partnership",
        "branded_content_sponsor_ids", "poll_attachment", "cross_post_to_threads",
    },
    ("IGUser", "media_publish"): {"creation_id"},
}  # fmt: skip


# The parameters of reads by edge, beside those of pages of results.
PAGING = {"limit", "after", "before", "since", "until", "summary"}
READS: dict[str, set[str]] = {
    "comments": {"filter", "order"}, "feed": {"include_hidden"}, "posts": {"include_hidden"},
    "published_posts": {"include_hidden"}, "insights": {"metric", "period", "breakdown", "metric_type"},
    "video_insights": {"metric", "period"}, "reactions": {"type"},
}  # fmt: skip


def check_params(request: Request, edge: str) -> None:
    """Raise 100 for what the platform has removed, and for an unknown parameter of a read.

    The platform ignores some of it; the sandbox is stricter.
    """
    for name, what in REMOVED.items():
        if name in request.params.values:
            raise errors.invalid(f"{what} is no longer supported")
    if any(header in request.headers for header in OVERRIDES):
        raise errors.invalid(f"{REMOVED['method']} is no longer supported")
    known = USUAL | (PAGING | READS.get(edge, set()) if edge else set())
    if request.method == "GET" and (unknown := sorted(set(request.params.values) - known)):
        raise errors.invalid(f"Unexpected parameter: {unknown[0]}")


def check_write(request: Request, kind: str, edge: str) -> None:
    """Raise 100 for a parameter that the edge does not have. `name[0]` is an item of the list `name`."""
    given = {re.sub(r"\[\d+\]$", "", name) for name in (*request.params.values, *request.params.files)}
    if unknown := sorted(given - WRITES.get((kind, edge), given) - USUAL):
        raise errors.invalid(f"Unexpected parameter: {unknown[0]}")


def route(context: SandboxContext, request: Request) -> Any:
    """Authenticate, find the node, call the handler of the path and return its JSON."""
    segments = request.path.strip("/").split("/")
    if segments[0] == "video-upload" and request.method == "POST" and len(segments) == 3:
        return facebook_video.upload_reel(context, request, segments[2])
    if request.method == "GET" and request.path in login.ROUTES:
        return login.ROUTES[request.path](context, request)
    if request.method == "GET" and segments == [context.settings.app_id, "subscriptions"]:
        login.require_app_token(context, request)
        return webhooks.app_subscriptions(context, request)
    if len(segments) > 2 or not re.fullmatch(r"[0-9_]+|me", segments[0]):
        raise errors.unknown_path(request.path)
    caller = authenticate(request, context.state, context.settings, of_me=segments[0] == "me")
    edge = segments[1] if segments[1:] else ""
    if isinstance(caller, Token):
        check_params(request, edge)
        return login.read_as_person(context, request, caller, segments)
    request.account = caller
    context.usage.count(request.account, now())
    context.usage.check(request.account, context.settings)
    check_params(request, edge)
    with context.state.lock:
        account = request.account
        node = account if segments[0] == "me" else comments.find_node(context, account, segments[0])
    if node is None or isinstance(node, Audience | Person | Token):
        raise errors.missing(request.method, segments[0])  # the same error for unknown ids and others' nodes
    owner = node.id if isinstance(node, Account) else node.account
    with context.state.lock:
        linked = context.state.linked(account.id)
    if linked is not None and linked.id == owner:
        request.account = replace(linked, token=account.token, scopes=account.scopes)
    elif owner != account.id:
        raise errors.missing(request.method, segments[0])
    return _on_edge(context, request, node, edge) if edge else _on_node(context, request, node)


def _on_node(context: SandboxContext, request: Request, node: Node) -> Any:
    is_page = request.account.is_page
    if request.method == "GET":
        require(request.account, READ if is_page else IG_READ)
        with context.state.lock:
            fields = view(context, node, request.params.text("fields"))
            if isinstance(node, Container) and node.polls:
                node.polls -= 1
            return fields
    if request.method == "DELETE" and isinstance(node, Comment):
        require(request.account, "pages_manage_engagement" if is_page else IG_PEOPLE)
        with context.state.lock:
            comments.remove(context, node)
        return {"success": True}
    require(request.account, WRITE if is_page else IG_WRITE)
    if request.method == "POST" and isinstance(node, Post) and is_page:
        check_write(request, "Post", "")
        return facebook.update_post(context, request, node)
    if request.method == "DELETE" and isinstance(node, Post | Photo | Video):
        if not is_page:
            raise errors.invalid("Deleting media is not supported", 2207073)
        return facebook.delete_node(context, node)
    raise errors.missing(request.method, node.id)


def _on_edge(context: SandboxContext, request: Request, node: Node, edge: str) -> Any:
    kind = node_type(node)
    if (request.method, kind, edge) not in EDGES:
        if request.method == "GET":
            raise errors.unknown_field(edge, kind)
        raise errors.missing(request.method, node.id)
    scope, handler = EDGES[request.method, kind, edge]
    require(request.account, scope)
    if request.method == "POST":
        check_write(request, kind, edge)
    request.node = node
    with context.state.lock if request.method == "GET" else nullcontext():
        return handler(context, request)
