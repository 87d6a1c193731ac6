"""The log of what was told, to whom and with what success; and what each person chooses to be mailed about."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.admin.base import BaseAdmin, current_user, memberships, organizations_with_role, roles_by_organization
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.models import Role
from scheduling.admin.filters import OrganizationFilter
from scheduling.admin.webhooks import IN_WORDS, choices
from scheduling.domain.notifications import delivery, recipients
from scheduling.models import DispatchState, NoticeKind, Notification, NotificationDelivery, ScheduledPost


class KindFilter(admin.SimpleListFilter):
    """By what it was about."""

    title, parameter_name = "news", "kind"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer every kind."""
        return [(str(kind), IN_WORDS[kind]) for kind in NoticeKind]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        """Keep the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() in NoticeKind.values else queryset


class StateFilter(admin.SimpleListFilter):
    """By what became of it."""

    title, parameter_name = "delivery", "delivery"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer every state."""
        return [(value, str(label)) for value, label in DispatchState.choices]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        """Keep the notices of which at least one dispatch is in the chosen state."""
        if self.value() not in DispatchState.values:
            return queryset
        return queryset.filter(pk__in=NotificationDelivery.objects.filter(state=self.value()).values("notice"))


@admin.register(Notification)
class NoticeAdmin(BaseAdmin):
    """Members read the log of their organizations; administrators have things sent again."""

    edit_role = None
    list_filter = (KindFilter, StateFilter, OrganizationFilter)
    ordering = ("-created_at", "-id")

    def get_urls(self) -> list[URLPattern]:
        """Return the log, the person's own choice, and the button."""
        again = csrf_protect(never_cache(self.resend_view))
        return [
            path("mine/", self.admin_site.admin_view(self.preferences_view), name=f"{self.label}_mine"),
            path("<int:dispatch_id>/again/", again, name=f"{self.label}_again"),
            *(get_url for get_url in super().get_urls() if str(get_url.name).endswith("_changelist")),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Load what a line shows, in a constant number of queries."""
        told = NotificationDelivery.objects.select_related("user", "webhook").order_by("id")
        rows = Notification.objects.filter(organization__in=list(roles_by_organization(request)))
        return rows.select_related("organization", "channel").prefetch_related(Prefetch("dispatches", told))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Give each line of the page the post that it speaks of, None when that is gone."""
        lines = super().get_changelist_instance(request)
        lines.result_list = list(lines.result_list)
        told = {item.post_id for item in lines.result_list if item.post_id}
        own = ScheduledPost.objects.filter(pk__in=told, organization__in=list(roles_by_organization(request)))
        posts = own.prefetch_related("deliveries").in_bulk()
        for item in lines.result_list:
            item.post = posts.get(item.post_id)
        return lines

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the log."""
        context = {
            "title": "Notices",
            "administers": set(organizations_with_role(request, Role.ADMIN)),
            "mail_goes_out": settings.MAIL_GOES_OUT,
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def resend_view(self, request: HttpRequest, dispatch_id: int) -> HttpResponse:
        """Have one sent once more."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.url("changelist"), self.admin_site.name + ":login")
        rows = NotificationDelivery.objects.select_related("notice", "user", "webhook")
        one = rows.filter(pk=dispatch_id, notice__organization__in=list(roles_by_organization(request))).first()
        if one is None:
            raise Http404
        if one.notice.organization_id not in organizations_with_role(request, Role.ADMIN):
            raise PermissionDenied
        try:
            delivery.resend(user_actor(current_user(request)), one)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "It is sent once more. Reload this page in a few seconds.")
        return HttpResponseRedirect(self.url("changelist"))

    def preferences_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the person is mailed about in each organization; on POST store what they chose."""
        if not roles_by_organization(request):
            raise PermissionDenied
        own = memberships(request)
        offers = {item: recipients.available_kinds(item) for item in own}
        if request.method == "POST":
            changed = False
            for one, kinds in offers.items():
                wanted = request.POST.getlist(f"member-{one.pk}")
                changed |= recipients.update_preferences(
                    user_actor(current_user(request)), one, wanted=wanted, offered=kinds
                )
            messages.success(request, "Saved." if changed else "Nothing changed.")
            return HttpResponseRedirect(self.url("mine"))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "What I am told"}
        context |= {
            "list_url": self.url("changelist"),
            "mail_goes_out": settings.MAIL_GOES_OUT,
            "groups": [
                {
                    "membership": one,
                    "kinds": [
                        (kind, words, kind not in one.muted_notification_kinds) for kind, words in choices(kinds)
                    ],
                }
                for one, kinds in offers.items()
            ],
        }
        return TemplateResponse(request, "admin/scheduling/notification/mine.html", context)
