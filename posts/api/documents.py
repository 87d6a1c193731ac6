"""Channels, published posts and what people said below them. The schema is made from what is declared here."""

from typing import Any

from rest_framework import serializers

from accounts.api.json_rows import JSONRowWriter
from accounts.api.wire import Moment
from posts.graph.comments import Author, Comment
from posts.graph.insights import Figure
from posts.models import Channel, PublishedPost


def channel(one: Channel) -> dict[str, Any]:
    """Return the channel's three documented fields."""
    return {"id": one.wire_id, "type": one.type, "name": one.name}


class Metrics(serializers.Serializer[PublishedPost]):
    """What the platform counted; null is unknown."""

    likes = serializers.IntegerField(allow_null=True, help_text="Likes.")
    comments = serializers.IntegerField(allow_null=True, help_text="Comments.")
    shares = serializers.IntegerField(allow_null=True, help_text="Shares.")
    reactions = serializers.JSONField(allow_null=True, help_text="Counts by name, for example `like` and `love`.")


class PublishedDocument(serializers.Serializer[PublishedPost]):
    """A post that is live on a channel. What the platform did not give is null, never missing."""

    id = serializers.CharField(source="platform_id", help_text="Its id on the platform.")
    mediumId = serializers.CharField(source="channel.wire_id", help_text="The channel that it is live on.")
    mediumType = serializers.CharField(source="channel.type", help_text="`FB_PAGE` or `INSTAGRAM_ACCOUNT`.")
    type = serializers.CharField(help_text="`POST`, `REEL` or `STORY`.")
    caption = serializers.CharField(allow_null=True, help_text="What it says.")
    mediaUrl = serializers.CharField(
        source="media_url", allow_null=True, help_text="Where the platform serves what it shows; it changes."
    )
    mediaType = serializers.CharField(
        source="media_type", allow_null=True, help_text="`IMAGE`, `VIDEO`, `CAROUSEL` or `TEXT`."
    )
    thumbnailUrl = serializers.CharField(
        source="thumbnail_url", allow_null=True, help_text="A still picture of a film."
    )
    permalink = serializers.CharField(allow_null=True, help_text="Where people see it.")
    publishedAt = Moment(source="published_at", help_text="When it went live.")
    metrics = Metrics(source="*", help_text="What the platform counted when it was last asked.")
    superpower = serializers.JSONField(
        allow_null=True, help_text="The superpower of the scheduled post that it came from."
    )


PUBLISHED = JSONRowWriter(PublishedDocument)


class FigureDocument(serializers.Serializer[Figure]):
    """A metric. Its value is a number, or an object of numbers by kind."""

    name = serializers.CharField(help_text="The platform's name of the metric.")
    period = serializers.CharField(allow_null=True, help_text="What it covers, for example `lifetime`.")
    title = serializers.CharField(allow_null=True, help_text="Its name for people.")
    description = serializers.CharField(allow_null=True, help_text="What it counts.")
    value = serializers.JSONField(help_text="A number, or an object of numbers by kind.")


class AuthorDocument(serializers.Serializer[Author]):
    """Who commented, as far as the platform tells."""

    id = serializers.CharField(allow_null=True, help_text="Their id, which is for this channel alone.")
    name = serializers.CharField(allow_null=True, help_text="Their name.")


class CommentDocument(serializers.Serializer[Comment]):
    """A comment, or with `parentId` a reply to one. What the platform did not tell is null."""

    id = serializers.CharField(help_text="Its id on the platform.")
    parentId = serializers.CharField(
        source="parent_id",
        allow_null=True,
        help_text="The comment that this replies to; null for one on the post itself.",
    )
    text = serializers.CharField(allow_blank=True, help_text="What was said.")
    createdAt = Moment(source="created_at", allow_null=True, help_text="When.")
    author = AuthorDocument(allow_null=True, help_text="Who said it; null when the platform does not tell.")
    likes = serializers.IntegerField(allow_null=True, help_text="How many like it.")
    replies = serializers.IntegerField(allow_null=True, help_text="How many replies stand below it.")
    hidden = serializers.BooleanField(allow_null=True, help_text="Whether it is hidden from the public.")
