"""The list of posts as others would serve it, behind the same server, signatures and limits."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.models import Scope
from posts.models import Channel, PublishedPost

FLOOR = """
SELECT json_agg(json_build_object(
    'id', platform_id, 'mediumId', wire_id, 'mediumType', medium_type, 'type', type, 'caption', caption,
    'mediaUrl', media_url, 'mediaType', media_type, 'thumbnailUrl', thumbnail_url, 'permalink', permalink,
    'publishedAt', to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'metrics', json_build_object('likes', likes, 'comments', comments, 'shares', shares, 'reactions', reactions),
    'superpower', superpower))::text
FROM (
    SELECT post.*, channel.wire_id, channel.type AS medium_type
    FROM posts_publishedpost post JOIN posts_channel channel ON channel.id = post.channel_id
    WHERE post.organization_id = %s
    ORDER BY post.published_at DESC, post.platform_id DESC LIMIT 100
) page
"""


class Floor(APIView):
    """PostgreSQL builds the JSON; Python hands it on."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute(FLOOR, [key_of(request).organization_id])
            (body,) = cursor.fetchone()
        return HttpResponse(body, content_type="application/json")


class Metrics(serializers.ModelSerializer[PublishedPost]):
    class Meta:
        model = PublishedPost
        fields = ("likes", "comments", "shares", "reactions")


class Document(serializers.ModelSerializer[PublishedPost]):
    """What one writes who writes Django REST framework by the book."""

    id = serializers.CharField(source="platform_id")
    mediumId = serializers.CharField(source="channel.wire_id")
    mediumType = serializers.CharField(source="channel.type")
    mediaUrl = serializers.CharField(source="media_url")
    mediaType = serializers.CharField(source="media_type")
    thumbnailUrl = serializers.CharField(source="thumbnail_url")
    publishedAt = serializers.DateTimeField(source="published_at", format="%Y-%m-%dT%H:%M:%S.000Z")
    metrics = Metrics(source="*")

    class Meta:
        model = PublishedPost
        fields = (
            "id", "mediumId", "mediumType", "type", "caption", "mediaUrl", "mediaType", "thumbnailUrl", "permalink",
            "publishedAt", "metrics", "superpower",
        )  # fmt: skip


class Plain(APIView):
    """A ModelSerializer, and the join that it needs."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        return Response(Document(self.posts(request)[:100], many=True).data)

    def posts(self, request: Request) -> Any:
        rows = PublishedPost.objects.filter(organization=key_of(request).organization)
        return rows.select_related("channel").order_by("-published_at", "-platform_id")


class Naive(Plain):
    """Without the join: each row asks for its channel, and a page is a page by number."""

    def posts(self, request: Request) -> Any:
        mine = list(Channel.objects.filter(organization=key_of(request).organization))
        rows = PublishedPost.objects.filter(channel__in=mine).order_by("-published_at", "-platform_id")
        self.headers = {"x-total": str(rows.count())}
        return rows


urlpatterns = [
    path("v1/bench/floor", Floor.as_view()),
    path("v1/bench/plain", Plain.as_view()),
    path("v1/bench/naive", Naive.as_view()),
    path("", include("dynamo.urls")),
]
