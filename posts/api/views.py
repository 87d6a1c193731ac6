"""GET /channels, /superpowers, /posts and /posts/{id}: what an organization has, and what it has published."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.paging import Paged, page, page_of_columns
from accounts.api.shape import query
from accounts.models import Scope
from posts.api import documents
from posts.api.lookup import channel_pk, post_of
from posts.api.shapes import OnePostQuery, PostsQuery
from posts.domain.published import live
from posts.domain.reach import reached_by
from posts.models import ChannelState, SuperpowerTemplate


def bare_list(rows: list[dict[str, Any]], link: str | None) -> Response:
    """Return a bare array, with the Link header when there is more to come."""
    return Response(rows, headers={"Link": link} if link else None)


class Channels(APIView):
    """The connected channels that the key reaches, by name, then id."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        query(request, Paged)
        rows = reached_by(key_of(request))
        found, link = page(
            request,
            rows.exclude(state=ChannelState.DISCONNECTED),
            keys=[("name", "asc"), ("wire_id", "asc")],
            list_name="channels",
            scope={},
        )
        return bare_list([documents.channel(one) for one in found], link)


class Superpowers(APIView):
    """The organization's superpower templates, by name, then id."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        query(request, Paged)
        rows = SuperpowerTemplate.objects.filter(organization=key_of(request).organization)
        keys = [("name", "asc"), ("id", "asc")]
        found, link = page(request, rows, keys=keys, list_name="superpowers", scope={})
        return bare_list([one.as_wire() for one in found], link)


class Posts(APIView):
    """Published posts, newest first, of one channel or of all that the key reaches merged."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> HttpResponse:
        wanted = query(request, PostsQuery)
        names = ("mediumId", "type", "startDate", "endDate")
        key = key_of(request)
        rows = live(
            key.organization,
            channel=channel_pk(request, wanted["mediumId"]) if "mediumId" in wanted else None,
            type=wanted.get("type"),
            since=wanted["startDate"][0] if "startDate" in wanted else None,
            before=wanted["endDate"][1] if "endDate" in wanted else None,
        )
        if "mediumId" not in wanted and key.channels is not None:
            rows = rows.filter(channel__in=list(reached_by(key).values_list("pk", flat=True)))
        found, link = page_of_columns(
            request,
            rows,
            documents.PUBLISHED.columns,
            keys=[("published_at", "desc"), ("platform_id", "desc")],
            list_name="posts",
            scope={name: wanted[name] for name in names if name in wanted},
        )
        return HttpResponse(
            documents.PUBLISHED.array(found), content_type="application/json", headers={"Link": link} if link else None
        )


class Post(APIView):
    """One published post, named by its id and its channel."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request, post_id: str) -> Response:
        found = post_of(request, post_id, query(request, OnePostQuery)["mediumId"])
        return Response(documents.PublishedDocument(found).data)
