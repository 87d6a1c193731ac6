"""The trail on the desk: to be read."""

from typing import TYPE_CHECKING

from django.contrib import admin

from accounts.admin.scoping import OrganizationScopedAdmin
from accounts.models import AuditEvent

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[AuditEvent]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(OrganizationScopedAdmin, ModelAdmin):
    """Everybody reads the trail of their organizations; nobody writes here."""

    organization_lookup = "organization_id"
    edit_role = None
    actions = None
    list_display = ("at", "actor_name", "actor_kind", "verb", "subject", "state_from", "state_to")
    list_display_links = ("at",)
    list_filter = ("actor_kind",)
    search_fields = ("subject", "verb", "actor_name", "actor_id")
    search_help_text = "Subject, verb or actor"
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
