"""The bodies of error responses, for the OpenAPI description.

Envelope A lists what is wrong with the shape of a request. Envelope B names the rule that refused it; its `details`
are for programs.
"""

from typing import Any

from rest_framework import serializers


class ValidationProblemSerializer(serializers.Serializer[Any]):
    """One problem of the request's shape."""

    message = serializers.CharField(help_text="A sentence in Joi's form.")
    path = serializers.ListField(
        child=serializers.JSONField(),
        help_text="From the body's root, or the query parameter's name: strings for keys, integers for indices.",
    )
    type = serializers.CharField(help_text="Joi's code, for example `any.required`.")
    context = serializers.DictField(  # type: ignore[assignment]  # a field of that name
        child=serializers.JSONField(), help_text="The parts of the message: `label`, `key`, `value`, `limit`."
    )


class ValidationErrorsSerializer(serializers.Serializer[Any]):
    """Envelope A: the request's shape."""

    error = ValidationProblemSerializer(many=True, help_text="Every problem.")


class ErrorSerializer(serializers.Serializer[Any]):
    """Envelope B: a rule refused the request."""

    message = serializers.CharField(help_text="A sentence for a person.")


class RuleErrorSerializer(serializers.Serializer[Any]):
    """One rule that the content breaks."""

    path = serializers.ListField(child=serializers.JSONField(), help_text="From the body's root to the field.")
    message = serializers.CharField(help_text="A sentence that names the channel where there is one.")
    code = serializers.CharField(help_text="For programs, for example `scheduledFor.past`.")


class RuleErrorsSerializer(ErrorSerializer):
    """Envelope B: rules that the content breaks. `message` is the first of them."""

    details = RuleErrorSerializer(many=True, required=False, help_text="Every violation.")


class StateConflictDetail(serializers.Serializer[Any]):
    """The state of the post, and what it allows."""

    status = serializers.CharField(allow_null=True, help_text="The post's status; null when it was deleted.")
    allowed = serializers.ListField(child=serializers.CharField(), help_text="What a key could do with it now.")


class ConflictSerializer(ErrorSerializer):
    """Envelope B: the state does not allow this, or the name is in use."""

    details = StateConflictDetail(required=False, help_text="For a post whose state does not allow this.")


class VersionDetail(serializers.Serializer[Any]):
    """The current version."""

    version = serializers.IntegerField(help_text="The current one.")


class PreconditionFailedSerializer(ErrorSerializer):
    """Envelope B: the caller holds an old version."""

    details = VersionDetail(help_text="The current version.")
