"""GET /organizations: the key's one organization."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.examples import Example, no_limit
from accounts.api.fields import Text
from accounts.api.pagination import LIMIT
from accounts.api.schema import Operation, describe
from accounts.api.shape import Shape, query
from accounts.models import Organization, Scope


class OrganizationsQuery(Shape):
    """`q` is part of the name, in any case."""

    q = Text(required=False, allow_blank=True, help_text="Part of the name, in any case.")
    limit = LIMIT


class Organizations(APIView):
    """The organizations that the key can work in."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> Response:
        """List them: one, or none when `q` is not in its name."""
        wanted = query(request, OrganizationsQuery)
        organization = key_of(request).organization
        if wanted.get("q", "").strip().casefold() not in organization.name.casefold():
            return Response([])
        return Response([{"id": str(organization.pk), "name": organization.name, "role": "ADMIN"}])


class OrganizationDocument(serializers.Serializer[Organization]):
    """An organization that the key can work in."""

    id = serializers.UUIDField(help_text="Its id.")
    name = serializers.CharField(help_text="What people call it.")
    role = serializers.ChoiceField(["ADMIN"], help_text="What the key is there.")


describe(
    Organizations,
    get=Operation(
        "List organizations",
        {200: OrganizationDocument(many=True)},
        query=OrganizationsQuery,
        says="The one organization that the key belongs to; none when `q` is not part of its name.",
        examples=[
            Example("The key's own", 200, [
                {"id": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90", "name": "Casa do Sol", "role": "ADMIN"}
            ]),
            no_limit(),
        ],
    ),
)  # fmt: skip
