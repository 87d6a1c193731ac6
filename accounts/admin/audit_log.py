from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.base import OrganizationScopedAdmin
from accounts.models import AuditEvent


class ActorKindFilter(admin.ChoicesFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "done by"


@admin.register(AuditEvent)
class AuditEventAdmin(OrganizationScopedAdmin):
    edit_role = None
    list_per_page = 50
    list_filter = (("actor_kind", ActorKindFilter),)
    search_fields = ("subject", "verb", "actor_name", "actor_id")
    search_help_text = "Name of the actor, or id of the object"
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        # The details of an event can be a megabyte; only its own page loads them.
        return super().get_queryset(request).defer("details")
