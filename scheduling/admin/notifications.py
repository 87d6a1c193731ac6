"""The notification log, and each user's notification settings."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.admin.base import (
    BaseAdmin,
    current_user,
    memberships,
    organizations_with_role,
    render_page,
    roles_by_organization,
)
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.models import Role
from scheduling.admin.actions import post_only
from scheduling.admin.filters import OrganizationFilter
from scheduling.admin.webhooks import kind_choices
from scheduling.domain.notifications import delivery, recipients
from scheduling.models import DispatchState, NoticeKind, Notification, NotificationDelivery, ScheduledPost


class KindFilter(admin.SimpleListFilter):
    title, parameter_name = "kind", "kind"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return kind_choices(NoticeKind)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        return queryset.filter(kind=self.value()) if self.value() in NoticeKind.values else queryset


class StateFilter(admin.SimpleListFilter):
    """Filters notifications by the state of at least one delivery."""

    title, parameter_name = "delivery", "delivery"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return list(DispatchState.choices)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        if self.value() not in DispatchState.values:
            return queryset
        return queryset.filter(pk__in=NotificationDelivery.objects.filter(state=self.value()).values("notice"))


@admin.register(Notification)
class NotificationAdmin(BaseAdmin):
    """Members read the log of their organizations; administrators can send a notification again."""

    edit_role = None
    list_filter = (KindFilter, StateFilter, OrganizationFilter)
    ordering = ("-created_at", "-id")

    def get_urls(self) -> list[URLPattern]:
        again = csrf_protect(never_cache(self.resend_view))
        return [
            path("mine/", self.admin_site.admin_view(self.preferences_view), name=f"{self.label}_mine"),
            path("<int:dispatch_id>/again/", again, name=f"{self.label}_again"),
            *(pattern for pattern in super().get_urls() if str(pattern.name).endswith("_changelist")),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Return the notifications of the user's organizations, prefetched for a constant number of queries."""
        deliveries = NotificationDelivery.objects.select_related("user", "webhook").order_by("id")
        rows = Notification.objects.filter(organization__in=list(roles_by_organization(request)))
        return rows.select_related("organization", "channel").prefetch_related(Prefetch("dispatches", deliveries))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Set `post` on each notification of the page, None if the post was deleted."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        post_ids = {notification.post_id for notification in changelist.result_list if notification.post_id}
        own = ScheduledPost.objects.filter(pk__in=post_ids, organization__in=list(roles_by_organization(request)))
        posts = own.prefetch_related("deliveries").in_bulk()
        for notification in changelist.result_list:
            notification.post = posts.get(notification.post_id)
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            "title": "Notifications",
            "administers": set(organizations_with_role(request, Role.ADMIN)),
            "mail_goes_out": settings.MAIL_GOES_OUT,
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @post_only
    def resend_view(self, request: HttpRequest, dispatch_id: int) -> HttpResponse:
        """Enqueue a delivery again. For administrators of its organization."""
        rows = NotificationDelivery.objects.filter(notice__organization__in=list(roles_by_organization(request)))
        row = get_object_or_404(rows.select_related("notice", "user", "webhook"), pk=dispatch_id)
        if row.notice.organization_id not in organizations_with_role(request, Role.ADMIN):
            raise PermissionDenied
        try:
            delivery.resend(user_actor(current_user(request)), row)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The notification is being sent again. Reload this page in a few seconds.")
        return HttpResponseRedirect(self.url("changelist"))

    def preferences_view(self, request: HttpRequest) -> HttpResponse:
        """Show which e-mails the user receives from each organization; on POST save the selection."""
        if not roles_by_organization(request):
            raise PermissionDenied
        available = {membership: recipients.available_kinds(membership) for membership in memberships(request)}
        if request.method == "POST":
            actor, changed = user_actor(current_user(request)), False
            for membership, kinds in available.items():
                wanted = request.POST.getlist(f"member-{membership.pk}")
                changed |= recipients.update_preferences(actor, membership, wanted=wanted, offered=kinds)
            messages.success(request, "Saved." if changed else "Nothing changed.")
            return HttpResponseRedirect(self.url("mine"))
        groups = [
            (
                membership,
                [(kind, label, kind not in membership.muted_notification_kinds) for kind, label in kind_choices(kinds)],
            )
            for membership, kinds in available.items()
        ]
        return render_page(
            request,
            "admin/scheduling/notification/mine.html",
            "Notification settings",
            opts=self.opts,
            list_url=self.url("changelist"),
            mail_goes_out=settings.MAIL_GOES_OUT,
            groups=groups,
        )
