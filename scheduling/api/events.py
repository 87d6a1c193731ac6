"""GET /events: what happened in the organization, in order."""

from typing import Any

from django.core import signing
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.openapi import errors, limit_too_large_example, validation_error_example
from accounts.api.serializers import joi_error
from accounts.models import ApiKey, Scope
from scheduling.api.event_serializers import EventPageSerializer, EventsQuery
from scheduling.api.openapi import REJECTED, RITA, post_json
from scheduling.domain import event_feed

EVENT = {
    "id": "5ca5ad05-0100-5000-8000-00000000000a",
    "type": "post.rejected",
    "occurredAt": "2031-06-24T10:00:00.000Z",
    "organizationId": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90",
    "actor": RITA,
    "post": post_json(status="REJECTED", notes="Shorter, please", review=REJECTED, checks=None),
    "channel": None,
    "review": REJECTED,
}


class Events(ApiView):
    scopes = {"get": Scope.READ}
    queries = {"get": EventsQuery}

    @extend_schema(
        operation_id="listEvents",
        summary="List events",
        description="What happened to posts, channels and the policy, oldest first, for 30 days. `post` is the post as "
        "it was then. Send `nextCursor` as `after` to go on: it is never null, and a page may be short although more "
        "follows. No event is skipped. A key that is limited to channels sees the events of these.",
        parameters=[EventsQuery],
        responses={200: EventPageSerializer, **errors(422)},
        examples=[
            OpenApiExample("A rejection", {"items": [EVENT], "nextCursor": "MTc:1vXk2a:u8"}, response_only=True),
            validation_error_example(
                "Unknown cursor", ["after"], "any.only", "must be one that this list returned", value="x"
            ),
            limit_too_large_example(),
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(event_page(get_api_key(request), self.parameters))


def event_page(key: ApiKey, query: dict[str, Any]) -> dict[str, Any]:
    """Return the events for a validated EventsQuery. Raises ValidationError for a foreign cursor."""
    after = _decode(key, query["after"]) if "after" in query else 0
    items, position = event_feed.read(key, after=after, types=query.get("types", []), limit=int(query["limit"]))
    return {"items": items, "nextCursor": _signer(key).sign_object(position)}


def _decode(key: ApiKey, cursor: str) -> int:
    try:
        return int(_signer(key).unsign_object(cursor))
    except (signing.BadSignature, ValueError, TypeError):
        raise ValidationError({"after": [joi_error("any.only", "must be one that this list returned")]}) from None


def _signer(key: ApiKey) -> signing.Signer:
    # Without a timestamp: the cursor remains the same until an event follows.
    return signing.Signer(salt=f"dynamo.events:{key.organization_id}")
