"""The base class of the views below /v1."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api import idempotency
from accounts.api.serializers import StrictSerializer, validate_query
from accounts.models import Scope


class NoQuery(StrictSerializer):
    """The query of an operation without parameters."""


class ApiView(APIView):
    """A view whose query is validated before its handler runs.

    `queries` has the parameters of each method; a method without an entry takes none. The handler finds the validated
    values in `self.parameters`. A POST with an `Idempotency-Key` runs in the transaction that stores its answer: what
    must not run inside of a transaction, such as fetching a file, belongs into `prepare`. With `ignores_input` neither
    the query nor that header is read.
    """

    scopes: ClassVar[Mapping[str, Scope | None]] = {}
    queries: ClassVar[Mapping[str, type[StrictSerializer]]] = {}
    ignores_input: ClassVar[bool] = False
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # the methods that `Allow` can list
    parameters: dict[str, Any]
    post: Callable[..., HttpResponseBase]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Remove DRF's `Allow` from all but a 405: it discloses which paths exist."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code != 405:
            response.headers.pop("Allow", None)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorize and count the request, then validate its query and its idempotency key.

        Raises RequestValidationError.
        """
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        method = "get" if name == "head" else name
        if self.ignores_input or name not in self.http_method_names or not hasattr(self, method):
            return
        self.parameters = validate_query(request, self.queries.get(method, NoQuery))
        if method == "post" and (key := idempotency.key_of(request)) is not None:
            self.post = self._once(key, self.post)  # dispatch() looks the handler up on the instance, after this

    def _once(self, key: str, handler: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        def post(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not idempotency.is_answered(request, key):
                self.prepare(request)
            run = partial(handler, request, *args, **kwargs)
            return idempotency.run_once(request, key, self.body_digest(request), run)

        return post

    def prepare(self, request: Request) -> None:
        """Do what must precede the transaction of a POST with an idempotency key that has no answer yet."""

    def body_digest(self, request: Request) -> str:
        """Return what identifies the body when the request is repeated: its SHA-256."""
        return hashlib.sha256(request.body).hexdigest()
