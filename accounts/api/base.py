"""The base class of the views below /v1."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.serializers import StrictSerializer, validate_query
from accounts.models import Scope


class NoQuery(StrictSerializer):
    """The query of an operation without parameters."""


class ApiView(APIView):
    """A view whose query is validated before its handler runs.

    `queries` has the parameters of each method; a method without an entry takes none. The handler finds the validated
    values in `self.parameters`. With `ignores_input` the query is not read.
    """

    scopes: ClassVar[Mapping[str, Scope | None]] = {}
    queries: ClassVar[Mapping[str, type[StrictSerializer]]] = {}
    ignores_input: ClassVar[bool] = False
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # the methods that `Allow` can list
    parameters: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorize and count the request, then validate its query. Raises RequestValidationError."""
        super().initial(request, *args, **kwargs)
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        if self.ignores_input or not hasattr(self, method):
            return
        self.parameters = validate_query(request, self.queries.get(method, NoQuery))
