"""How the list is narrowed down. Each filter is told to the template as `lookup_choices` and `value()`."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.functions import ExtractHour
from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user, memberships
from accounts.models import ApiKey, User
from posts.admin.published_posts import ChannelFilter
from scheduling.domain.preflight.schedule import NIGHT_HOURS
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost


class StatusFilter(admin.SimpleListFilter):
    """By state; `WAITING_FOR_APPROVAL` is the queue."""

    title, parameter_name = "status", "status"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer every state."""
        return [(value, str(label)) for value, label in Status.choices]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        """Keep the posts in the chosen state."""
        return queryset.filter(status=self.value()) if self.value() in Status.values else queryset


class DeliveryChannelFilter(ChannelFilter):
    """Filters scheduled posts by a channel that one of their deliveries goes to."""

    channel_lookup = "deliveries__channel_id"


class AuthorFilter(admin.SimpleListFilter):
    """By who wrote it: a person, or a key."""

    title, parameter_name = "author", "author"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer the members and the keys of the person's organizations, also those that are revoked."""
        own = [membership.organization_id for membership in memberships(request)]
        people = User.objects.filter(memberships__organization__in=own).distinct().order_by("first_name", "username")
        keys = ApiKey.objects.filter(organization__in=own).order_by("name", "id")
        return [
            *((f"user-{person.pk}", person.get_full_name() or person.get_username()) for person in people),
            *((f"key-{key.pk}", f"{key.name} (API key)") for key in keys),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        """Keep what the chosen person or key wrote."""
        kind, _, who = (self.value() or "").partition("-")
        if kind == "user" and who.isdecimal():
            return queryset.filter(created_by_user=int(who))
        return queryset.filter(created_by_key=who) if kind == "key" else queryset


class ChecksFilter(admin.SimpleListFilter):
    """Filters waiting posts by the stored level of their checks and by the night hours of the reader's time zone.

    `check_level` has no zone, so the night hours are compared here, as `checking.instants` does.
    """

    title, parameter_name = "checks", "checks"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer what a reviewer sorts by."""
        return [("passed", "All in order"), ("open", "Something to look at"), ("stop", "Something in the way")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        """Keep the posts with the chosen result; a post that has not been checked yet is still to be looked at."""
        zone = formatting.user_timezone(current_user(request))
        hour = ExtractHour("scheduled_for", tzinfo=zone)
        passed = Q(check_level="ok") & ~Q(hour__in=NIGHT_HOURS)
        conditions = {"passed": passed, "open": ~passed, "stop": Q(check_level="stop")}
        if self.value() not in conditions:
            return queryset
        waiting = queryset.filter(status=Status.WAITING_FOR_APPROVAL).annotate(hour=hour)
        return waiting.filter(conditions[str(self.value())])


class OrganizationFilter(admin.SimpleListFilter):
    """By organization, for a person who belongs to several."""

    title, parameter_name = "organization", "organization"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer the organizations, unless there is only one."""
        own = memberships(request)
        return [(str(item.organization_id), item.organization.name) for item in own] if len(own) > 1 else []

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen organization."""
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(organization_id=self.value()) if self.value() in known else queryset
