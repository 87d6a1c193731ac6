"""Channels, published posts and what people said below them. The schema is made from what is declared here."""

from typing import Any

from rest_framework import serializers

from accounts.api.rows import Rows
from accounts.api.wire import Moment
from posts.graph.reading.insights import Figure
from posts.graph.reading.shape import Author, Comment
from posts.models import Channel, PublishedPost


def channel(one: Channel) -> dict[str, Any]:
    """Return the channel's three documented fields."""
    return {"id": one.wire_id, "type": one.type, "name": one.name}


class Metrics(serializers.Serializer[PublishedPost]):
    """What the platform counted; null is unknown."""

    likes = serializers.IntegerField(allow_null=True)
    comments = serializers.IntegerField(allow_null=True)
    shares = serializers.IntegerField(allow_null=True)
    reactions = serializers.JSONField(allow_null=True)


class PublishedDocument(serializers.Serializer[PublishedPost]):
    """A post that is live on a channel. What the platform did not give is null, never missing."""

    id = serializers.CharField(source="platform_id")
    mediumId = serializers.CharField(source="channel.wire_id")
    mediumType = serializers.CharField(source="channel.type")
    type = serializers.CharField()
    caption = serializers.CharField(allow_null=True)
    mediaUrl = serializers.CharField(source="media_url", allow_null=True)
    mediaType = serializers.CharField(source="media_type", allow_null=True)
    thumbnailUrl = serializers.CharField(source="thumbnail_url", allow_null=True)
    permalink = serializers.CharField(allow_null=True)
    publishedAt = Moment(source="published_at")
    metrics = Metrics(source="*")
    superpower = serializers.JSONField(allow_null=True)


PUBLISHED = Rows(PublishedDocument)


class FigureDocument(serializers.Serializer[Figure]):
    """A metric. Its value is a number, or an object of numbers by kind."""

    name = serializers.CharField()
    period = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    value = serializers.JSONField()


class AuthorDocument(serializers.Serializer[Author]):
    """Who commented, as far as the platform tells."""

    id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class CommentDocument(serializers.Serializer[Comment]):
    """A comment, or with `parentId` a reply to one. What the platform did not tell is null."""

    id = serializers.CharField()
    parentId = serializers.CharField(source="parent_id", allow_null=True)
    text = serializers.CharField(allow_blank=True)
    createdAt = Moment(source="created_at", allow_null=True)
    author = AuthorDocument(allow_null=True)
    likes = serializers.IntegerField(allow_null=True)
    replies = serializers.IntegerField(allow_null=True)
    hidden = serializers.BooleanField(allow_null=True)
