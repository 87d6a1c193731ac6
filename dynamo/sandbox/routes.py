"""Routes a path to a handler: version, upload URL, node, edge."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from dynamo.sandbox import comments, errors, facebook, facebook_video, feeds, insights, instagram, login, webhooks
from dynamo.sandbox.auth import authenticate, require
from dynamo.sandbox.fields import node_type, view
from dynamo.sandbox.http import NEWEST, OLDEST, Request
from dynamo.sandbox.models import Account, Audience, Comment, Container, Node, Person, Photo, Post, Token, Video
from dynamo.sandbox.state import SandboxContext, now

VERSION = re.compile(r"^/v(\d+)\.\d+(?=/|$)")

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
    """Return the version and the path without it. Raises 2500 for a version that does not exist yet."""
    match = VERSION.match(raw_path)
    if match is None:
        return f"v{NEWEST}.0", raw_path
    number = int(match[1])
    if number > NEWEST or not number:
        raise errors.unknown_path(raw_path)
    return f"v{max(number, OLDEST)}.0", raw_path[match.end() :] or "/"


def route(context: SandboxContext, request: Request) -> Any:
    """Authenticate, find the node, call the handler of the path and return its JSON."""
    segments = request.path.strip("/").split("/")
    if segments[0] == "video-upload" and request.method == "POST" and len(segments) == 3:
        return facebook_video.upload_reel(context, request, segments[2])
    if request.method == "GET" and request.path in login.ROUTES:
        return login.ROUTES[request.path](context, request)
    if len(segments) > 2 or not re.fullmatch(r"[0-9_]+|me", segments[0]):
        raise errors.unknown_path(request.path)
    caller = authenticate(request, context.state, context.settings, of_me=segments[0] == "me")
    if isinstance(caller, Token):
        return login.read_as_person(context, request, caller, segments)
    request.account = caller
    context.usage.count(request.account, now())
    context.usage.check(request.account, context.settings)
    if "ids" in request.query:
        raise errors.invalid("Reading several objects by ids is no longer supported")
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
    return _on_edge(context, request, node, segments[1]) if segments[1:] else _on_node(context, request, node)


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
    request.node = node
    with context.state.lock if request.method == "GET" else nullcontext():
        return handler(context, request)
