"""API views of scheduled posts: clients draft, submit, reject and revert. No API key can approve."""

from dataclasses import asdict
from typing import Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.openapi import EITHER_ENVELOPE, LINK, LOCATION, NEXT_CURSOR, POST_ERRORS, errors
from accounts.api.pagination import KeysetPagination
from accounts.api.serializers import validate_body
from accounts.client_ip import is_this_machine
from accounts.domain.actors import api_key_actor
from accounts.exceptions import Forbidden, Invalid
from accounts.models import Scope
from posts.domain.channels import visible_channels
from posts.models import Channel
from scheduling.api import etags, openapi
from scheduling.api.serializers import (
    CreatePostSerializer,
    MessageSerializer,
    ReasonSerializer,
    RejectSerializer,
    ScheduledPostSerializer,
    ScheduledPostsQuery,
    UpdatePostSerializer,
    ValidationResultSerializer,
    changes,
)
from scheduling.domain import drafts, health, review
from scheduling.domain.draft_validation import DraftValidation, validate_draft
from scheduling.domain.representation import (
    check_json,
    only_serialized_fields,
    serialize_posts,
    serialize_with_checks,
)
from scheduling.domain.search import search_captions
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost, ScheduledPostQuerySet


class ScheduledPosts(ApiView):
    scopes = {"get": Scope.READ, "post": Scope.DRAFT}
    queries = {"get": ScheduledPostsQuery}

    @extend_schema(
        summary="List scheduled posts",
        description="Soonest `scheduledFor` first, undated last. Without `status`: all that is not yet published.",
        parameters=[ScheduledPostsQuery, LINK, NEXT_CURSOR],
        responses={200: ScheduledPostSerializer(many=True), **errors(400, 422)},
        examples=openapi.LIST_POSTS,
    )
    def get(self, request: Request) -> Response:
        posts, paginator = post_page(request, self.parameters)
        return paginator.get_paginated_response(posts)

    @extend_schema(
        summary="Create a scheduled post",
        description="Stores a draft, which may lack anything. With `status: WAITING_FOR_APPROVAL` the post is "
        "submitted to the reviewers at once, and must be complete: it passes the full publish validation, or nothing "
        "is stored.",
        parameters=[LOCATION, openapi.ETAG],
        request=CreatePostSerializer,
        responses={201: ScheduledPostSerializer, **errors(400, 409, 415), 422: POST_ERRORS},
        examples=openapi.CREATE_POST,
    )
    def post(self, request: Request) -> HttpResponse:
        given = validate_body(request, CreatePostSerializer)
        post = drafts.create(
            api_key_actor(get_api_key(request)),
            organization=get_api_key(request).organization,
            changes=changes(given),
            submit=given.get("status") == Status.WAITING_FOR_APPROVAL,
        )
        response = _response(request, post.pk, status=201)
        response.headers["Location"] = reverse("scheduled-post", args=[post.pk])
        return response


class ValidatePost(ApiView):
    scopes = {"post": Scope.DRAFT}

    @extend_schema(
        summary="Validate a post without storing it",
        description="Takes the body of a create and returns what a submit would refuse, and what a reviewer would be "
        "warned of. Fetches nothing: media are inspected here only when they were uploaded before.",
        request=CreatePostSerializer,
        responses={200: ValidationResultSerializer, **errors(415, 422)},
        examples=openapi.VALIDATE_POST,
    )
    def post(self, request: Request) -> Response:
        given = validate_body(request, CreatePostSerializer)
        key = get_api_key(request)
        return Response(validation_json(validate_draft(api_key_actor(key), key.organization, changes(given))))


class ScheduledPostDetail(ApiView):
    scopes = {"get": Scope.READ, "patch": Scope.DRAFT, "delete": Scope.DRAFT}

    @extend_schema(
        summary="Read a scheduled post",
        description="Once publishing begins, `outcome` has the result of each channel.",
        parameters=[openapi.POST_ID, openapi.IF_NONE_MATCH, openapi.ETAG],
        responses={200: ScheduledPostSerializer, 304: openapi.NOT_MODIFIED, **errors(404)},
        examples=openapi.READ_POST,
    )
    def get(self, request: Request, post_id: str) -> HttpResponse:
        return _response(request, parse_id(post_id))

    @extend_schema(
        summary="Change a scheduled post",
        description="Changes the fields that are sent; `channels` replaces the whole map. Possible in DRAFT, REJECTED "
        "and WAITING_FOR_APPROVAL: there the post must stay complete, and a reviewer who has the old version open can "
        "no longer approve it. `status: DRAFT` returns a rejected post to draft.",
        parameters=[openapi.POST_ID, openapi.IF_MATCH, openapi.ETAG],
        request=UpdatePostSerializer,
        responses={200: ScheduledPostSerializer, **errors(400, 404, 409, 412, 415, 428), 422: EITHER_ENVELOPE},
        examples=openapi.UPDATE_POST,
    )
    def patch(self, request: Request, post_id: str) -> HttpResponse:
        """Change the content, and with status DRAFT redraft a rejected post, in one transaction."""
        post = _post(request, post_id)
        given = validate_body(request, UpdatePostSerializer)
        actor = api_key_actor(get_api_key(request))
        with transaction.atomic():
            post = drafts.edit(actor, post, changes=changes(given), precondition=_precondition(request, post.pk))
            if "status" in given and post.status != Status.DRAFT:
                review.redraft(actor, post)
        return _response(request, post.pk)

    @extend_schema(
        summary="Delete a scheduled post",
        description="A pending task is cancelled with it. A post that is publishing or published cannot be deleted. No "
        'body is needed; it may be `{"reason": "…"}`.',  # OpenAPI describes no body of a DELETE
        parameters=[openapi.POST_ID, openapi.IF_MATCH],
        responses={200: MessageSerializer, **errors(404, 409, 412, 415, 422, 428)},
        examples=openapi.DELETE_POST,
    )
    def delete(self, request: Request, post_id: str) -> Response:
        post = _post(request, post_id)
        reason = _reason(request)
        precondition = _precondition(request, post.pk)
        drafts.delete(api_key_actor(get_api_key(request)), post, reason=reason, precondition=precondition)
        return Response({"message": "Scheduled post deleted"})


class SubmitForApproval(ApiView):
    scopes = {"post": Scope.DRAFT}

    @extend_schema(
        summary="Submit for approval",
        description="Submits a draft, or a rejected post, to the reviewers. It must pass the full publish validation. "
        "No body is needed, and one that is sent is ignored.",
        parameters=[openapi.POST_ID, openapi.IF_MATCH, openapi.ETAG],
        request=None,
        responses={200: ScheduledPostSerializer, **errors(400, 404, 409, 412, 428), 422: POST_ERRORS},
        examples=openapi.SUBMIT_POST,
    )
    def post(self, request: Request, post_id: str) -> HttpResponse:
        post = _post(request, post_id)
        review.submit(api_key_actor(get_api_key(request)), post, precondition=_precondition(request, post.pk))
        return _response(request, post.pk)


class Reject(ApiView):
    scopes = {"post": Scope.QUEUE}

    @extend_schema(
        summary="Reject",
        description="Sends a waiting post back to its author, with notes.",
        parameters=[openapi.POST_ID, openapi.IF_MATCH, openapi.ETAG],
        request=RejectSerializer,
        responses={200: ScheduledPostSerializer, **errors(404, 409, 412, 415, 428), 422: POST_ERRORS},
        examples=openapi.REJECT_POST,
    )
    def post(self, request: Request, post_id: str) -> HttpResponse:
        post = _post(request, post_id)
        notes = validate_body(request, RejectSerializer)["notes"]
        actor = api_key_actor(get_api_key(request))
        review.reject(actor, post, notes=notes, precondition=_precondition(request, post.pk))
        return _response(request, post.pk)


class Revert(ApiView):
    scopes = {"post": Scope.QUEUE}

    @extend_schema(
        summary="Revert to draft",
        description="Takes a scheduled post back to draft: its approval is void and its task cancelled, so that it is "
        "not published. A failed post can be taken back when nothing of it was published. No body is needed; it may "
        "have a `reason`.",
        parameters=[openapi.POST_ID, openapi.IF_MATCH, openapi.ETAG],
        request=ReasonSerializer,
        responses={200: ScheduledPostSerializer, **errors(404, 409, 412, 415, 428), 422: POST_ERRORS},
        examples=openapi.REVERT_POST,
    )
    def post(self, request: Request, post_id: str) -> HttpResponse:
        post = _post(request, post_id)
        reason = _reason(request)
        precondition = _precondition(request, post.pk)
        review.revert(api_key_actor(get_api_key(request)), post, reason=reason, precondition=precondition)
        return _response(request, post.pk)


class HumanOnlyAction(ApiView):
    """Approving and publishing, which no API key can do: the answer does not reveal whether the post exists."""

    scopes = {"post": None}
    ignores_input = True

    @extend_schema(
        summary="Approve or publish: always refused",
        description="Approving, scheduling and publishing are for people, in the app. This answers 403 to every key, "
        "whatever the body, whether the post exists or not.",
        parameters=[openapi.POST_ID],
        request=None,
        responses={"2XX": openapi.NEVER, **errors(), 403: openapi.HUMAN_ONLY},
        extensions={"x-human-only": True},  # bridges to tools leave it out
    )
    def post(self, request: Request, post_id: str) -> NoReturn:  # noqa: ARG002  the same for every post
        message = "A human reviewer approves and schedules posts, in the app; the API cannot"
        raise Forbidden(message, code="approval.human_only")


def parse_id(post_id: str) -> UUID:
    """Return the UUID in its canonical form. Raises Http404 for anything else."""
    try:
        parsed = UUID(post_id)
    except ValueError:
        raise Http404 from None
    if str(parsed) != post_id.lower():
        raise Http404
    return parsed


def _reason(request: Request) -> str:
    """Return the reason of an optional body; blank without one. Raises RequestValidationError."""
    if not request.body:
        return ""
    return str(validate_body(request, ReasonSerializer).get("reason", "")).strip()


def visible_posts(request: Request) -> ScheduledPostQuerySet:
    key = get_api_key(request)
    return ScheduledPost.objects.visible_to_key(key).filter(organization=key.organization_id)


def _post(request: Request, post_id: str) -> ScheduledPost:
    return get_object_or_404(visible_posts(request).select_related("organization"), pk=parse_id(post_id))


def _response(request: Request, post_id: UUID, status: int = 200) -> HttpResponse:
    """Return the post with its entity tag; 404 without the post, 304 to a GET whose `If-None-Match` names the tag."""
    post = get_object_or_404(visible_posts(request).for_wire(), pk=post_id)
    body = JSONRenderer().render(serialize_with_checks(post))
    tag = etags.entity_tag(post.version, post.revision, body)
    headers = {"ETag": f'"{tag}"'}
    if request.method in {"GET", "HEAD"} and etags.is_unmodified(request, tag):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type="application/json", status=status, headers=headers)


def validation_json(result: DraftValidation) -> dict[str, Any]:
    return {
        "valid": not result.violations,
        "violations": [asdict(violation) for violation in result.violations],
        "warnings": [check_json(check) for check in result.warnings],
        "mediaChecked": result.media_checked,
    }


def post_page(request: Request, query: dict[str, Any]) -> tuple[list[dict[str, Any]], KeysetPagination]:
    """Return the posts for a validated ScheduledPostsQuery, and what has the cursor of the next page."""
    statuses = sorted(set(query.get("status") or ()))
    rows = only_serialized_fields(visible_posts(request))
    rows = rows.filter(status__in=statuses) if statuses else rows.exclude(status=Status.PUBLISHED)
    rows = _filtered(request, rows, query)
    filters = {"status": statuses} | {name: query[name] for name in FILTERS if name in query}
    paginator = KeysetPagination("scheduled-posts", ["scheduled_for", "id"], parameters=query, filters=filters)
    return serialize_posts(paginator.paginate_queryset(rows, request)), paginator


FILTERS = ("channelId", "from", "to", "updatedSince", "externalId", "q")


def _filtered(request: Request, rows: ScheduledPostQuerySet, query: dict[str, Any]) -> ScheduledPostQuerySet:
    """Apply FILTERS. Raises Invalid for a channel that the key may not use."""
    if "channelId" in query:
        on_channel = Delivery.objects.filter(post=OuterRef("pk"), channel=_channel_or_400(request, query["channelId"]))
        rows = rows.filter(Exists(on_channel))
    if "from" in query:
        rows = rows.filter(scheduled_for__gte=query["from"][0])
    if "to" in query:
        rows = rows.filter(scheduled_for__lt=query["to"][1])
    if "updatedSince" in query:
        rows = rows.filter(updated_at__gte=query["updatedSince"])
    if "externalId" in query:
        rows = rows.filter(external_id=query["externalId"])
    return search_captions(rows, query["q"]) if "q" in query else rows


def _channel_or_400(request: Request, channel_id: str) -> Channel:
    key = get_api_key(request)
    channel = visible_channels(key.organization_id, key).filter(public_id=channel_id).first()
    if channel is None:
        message = "Unknown channelId"
        raise Invalid(message, [{"path": ["channelId"], "message": message, "code": "channel.unknown"}])
    return channel


def _precondition(request: Request, post_id: UUID) -> review.Precondition | None:
    return etags.if_match(request, lambda: _response(request, post_id).headers["ETag"].strip('"'))


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while this process is up; checks nothing else."""
    return JsonResponse({"up": True, "version": settings.VERSION})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 or 503 whether publishing works; with counts and ages for the machine itself and superusers.

    They are counts over all organizations, which a stranger may not learn.
    """
    result = health.check_health()
    body = health.as_json(result) if _is_operator(request) else {"ready": result.ready}
    return JsonResponse(body, status=200 if result.ready else 503)


def _is_operator(request: HttpRequest) -> bool:
    if is_this_machine(request):
        return True
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False  # without a session there is nothing to read from a database that may be down
    try:
        user = request.user
        return bool(user.is_active and getattr(user, "is_superuser", False))
    except DatabaseError:
        return False
