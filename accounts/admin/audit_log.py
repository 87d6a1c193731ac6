"""The trail on the desk: to be read."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.base import OrganizationScopedAdmin
from accounts.models import AuditEvent

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[AuditEvent]
else:
    ModelAdmin = admin.ModelAdmin


class ActorKindFilter(admin.ChoicesFieldListFilter):
    """By the kind of who did it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "done by"


@admin.register(AuditEvent)
class AuditEventAdmin(OrganizationScopedAdmin, ModelAdmin):
    """Everybody reads the trail of their organizations; nobody writes here."""

    organization_lookup = "organization_id"
    edit_role = None
    actions = None
    list_per_page = 50
    list_filter = (("actor_kind", ActorKindFilter),)
    search_fields = ("subject", "verb", "actor_name", "actor_id")
    search_help_text = "Who, or the id of what it was done to"
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """Leave the details, up to a megabyte each, until the page of one event asks for them."""
        return super().get_queryset(request).defer("details")
