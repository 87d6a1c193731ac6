"""GET /channels, /superpowers, /posts and /posts/{id}: what an organization has, and what it has published."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.openapi import LINK, errors
from accounts.api.pagination import KeysetPagination, PaginationQuery
from accounts.api.serializers import validate_query
from accounts.models import Scope
from posts.api import openapi
from posts.api.lookup import channel_pk, post_of
from posts.api.serializers import (
    PUBLISHED,
    ChannelSerializer,
    PostQuery,
    PostsQuery,
    PublishedPostSerializer,
    SuperpowerSerializer,
)
from posts.domain.published import everything_live
from posts.domain.reach import reached_by
from posts.models import ChannelState, SuperpowerTemplate


class Channels(APIView):
    """The connected channels that the key reaches, by name, then id."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="List channels",
        description="The connected Facebook Pages and Instagram accounts that the key reaches, by name.",
        parameters=[PaginationQuery, LINK],
        responses={200: ChannelSerializer(many=True), **errors(422)},
        examples=openapi.LIST_CHANNELS,
    )
    def get(self, request: Request) -> Response:
        rows = reached_by(key_of(request)).exclude(state=ChannelState.DISCONNECTED).only("wire_id", "type", "name")
        paginator = KeysetPagination("channels", ["name", "wire_id"])
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response([ChannelSerializer(channel).data for channel in page])


class Superpowers(APIView):
    """The organization's superpower templates, by name, then id."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="List superpowers",
        description="The organization's templates, by name. A scheduled post takes one by its `creativeTemplateId`.",
        parameters=[PaginationQuery, LINK],
        responses={200: SuperpowerSerializer(many=True), **errors(422)},
        examples=openapi.LIST_SUPERPOWERS,
    )
    def get(self, request: Request) -> Response:
        rows = SuperpowerTemplate.objects.filter(organization=key_of(request).organization_id)
        paginator = KeysetPagination("superpowers", ["name", "id"])
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response([template.as_wire() for template in page])


class Posts(APIView):
    """Published posts, newest first, of one channel or of all that the key reaches merged."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="List published posts",
        description="Newest first, of one channel or of all that the key reaches merged. Filters apply before the "
        "limit.",
        parameters=[PostsQuery, LINK],
        responses={200: PublishedPostSerializer(many=True), **errors(400, 422)},
        examples=openapi.LIST_POSTS,
    )
    def get(self, request: Request) -> HttpResponse:
        wanted = validate_query(request, PostsQuery)
        key = key_of(request)
        rows = everything_live(key.organization_id)
        if "mediumId" in wanted:
            rows = rows.filter(channel=channel_pk(request, wanted["mediumId"]))
        elif key.channels is not None:
            # As ids: with a subquery the planner may leave the index that matches the list's order.
            rows = rows.filter(channel__in=list(reached_by(key).values_list("pk", flat=True)))
        if "type" in wanted:
            rows = rows.filter(type=wanted["type"])
        if "startDate" in wanted:
            rows = rows.filter(published_at__gte=wanted["startDate"][0])
        if "endDate" in wanted:
            rows = rows.filter(published_at__lt=wanted["endDate"][1])
        paginator = KeysetPagination(
            "posts",
            ["-published_at", "-platform_id"],
            filters={name: wanted[name] for name in ("mediumId", "type", "startDate", "endDate") if name in wanted},
            columns=PUBLISHED.columns,
        )
        page = paginator.paginate_queryset(rows, request)
        body = PUBLISHED.render_list(page)
        return HttpResponse(body, content_type="application/json", headers=paginator.headers)


class Post(APIView):
    """One published post, named by its id and its channel."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="Read a published post",
        parameters=[openapi.POST_ID, PostQuery],
        responses={200: PublishedPostSerializer, **errors(400, 404, 422)},
        examples=openapi.READ_POST,
    )
    def get(self, request: Request, post_id: str) -> Response:
        found = post_of(request, post_id, validate_query(request, PostQuery)["mediumId"])
        return Response(PublishedPostSerializer(found).data)
