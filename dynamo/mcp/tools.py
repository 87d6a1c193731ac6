"""The tools. They call what the API's views call; no tool approves, publishes or decides as a person.

`withdraw` takes back what the key's organization has submitted or scheduled, as POST /reject and /revert do.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts import clock
from accounts.api.exceptions import Path, RequestValidationError, ValidationProblem
from accounts.api.pagination import KeysetPagination
from accounts.datetimes import format_datetime
from accounts.domain import idempotency
from accounts.domain.idempotency import StoredAnswer
from accounts.models import Scope
from dynamo.mcp import serializers
from dynamo.mcp.errors import allowed_tools
from dynamo.mcp.server import ToolCall, tool
from posts.api.media import refused_as_invalid
from posts.api.serializers import (
    CommentPageSerializer,
    InsightsSerializer,
    MediaFileSerializer,
    PublishedPostSerializer,
)
from posts.api.views import comment_page, insights_json, key_channels
from posts.api.views import get_published_post as find_published_post
from posts.domain import media_store
from posts.models import ChannelState, PublishedPost
from scheduling.api import etags
from scheduling.api.channels import channel_json
from scheduling.api.event_serializers import EventsQuery
from scheduling.api.events import event_page
from scheduling.api.serializers import PostContentSerializer, ScheduledPostsQuery, changes
from scheduling.api.views import parse_id, post_page, validation_json, visible_posts
from scheduling.domain import drafts, review
from scheduling.domain.draft_validation import validate_draft
from scheduling.domain.representation import serialize_with_checks
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

EXCERPT = 200  # characters of a caption in a list
OWN_ARGUMENTS = {"postId", "version", "idempotencyKey"}  # those that are no content of a post


# The key and its channels


@tool(
    "The key that you act with: organization, scopes, channels, limits.",
    arguments=serializers.NoArguments,
    result=serializers.WhoamiSerializer,
    scope=None,
    read_only=True,
)
def whoami(call: ToolCall) -> dict[str, Any]:
    key, organization = call.key, call.key.organization
    return {
        "keyId": key.pk,
        "keyName": key.name,
        "organization": {"id": str(organization.pk), "name": organization.name},
        "scopes": key.scopes,
        "channels": key.channels,
        "expiresAt": format_datetime(key.expires_at),
        "callsPerMinute": settings.API_RATE_PER_MINUTE or None,
        "versionRequired": organization.require_if_match,
        "secondApprover": organization.second_approver,
        "serverTime": format_datetime(clock.now()),
    }


@tool(
    "The Facebook Pages and Instagram accounts that you may post on.",
    arguments=serializers.ListChannelsArguments,
    result=serializers.ChannelPageSerializer,
    scope=Scope.READ,
    read_only=True,
)
def list_channels(call: ToolCall) -> dict[str, Any]:
    rows = key_channels(call.request).exclude(state=ChannelState.DISCONNECTED).only("public_id", "type", "name")
    paginator = KeysetPagination("channels", ["name", "public_id"], parameters=call.arguments)
    page = paginator.paginate_queryset(rows, call.request)
    items = [{"id": channel.public_id, "type": channel.type, "name": channel.name} for channel in page]
    return {"items": items, "nextCursor": paginator.next_cursor}


@tool(
    "What a channel takes: limits of captions and media by type of post, its state, and its quota.",
    arguments=serializers.ChannelArguments,
    result=serializers.CapabilitiesSerializer,
    scope=Scope.READ,
    read_only=True,
)
def get_capabilities(call: ToolCall) -> dict[str, Any]:
    return channel_json(call.key, call.arguments["channelId"])


# Drafts


@tool(
    "List every violation of a draft without storing it. Fetches nothing.",
    arguments=PostContentSerializer,
    result=serializers.ValidationSerializer,
    scope=Scope.DRAFT,
    read_only=True,
)
def validate_post(call: ToolCall) -> dict[str, Any]:
    return validation_json(validate_draft(call.actor, call.key.organization, changes(call.arguments)))


@tool(
    "Store a draft, which may be incomplete. It is not submitted.",
    arguments=serializers.CreateDraftArguments,
    result=serializers.PostStateSerializer,
    scope=Scope.DRAFT,
    idempotent=True,
)
def create_draft(call: ToolCall) -> dict[str, Any]:
    def create() -> dict[str, Any]:
        post = drafts.create(call.actor, organization=call.key.organization, changes=_content(call))
        return _state(post)

    return _once(call, create)


@tool(
    "Change the fields that are given; `channels` replaces all channels. For posts in DRAFT, REJECTED and "
    "WAITING_FOR_APPROVAL. A waiting post must stay complete.",
    arguments=serializers.UpdateDraftArguments,
    result=serializers.PostStateSerializer,
    scope=Scope.DRAFT,
    destructive=True,
    idempotent=True,
)
def update_draft(call: ToolCall) -> dict[str, Any]:
    post = drafts.edit(call.actor, _post(call), changes=_content(call), precondition=_precondition(call))
    return _state(post)


@tool(
    "Submit a draft or a rejected post to the reviewers. It must be complete: see validate_post.",
    arguments=serializers.SubmitArguments,
    result=serializers.PostStateSerializer,
    scope=Scope.DRAFT,
    idempotent=True,
)
def submit_for_approval(call: ToolCall) -> dict[str, Any]:
    return _state(review.submit(call.actor, _post(call), precondition=_precondition(call)))


@tool(
    "Scheduled posts, soonest first; without `status` all that are not published. Captions are shortened.",
    arguments=ScheduledPostsQuery,
    result=serializers.PostPageSerializer,
    scope=Scope.READ,
    read_only=True,
)
def list_posts(call: ToolCall) -> dict[str, Any]:
    posts, paginator = post_page(call.request, call.arguments)
    return {"items": [_summary(post) for post in posts], "nextCursor": paginator.next_cursor}


@tool(
    "A scheduled post, with the last decision of a reviewer (`review`), the checks that the reviewer sees, and the "
    "result on each channel.",
    arguments=serializers.PostArguments,
    result=serializers.PostSerializer,
    scope=Scope.READ,
    read_only=True,
)
def get_post(call: ToolCall) -> dict[str, Any]:
    rows = visible_posts(call.request).for_wire()
    post = get_object_or_404(rows, pk=parse_id(call.arguments["postId"]))
    return {
        **serialize_with_checks(post),
        "allowed": allowed_tools(post.allowed_actions()),
        "adminUrl": _admin_url(post),
    }


@tool(
    "Take a post back to DRAFT before it is published: a waiting one from the reviewers, a scheduled one from the "
    "schedule; its approval is void. Also a failed one of which nothing is published.",
    arguments=serializers.TakeBackArguments,
    result=serializers.PostStateSerializer,
    scope=Scope.QUEUE,
    destructive=True,
)
def withdraw(call: ToolCall) -> dict[str, Any]:
    post, precondition, reason = _post(call), _precondition(call), _reason(call)
    if post.status != Status.WAITING_FOR_APPROVAL:
        return _state(review.revert(call.actor, post, reason=reason, precondition=precondition))
    notes = reason or f"Withdrawn by {call.key.name}"
    with transaction.atomic():
        rejected = review.reject(call.actor, post, notes=notes, precondition=precondition)
        return _state(review.redraft(call.actor, rejected))


@tool(
    "Delete a post that is not published. A scheduled one is cancelled.",
    arguments=serializers.TakeBackArguments,
    result=serializers.DeletedSerializer,
    scope=Scope.DRAFT,
    destructive=True,
)
def delete_draft(call: ToolCall) -> dict[str, Any]:
    post = _post(call)
    drafts.delete(call.actor, post, reason=_reason(call), precondition=_precondition(call))
    return {"id": call.arguments["postId"], "deleted": True}


@tool(
    "What happened to posts and channels, oldest first, for 30 days: decisions, edits by people, results of "
    "publishing. Keep `nextCursor`.",
    arguments=EventsQuery,
    result=serializers.EventPageSerializer,
    scope=Scope.READ,
    read_only=True,
)
def list_events(call: ToolCall) -> dict[str, Any]:
    page = event_page(call.key, call.arguments)
    return {"items": [_event(event) for event in page["items"]], "nextCursor": page["nextCursor"]}


@tool(
    "Store an image or a video. The `url` of the result is what `media` and `mediaItems` take.",
    arguments=serializers.UploadMediaArguments,
    result=MediaFileSerializer,
    scope=Scope.DRAFT,
    idempotent=True,
    open_world=True,
)
def upload_media(call: ToolCall) -> dict[str, Any]:
    url, data = call.arguments.get("url"), call.arguments.get("base64")
    if (url is None) == (data is None):
        raise _problem(("url",), "object.xor", "or base64 is required, and not both")
    if url is not None:
        with refused_as_invalid("url"):
            stored = media_store.fetch_upload(call.key.organization, url)
    else:
        with refused_as_invalid("base64"):
            stored = media_store.store_upload(call.key.organization, BytesIO(_decode(data or "")))
    return dict(MediaFileSerializer(stored).data)


# What is published


@tool(
    "A published post: its link and the platform's counters at the last sync.",
    arguments=serializers.PublishedPostArguments,
    result=PublishedPostSerializer,
    scope=Scope.READ,
    read_only=True,
)
def get_published_post(call: ToolCall) -> dict[str, Any]:
    return dict(PublishedPostSerializer(_published_post(call)).data)


@tool(
    "The metrics of a published post, read from the platform now. One in `unavailable` is unknown, not zero.",
    arguments=serializers.PublishedPostArguments,
    result=InsightsSerializer,
    scope=Scope.READ,
    read_only=True,
    open_world=True,
)
def get_insights(call: ToolCall) -> dict[str, Any]:
    return insights_json(_published_post(call))


@tool(
    "The comments on a published post, read from the platform now, newest first, each followed by its replies.",
    arguments=serializers.CommentsArguments,
    result=CommentPageSerializer,
    scope=Scope.READ,
    read_only=True,
    open_world=True,
)
def get_comments(call: ToolCall) -> dict[str, Any]:
    post = _published_post(call)
    return comment_page(post, limit=call.arguments["limit"], after=call.arguments.get("after"))


def _post(call: ToolCall) -> ScheduledPost:
    rows = visible_posts(call.request).select_related("organization")
    return get_object_or_404(rows, pk=parse_id(call.arguments["postId"]))


def _published_post(call: ToolCall) -> PublishedPost:
    return find_published_post(call.request, call.arguments["postId"], call.arguments["mediumId"])


def _content(call: ToolCall) -> drafts.Changes:
    return changes({name: value for name, value in call.arguments.items() if name not in OWN_ARGUMENTS})


def _precondition(call: ToolCall) -> review.Precondition | None:
    """Return the check of the version that was given; without one, that of the organization's policy."""
    version = call.arguments.get("version")
    if version is None:
        return etags.required_by_policy(call.key)
    return lambda post: drafts.ensure_version(post, version)


def _reason(call: ToolCall) -> str:
    return str(call.arguments.get("reason", "")).strip()


def _once(call: ToolCall, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of `run`, or the stored one of an earlier call with the same idempotencyKey and arguments.

    `run` runs in the transaction that stores its result. Raises Mismatch, InProgress.
    """
    arguments = json.dumps(call.arguments, sort_keys=True, default=str)
    digest = hashlib.sha256(f"{call.actor.tool}\n{arguments}".encode()).hexdigest()
    name = call.arguments["idempotencyKey"]
    with transaction.atomic():
        if stored := idempotency.claim(call.key, name, digest):
            return dict(json.loads(stored.body))
        result = run()
        idempotency.store(call.key, name, StoredAnswer(200, {}, json.dumps(result)))
    return result


def _state(post: ScheduledPost) -> dict[str, Any]:
    return {
        "id": str(post.pk),
        "status": str(post.status),
        "version": post.version,
        "scheduledFor": format_datetime(post.scheduled_for),
        "allowed": allowed_tools(post.allowed_actions()),
        "adminUrl": _admin_url(post),
    }


def _admin_url(post: ScheduledPost) -> str:
    return settings.ADMIN_URL + reverse("admin:scheduling_scheduledpost_review", args=[post.pk])


def _summary(post: dict[str, Any]) -> dict[str, Any]:
    """Return the short form of a post's JSON object."""
    captions = {channel_id: _excerpt(medium["caption"]) for channel_id, medium in post["mediumsData"].items()}
    names = ("id", "status", "version", "scheduledFor", "notes", "externalId", "updatedBy", "updatedAt")
    return {**{name: post[name] for name in names}, "captions": captions}


def _excerpt(text: str | None) -> str | None:
    return text if text is None or len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """Return the short form of an event's JSON object."""
    names = ("id", "type", "occurredAt", "actor", "channel", "review")
    short = {name: event[name] for name in names if name in event}
    return {**short, "post": _summary(event["post"]) if event["post"] else None}


def _decode(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _problem(("base64",), "string.base64", "must be a valid base64 string") from None


def _problem(path: Path, code: str, message: str) -> RequestValidationError:
    return RequestValidationError([ValidationProblem(path, code, message)])
