"""GET /organizations."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import get_api_key
from accounts.api.openapi import errors, limit_too_large_example
from accounts.api.pagination import LIMIT
from accounts.api.serializers import StrictCharField, StrictSerializer, validate_query
from accounts.models import Organization, Scope


class OrganizationsQuery(StrictSerializer):
    """`q` is part of the name, in any case."""

    q = StrictCharField(required=False, allow_blank=True, help_text="Part of the name, in any case.")
    limit = LIMIT


class OrganizationSerializer(serializers.Serializer[Organization]):
    """An organization that the key belongs to."""

    id = serializers.UUIDField(help_text="Its id.")
    name = serializers.CharField(help_text="Its name.")
    role = serializers.ChoiceField(["ADMIN"], help_text="The role of the key.")


class Organizations(APIView):
    """The organizations that the key belongs to."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="List organizations",
        description="The one organization that the key belongs to; none when `q` is not part of its name.",
        parameters=[OrganizationsQuery],
        responses={200: OrganizationSerializer(many=True), **errors(422)},
        examples=[
            OpenApiExample(
                "The key's own", {"id": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90", "name": "Casa do Sol", "role": "ADMIN"}
            ),
            limit_too_large_example(),
        ],
    )
    def get(self, request: Request) -> Response:
        query = validate_query(request, OrganizationsQuery).get("q", "").strip().casefold()
        organization = get_api_key(request).organization
        if query not in organization.name.casefold():
            return Response([])
        return Response([{"id": str(organization.pk), "name": organization.name, "role": "ADMIN"}])
