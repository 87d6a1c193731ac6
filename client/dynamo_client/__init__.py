"""Client of Dynamo's API: draft posts, submit them for approval, follow the review, read what is published."""

from dynamo_client.auth import BearerAuth, SignatureAuth
from dynamo_client.client import AsyncClient, Client
from dynamo_client.credentials import NotLoggedIn, connect
from dynamo_client.endpoints import Content
from dynamo_client.exceptions import (
    ApiError,
    AuthenticationFailed,
    Conflict,
    DynamoError,
    InvalidRequest,
    NoResponse,
    NotFound,
    OrganizationInactive,
    PermissionDenied,
    RateLimited,
    ServerError,
    StaleVersion,
    UnexpectedResponse,
    Violation,
)
from dynamo_client.models import Event, MediaItem, Page, PublishedPost, ScheduledPost
from dynamo_client.retries import RetryPolicy
from dynamo_client.webhooks import InvalidWebhook, event_from_webhook, verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationFailed",
    "BearerAuth",
    "Client",
    "Conflict",
    "Content",
    "DynamoError",
    "Event",
    "InvalidRequest",
    "InvalidWebhook",
    "MediaItem",
    "NoResponse",
    "NotFound",
    "NotLoggedIn",
    "OrganizationInactive",
    "Page",
    "PermissionDenied",
    "PublishedPost",
    "RateLimited",
    "RetryPolicy",
    "ScheduledPost",
    "ServerError",
    "SignatureAuth",
    "StaleVersion",
    "UnexpectedResponse",
    "Violation",
    "connect",
    "event_from_webhook",
    "verify_webhook",
]
