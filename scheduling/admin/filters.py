"""Filters of the list of posts. The template reads their `lookup_choices` and `value()`."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.functions import ExtractHour
from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user, memberships
from accounts.models import ApiKey, User
from posts.admin.published_posts import ChannelFilter
from scheduling.admin.review_context import user_name
from scheduling.domain.preflight.checks import NIGHT_HOURS
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost


class StatusFilter(admin.SimpleListFilter):
    title, parameter_name = "status", "status"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return list(Status.choices)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        return queryset.filter(status=self.value()) if self.value() in Status.values else queryset


class DeliveryChannelFilter(ChannelFilter):
    channel_lookup = "deliveries__channel_id"


class AuthorFilter(admin.SimpleListFilter):
    title, parameter_name = "author", "author"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the members and API keys, including revoked ones, of the user's organizations."""
        organizations = [membership.organization_id for membership in memberships(request)]
        users = User.objects.filter(memberships__organization__in=organizations).distinct()
        keys = ApiKey.objects.filter(organization__in=organizations).order_by("name", "id")
        return [
            *((f"user-{user.pk}", user_name(user)) for user in users.order_by("first_name", "username")),
            *((f"key-{key.pk}", f"{key.name} (API key)") for key in keys),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        kind, _, pk = (self.value() or "").partition("-")
        if kind == "user" and pk.isdecimal():
            return queryset.filter(created_by_user=int(pk))
        return queryset.filter(created_by_key=pk) if kind == "key" else queryset


class ChecksFilter(admin.SimpleListFilter):
    """Filters waiting posts by the stored level of their checks and by the night hours of the reader's time zone.

    `check_level` has no zone, so the night hours are compared here, as `preflight.checks` does.
    """

    title, parameter_name = "checks", "checks"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [("passed", "All checks passed"), ("open", "Warnings or blockers"), ("stop", "Blockers")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        """Return the waiting posts with the selected result. A post without a stored level has not passed."""
        zone = formatting.user_timezone(current_user(request))
        hour = ExtractHour("scheduled_for", tzinfo=zone)
        passed = Q(check_level="ok") & ~Q(hour__in=NIGHT_HOURS)
        conditions = {"passed": passed, "open": ~passed, "stop": Q(check_level="stop")}
        if self.value() not in conditions:
            return queryset
        waiting = queryset.filter(status=Status.WAITING_FOR_APPROVAL).annotate(hour=hour)
        return waiting.filter(conditions[str(self.value())])


class OrganizationFilter(admin.SimpleListFilter):
    title, parameter_name = "organization", "organization"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        choices = [
            (str(membership.organization_id), membership.organization.name) for membership in memberships(request)
        ]
        return choices if len(choices) > 1 else []

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        values = {value for value, _ in self.lookup_choices}
        return queryset.filter(organization_id=self.value()) if self.value() in values else queryset
