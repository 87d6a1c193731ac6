"""The organization's webhooks over the API. A secret is returned once, when it is created."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.openapi import (
    INVALID_JSON,
    LINK,
    LOCATION,
    NEXT_CURSOR,
    error_example,
    errors,
    limit_too_large_example,
    validation_error_example,
)
from accounts.api.pagination import KeysetPagination, PaginationQuery
from accounts.api.serializers import validate_body
from accounts.datetimes import format_datetime
from accounts.domain.actors import api_key_actor
from accounts.exceptions import Forbidden
from accounts.models import Scope
from scheduling.api.event_serializers import (
    CreateWebhookSerializer,
    UpdateWebhookSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from scheduling.api.serializers import MessageSerializer
from scheduling.domain.event_feed import OF_KINDS
from scheduling.domain.notifications import webhooks
from scheduling.models import Webhook

URL = "https://hooks.example.com/dynamo"
WEBHOOK = {
    "id": "2f4e4f0c-9d51-4b4e-8f57-5d0a3b1c6e70",
    "url": URL,
    "types": ["post.approved", "post.rejected"],
    "active": True,
    "createdAt": "2031-06-24T09:00:00.000Z",
}
SECRET = {**WEBHOOK, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
NEW = {"url": URL, "types": ["post.approved", "post.rejected"]}
ID = OpenApiParameter(
    "webhook_id",
    UUID,
    OpenApiParameter.PATH,
    description="The webhook's id.",
    examples=[OpenApiExample("A webhook", WEBHOOK["id"])],
)
BAD_URL = "The URL must begin with https://"
REFUSED_URL = error_example("Not https", 400, BAD_URL, [{"path": ["url"], "message": BAD_URL, "code": "webhook.url"}])
TOO_MANY = error_example("Too many", 409, "There are already 10 webhooks: remove one first")
ROTATED = error_example("Rotated already", 409, "The secret has already been rotated and cannot be displayed again.")
PAUSED = error_example("Inactive", 409, "This webhook is paused")
TEST_IS_SENT = "A test is being sent"
NO_TYPES = validation_error_example("Without types", ["types"], "any.required", "is required")


class WebhookView(ApiView):
    """Refuses a key that is limited to channels, because a webhook sends the events of all of them."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.auth is not None and get_api_key(request).channels is not None:
            raise Forbidden("A key that is limited to channels cannot use webhooks, which send the events of all")


class Webhooks(WebhookView):
    scopes = {"get": Scope.WEBHOOKS, "post": Scope.WEBHOOKS}
    queries = {"get": PaginationQuery}

    @extend_schema(
        operation_id="listWebhooks",
        summary="List webhooks",
        description="The organization's webhooks, the oldest first; at most ten.",
        parameters=[PaginationQuery, LINK, NEXT_CURSOR],
        responses={200: WebhookSerializer(many=True), **errors(422)},
        examples=[OpenApiExample("A webhook", WEBHOOK), limit_too_large_example()],
    )
    def get(self, request: Request) -> Response:
        rows = Webhook.objects.filter(organization=get_api_key(request).organization_id)
        paginator = KeysetPagination("webhooks", ["created_at", "id"], parameters=self.parameters)
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response([_as_json(hook) for hook in page])

    @extend_schema(
        operation_id="createWebhook",
        summary="Add a webhook",
        description="The response has the secret, which is not shown again.",
        parameters=[LOCATION],
        request=CreateWebhookSerializer,
        responses={201: WebhookWithSecretSerializer, **errors(400, 409, 415, 422)},
        examples=[
            OpenApiExample("Decisions", NEW, request_only=True),
            OpenApiExample("Decisions", SECRET, response_only=True),
            REFUSED_URL,
            TOO_MANY,
            NO_TYPES,
            INVALID_JSON,
        ],
    )
    def post(self, request: Request) -> Response:
        given, key = validate_body(request, CreateWebhookSerializer), get_api_key(request)
        hook, secret = webhooks.add(
            api_key_actor(key), organization=key.organization, url=given["url"], kinds=_kinds(given["types"])
        )
        headers = {"Location": reverse("webhook", args=[hook.pk])}
        return Response({**_as_json(hook), "secret": secret}, status=201, headers=headers)


class WebhookDetail(WebhookView):
    scopes = {"get": Scope.WEBHOOKS, "patch": Scope.WEBHOOKS, "delete": Scope.WEBHOOKS}

    @extend_schema(
        operation_id="getWebhook",
        summary="Read a webhook",
        parameters=[ID],
        responses={200: WebhookSerializer, **errors(404)},
        examples=[OpenApiExample("A webhook", WEBHOOK)],
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        return Response(_as_json(_webhook(request, webhook_id)))

    @extend_schema(
        operation_id="updateWebhook",
        summary="Change a webhook",
        description="Changes the fields that are sent. Nothing is sent to an inactive webhook.",
        parameters=[ID],
        request=UpdateWebhookSerializer,
        responses={200: WebhookSerializer, **errors(400, 404, 415, 422)},
        examples=[
            OpenApiExample("Paused", {"active": False}, request_only=True),
            OpenApiExample("Paused", {**WEBHOOK, "active": False}, response_only=True),
            REFUSED_URL,
            INVALID_JSON,
        ],
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        hook = _webhook(request, webhook_id)
        given = validate_body(request, UpdateWebhookSerializer)
        webhooks.change(
            api_key_actor(get_api_key(request)),
            hook,
            url=given.get("url", hook.url),
            kinds=_kinds(given["types"]) if "types" in given else hook.kinds,
            active=given.get("active", hook.active),
        )
        return Response(_as_json(hook))

    @extend_schema(
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        description="What waits to be sent to it is dropped.",
        parameters=[ID],
        responses={200: MessageSerializer, **errors(404)},
        examples=[OpenApiExample("Deleted", {"message": "Webhook deleted"})],
    )
    def delete(self, request: Request, webhook_id: str) -> Response:
        webhooks.remove(api_key_actor(get_api_key(request)), _webhook(request, webhook_id))
        return Response({"message": "Webhook deleted"})


class RotateWebhookSecret(WebhookView):
    scopes = {"post": Scope.WEBHOOKS}

    @extend_schema(
        operation_id="rotateWebhookSecret",
        summary="Replace a webhook's secret",
        description="The response has the new secret, which is not shown again. For a day the previous one signs too.",
        parameters=[ID],
        request=None,
        responses={200: WebhookWithSecretSerializer, **errors(404, 409)},
        examples=[OpenApiExample("A new secret", SECRET), ROTATED],
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        hook = _webhook(request, webhook_id)
        secret = webhooks.rotate(api_key_actor(get_api_key(request)), hook)
        return Response({**_as_json(hook), "secret": secret})


class WebhookTest(WebhookView):
    scopes = {"post": Scope.WEBHOOKS}

    @extend_schema(
        operation_id="testWebhook",
        summary="Send a test to a webhook",
        description="Sends an event of the type `webhook.test`, whatever types the webhook has.",
        parameters=[ID],
        request=None,
        responses={200: MessageSerializer, **errors(404, 409)},
        examples=[OpenApiExample("A test", {"message": TEST_IS_SENT}), PAUSED],
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        webhooks.send_test(api_key_actor(get_api_key(request)), _webhook(request, webhook_id))
        return Response({"message": TEST_IS_SENT})


def _webhook(request: Request, webhook_id: str) -> Webhook:
    try:
        pk = UUID(webhook_id)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Webhook, organization=get_api_key(request).organization_id, pk=pk)


def _kinds(types: list[str]) -> list[str]:
    return [str(kind) for kind in webhooks.WANTED if OF_KINDS[kind] in types]


def _as_json(hook: Webhook) -> dict[str, Any]:
    return {
        "id": str(hook.pk),
        "url": hook.url,
        "types": sorted({OF_KINDS[kind] for kind in hook.kinds}),
        "active": hook.active,
        "createdAt": format_datetime(hook.created_at),
    }
