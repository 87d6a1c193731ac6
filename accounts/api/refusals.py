"""The two envelopes as documents: which of them each status carries, and what it means. The schema is made from it.

Envelope A says what is wrong with the shape of a request. Envelope B says which rule refused it; its `details`, where
there are any, are for programs.
"""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

EVERYWHERE = (402, 403, 413, 429)
SAYS = {
    400: "Envelope B: an unknown channel, or the full publish validation failed. `details` has each violation.",
    402: "Envelope B: the organization is inactive.",
    403: "Envelope B: the signature is missing or wrong, the key lacks the scope, or a person has to do this.",
    404: "Envelope B: not found, which includes: it belongs to another organization.",
    409: "Envelope B: the post's state does not allow this, or a superpower's hashtag is in use.",
    412: "Envelope B: `If-Match` names another version than the current one.",
    413: "Envelope B: the body is larger than 1 MiB. One that is not expected is read only to check a full signature.",
    415: "Envelope B: the body is not JSON in UTF-8.",
    422: "Envelope A: the shape of the request is wrong. `error` has every problem, not only the first.",
    429: "Envelope B: too many requests; `Retry-After` says when to come again.",
    502: "Envelope B: the platform failed.",
    503: "Envelope B: the platform asks for a rest; `Retry-After` says how long.",
}
EITHER = f"{SAYS[422]} Or envelope B: a superpower is incomplete, and `details` names what it lacks."


class ShapeProblem(serializers.Serializer[Any]):
    """One thing that is wrong with the request's shape."""

    message = serializers.CharField(help_text="A sentence in Joi's form.")
    path = serializers.ListField(
        child=serializers.JSONField(),
        help_text="From the body's root, or the query parameter's name: strings for keys, integers for indices.",
    )
    type = serializers.CharField(help_text="Joi's code, for example `any.required`.")
    context = serializers.DictField(  # type: ignore[assignment]  # a field of that name
        child=serializers.JSONField(), help_text="What the message is made of: `label`, `key`, `value`, `limit`."
    )


class ShapeErrors(serializers.Serializer[Any]):
    """Envelope A: the request's shape."""

    error = ShapeProblem(many=True, help_text="Every problem.")


class Refused(serializers.Serializer[Any]):
    """Envelope B: a rule said no."""

    message = serializers.CharField(help_text="A sentence for a person.")


class Violation(serializers.Serializer[Any]):
    """One rule that the content breaks."""

    path = serializers.ListField(child=serializers.JSONField(), help_text="From the body's root to the field.")
    message = serializers.CharField(help_text="A sentence that names the channel where there is one.")
    code = serializers.CharField(help_text="For programs, for example `scheduledFor.past`.")


class Violations(Refused):
    """Envelope B: rules that the content breaks. `message` is the first of them."""

    details = Violation(many=True, required=False, help_text="Every violation.")


class Whereabouts(serializers.Serializer[Any]):
    """Where the post is, and what would work there."""

    status = serializers.CharField(allow_null=True, help_text="The state that the post is in; null when it is gone.")
    allowed = serializers.ListField(child=serializers.CharField(), help_text="What a key could do with it now.")


class Conflicting(Refused):
    """Envelope B: the world has moved on, or the thing is taken."""

    details = Whereabouts(required=False, help_text="For a post whose state does not allow this.")


class Current(serializers.Serializer[Any]):
    """Which version there is."""

    version = serializers.IntegerField(help_text="The current one.")


class Outdated(Refused):
    """Envelope B: the caller holds an old version."""

    details = Current(help_text="What there is instead.")


EITHER_ENVELOPE = PolymorphicProxySerializer(
    component_name="EitherEnvelope", serializers=[ShapeErrors, Violations], resource_type_field_name=None
)
_KINDS: dict[int, Any] = {400: Violations, 409: Conflicting, 412: Outdated, 422: ShapeErrors}


def refusal(status: int, *, either: bool = False) -> tuple[Any, str]:
    """Return what a refusal of that status carries, and what it means; with `either` a 422 may be both envelopes."""
    if status == 422 and either:
        return EITHER_ENVELOPE, EITHER
    return _KINDS.get(status, Refused), SAYS[status]
