"""The response of GET /channels/{id}."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import UTCMillisField
from posts.api.serializers import ChannelSerializer
from posts.models import ChannelState
from scheduling.models import MediaType


class PairField(serializers.ListField):
    """The least and the most."""

    child = serializers.FloatField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=2, **kwargs)


class MediaLimitsSerializer(serializers.Serializer[Any]):
    """The limits of one kind of media. null: no documented limit."""

    count = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="Least and most of this kind in a post."
    )
    bytes = serializers.IntegerField(allow_null=True, help_text="Size of the stored copy. An image becomes a JPEG.")
    ratio = PairField(allow_null=True, help_text="Least and most width : height.")
    formats = serializers.ListField(child=serializers.CharField(), help_text="Content types that are accepted.")
    seconds = PairField(
        allow_null=True, required=False, help_text="Shortest and longest video; reviewers are warned outside."
    )


class CaptionLimitsSerializer(serializers.Serializer[Any]):
    """The limits of a caption. null: no documented limit."""

    required = serializers.BooleanField(help_text="Whether a caption is needed.")  # type: ignore[assignment]
    characters = serializers.IntegerField(allow_null=True, help_text="Most Unicode characters.")
    hashtags = serializers.IntegerField(allow_null=True, help_text="Most hashtags.")
    mentions = serializers.IntegerField(allow_null=True, help_text="Most mentions.")


class CarouselLimitsSerializer(serializers.Serializer[Any]):
    """What `mediaItems` takes."""

    items = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="Least and most items."
    )
    media = serializers.ListField(child=serializers.ChoiceField(MediaType.choices), help_text="The kinds of the items.")


class MediaByKindSerializer(serializers.Serializer[Any]):
    """The kinds of media that a post takes. A kind that is missing is refused."""

    IMAGE = MediaLimitsSerializer(required=False, help_text="An image.")
    VIDEO = MediaLimitsSerializer(required=False, help_text="A video.")


class PostTypeCapabilitiesSerializer(serializers.Serializer[Any]):
    """What a post of one type takes."""

    media = MediaByKindSerializer(help_text="By kind of media.")
    caption = CaptionLimitsSerializer(help_text="The text.")
    altText = serializers.IntegerField(allow_null=True, help_text="Most characters of an image's alternative text.")
    isAiGenerated = serializers.BooleanField(help_text="Whether the platform labels it as made with AI.")
    carousel = CarouselLimitsSerializer(allow_null=True, help_text="Several media in one post; null: one only.")


class TypesSerializer(serializers.Serializer[Any]):
    """The types of posts. A type that is missing cannot be published on the channel."""

    POST = PostTypeCapabilitiesSerializer(required=False, help_text="A post.")
    REEL = PostTypeCapabilitiesSerializer(required=False, help_text="A reel.")
    STORY = PostTypeCapabilitiesSerializer(required=False, help_text="A story.")


class CapabilitiesSerializer(serializers.Serializer[Any]):
    """The limits that the publish validation and the checks of the review page use."""

    types = TypesSerializer(help_text="By type of post.")


class QuotaSerializer(serializers.Serializer[Any]):
    """Posts that the platform takes over its API within 24 hours, by the last check of the channel."""

    used = serializers.IntegerField(help_text="Posts of the last 24 hours.")
    total = serializers.IntegerField(help_text="The most posts in 24 hours.")
    resetsAt = UTCMillisField(allow_null=True, help_text="When the next place becomes free, where it is known.")


class ChannelDetailSerializer(ChannelSerializer):
    """A channel, and what it takes."""

    state = serializers.ChoiceField(ChannelState.choices, help_text="Posts are published while it is CONNECTED.")
    capabilities = CapabilitiesSerializer(help_text="Its limits.")
    quota = QuotaSerializer(allow_null=True, help_text="null where the platform reports none.")
