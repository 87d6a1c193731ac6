"""GET /channels/{id}: what a channel takes."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.openapi import errors
from accounts.models import ApiKey, Scope
from posts.api.serializers import ChannelSerializer
from posts.domain.channels import visible_channels
from posts.models import ChannelState, ChannelType
from scheduling.api.channel_serializers import ChannelDetailSerializer
from scheduling.domain.capabilities import capabilities, quota

ID = "INSTAGRAM_ACCOUNT_17841400000000001"
CHANNEL_ID = OpenApiParameter(
    "channel_id",
    str,
    OpenApiParameter.PATH,
    description="The type and the id on the platform.",
    examples=[OpenApiExample("An Instagram account", ID)],
)
EXAMPLE = OpenApiExample(
    "An Instagram account",
    {
        "id": ID,
        "type": ChannelType.INSTAGRAM_ACCOUNT.value,
        "name": "casadosol",
        "state": ChannelState.CONNECTED.value,
        "capabilities": capabilities(ChannelType.INSTAGRAM_ACCOUNT),
        "quota": {"used": 3, "total": 50, "resetsAt": "2031-07-01T16:12:00.000Z"},
    },
)


class ChannelDetail(ApiView):
    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="Read a channel and its limits",
        description="The state of the channel, the limits of each type of post on it, and the platform's quota.",
        parameters=[CHANNEL_ID],
        responses={200: ChannelDetailSerializer, **errors(404)},
        examples=[EXAMPLE],
    )
    def get(self, request: Request, channel_id: str) -> Response:
        return Response(channel_json(get_api_key(request), channel_id))


def channel_json(key: ApiKey, channel_id: str) -> dict[str, Any]:
    """Return a channel that the key may use, with its limits. Raises Http404."""
    rows = visible_channels(key.organization_id, key).exclude(state=ChannelState.DISCONNECTED)
    # PostgreSQL refuses a NUL in a text, and no id contains one.
    channel = None if "\x00" in channel_id else rows.filter(public_id=channel_id).first()
    if channel is None:
        raise Http404
    return {
        **ChannelSerializer(channel).data,
        "state": str(channel.state),
        "capabilities": capabilities(channel.type),
        "quota": quota(channel),
    }
