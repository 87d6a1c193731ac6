"""POST /mcp: the Model Context Protocol for API keys, stateless, in JSON."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError, Throttled, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import HEADERS, ApiKeyUser, SignatureAuthentication
from accounts.api.exceptions import BearerRefused
from accounts.api.serializers import read_body
from accounts.api.throttling import AddressThrottle
from accounts.models import ApiKey
from dynamo.mcp import tools  # noqa: F401  registers the tools
from dynamo.mcp.server import server


class McpAuthentication(SignatureAuthentication):
    """As below /v1, but a request without a token or signature gets 401, as MCP clients expect."""

    def authenticate(self, request: Request) -> tuple[ApiKeyUser, ApiKey]:
        if not any(name in request.META for name in ("HTTP_AUTHORIZATION", *HEADERS)):
            AddressThrottle().check(request)
            raise BearerRefused("Send the API key as a bearer token, or sign the request", "bearer.missing")
        return super().authenticate(request)


class Mcp(APIView):
    """The key needs no scope here, because each tool has its own."""

    authentication_classes = [McpAuthentication]
    http_method_names = ["post"]
    scopes = {"post": None}
    schema = None  # the protocol describes itself
    refusal: Throttled | None = None

    def check_throttles(self, request: Request) -> None:
        """Count the request against its key. A refusal is kept until it is known whether a tool is called."""
        try:
            super().check_throttles(request)
        except Throttled as error:
            self.refusal = error

    def raise_throttled(self) -> None:
        """Raise Throttled in the tool that is called, so that a model reads `retryAfter`."""
        if (error := self.refusal) is not None:
            self.refusal = None
            raise error

    def post(self, request: Request) -> HttpResponse:
        if request.content_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(request.content_type)
        read_body(request)
        try:
            response = server(cast("HttpRequest", request))  # what it reads of it, a request of DRF's has too
        except RecursionError:
            raise ParseError from None
        self.raise_throttled()
        return response
