"""GET /channels, /superpowers, /posts and /posts/{id}: what an organization has, and what it has published."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.paging import Listed, Paged
from accounts.api.shape import query
from accounts.compiled import padded
from accounts.models import Scope
from posts.api import documents
from posts.api.lookup import channel_pk, post_of
from posts.api.shapes import OnePostQuery, PostsQuery
from posts.domain.published import everything_live
from posts.domain.reach import reached_by, reached_of
from posts.models import Channel, ChannelState, PublishedPost, SuperpowerTemplate

NOWHERE = 0  # no channel's number


def bare_list(rows: list[dict[str, Any]], link: str | None) -> Response:
    """Return a bare array, with the Link header when there is more to come."""
    return Response(rows, headers={"Link": link} if link else None)


def _published(organization: Any, *values: Any, filters: tuple[str, ...], on: int) -> QuerySet[PublishedPost]:
    rows = everything_live(organization).filter(**dict(zip(filters, values, strict=False)))
    return rows.filter(channel__pk__in=values[len(filters) :]) if on else rows


CHANNELS: Listed[Channel] = Listed(
    Channel,
    "channels",
    [("name", "asc"), ("wire_id", "asc")],
    lambda organization, *only, limited: (
        reached_of(organization, only if limited else None)
        .exclude(state=ChannelState.DISCONNECTED)
        .only("wire_id", "type", "name")
    ),
)
SUPERPOWERS: Listed[SuperpowerTemplate] = Listed(
    SuperpowerTemplate,
    "superpowers",
    [("name", "asc"), ("id", "asc")],
    lambda organization: SuperpowerTemplate.objects.filter(organization=organization),
)
POSTS: Listed[tuple[Any, ...]] = Listed(
    PublishedPost,
    "posts",
    [("published_at", "desc"), ("platform_id", "desc")],
    _published,
    documents.PUBLISHED.columns,
)


class Channels(APIView):
    """The connected channels that the key reaches, by name, then id."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        query(request, Paged)
        key = key_of(request)
        only = padded(key.channels or [])
        found, link = CHANNELS.page(request, key.organization_id, *only, scope={}, limited=key.channels is not None)
        return bare_list([documents.channel(one) for one in found], link)


class Superpowers(APIView):
    """The organization's superpower templates, by name, then id."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        query(request, Paged)
        found, link = SUPERPOWERS.page(request, key_of(request).organization_id, scope={})
        return bare_list([one.as_wire() for one in found], link)


class Posts(APIView):
    """Published posts, newest first, of one channel or of all that the key reaches merged."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> HttpResponse:
        wanted = query(request, PostsQuery)
        key = key_of(request)
        filters: dict[str, Any] = {}
        on: list[int] = []
        if "mediumId" in wanted:
            filters["channel"] = channel_pk(request, wanted["mediumId"])
        elif key.channels is not None:
            on = padded(list(reached_by(key).values_list("pk", flat=True))) or [NOWHERE]
        if "type" in wanted:
            filters["type"] = wanted["type"]
        if "startDate" in wanted:
            filters["published_at__gte"] = wanted["startDate"][0]
        if "endDate" in wanted:
            filters["published_at__lt"] = wanted["endDate"][1]
        found, link = POSTS.page(
            request,
            key.organization_id,
            *filters.values(),
            *on,
            scope={name: wanted[name] for name in ("mediumId", "type", "startDate", "endDate") if name in wanted},
            filters=tuple(filters),
            on=len(on),
        )
        return HttpResponse(
            documents.PUBLISHED.render_list(found),
            content_type="application/json",
            headers={"Link": link} if link else None,
        )


class Post(APIView):
    """One published post, named by its id and its channel."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request, post_id: str) -> Response:
        found = post_of(request, post_id, query(request, OnePostQuery)["mediumId"])
        return Response(documents.PublishedDocument(found).data)
