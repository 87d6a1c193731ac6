"""How the list is narrowed down."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from posts.admin.people import memberships, signed_in
from posts.models import Channel
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


class ChannelFilter(admin.SimpleListFilter):
    """By a channel of the person's organizations."""

    title, parameter_name = "channel", "channel"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer the channels by name."""
        rows = Channel.objects.filter(organization__memberships__user=signed_in(request)).order_by("name", "wire_id")
        return [(str(one.pk), f"{one.name} ({one.get_type_display()})") for one in rows]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[ScheduledPost]) -> QuerySet[ScheduledPost]:
        """Keep the posts that go to the chosen channel."""
        value = self.value() or ""
        return queryset.filter(deliveries__channel_id=int(value)) if value.isdecimal() else queryset


class OrganizationFilter(admin.SimpleListFilter):
    """By organization, for a person who belongs to several."""

    title, parameter_name = "organization", "organization"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer the organizations, unless there is only one."""
        own = memberships(request)
        return [(str(one.organization_id), one.organization.name) for one in own] if len(own) > 1 else []

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen organization."""
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(organization_id=self.value()) if self.value() in known else queryset
