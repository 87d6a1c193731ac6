"""Scheduled posts on the desk: the list and its queue, the form, the review page and its buttons."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.errors import Forbidden, Refusal
from accounts.models import Role
from posts.admin.people import membership_in, signed_in
from scheduling.admin import calendar, page
from scheduling.admin.actions import ACTIONS, Action
from scheduling.admin.forms import PostForm
from scheduling.admin.queue import following, neighbours
from scheduling.admin.queueing import ALL, QueueAdmin
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost


@admin.register(ScheduledPost)
class ScheduledPostAdmin(QueueAdmin):
    """People look, write and decide here. No GET changes a row; the state has no field anywhere."""

    edit_role = Role.EDITOR
    form_class = PostForm
    form_template = "admin/scheduling/scheduledpost/change_form.html"
    add_title = "New post"

    def get_urls(self) -> list[URLPattern]:
        """Add the review page, and one URL per button."""
        review = path(
            "<uuid:post_id>/review/", self.admin_site.admin_view(self.review_view), name=f"{self.label}_review"
        )
        buttons = self.buttons("<uuid:post_id>", ACTIONS, self.act)
        return [review, *calendar.urls(self), *buttons, *super().get_urls()]

    def whole(self, request: HttpRequest, post_id: Any) -> ScheduledPost:
        """Return the post with all that the review page shows, or 404 for whoever has no part in its organization."""
        post = self.get_queryset(request).select_related(*ALL, "approval__reviewer").filter(pk=post_id).first()
        if not isinstance(post, ScheduledPost):
            raise Http404
        return post

    def review_view(self, request: HttpRequest, post_id: Any) -> HttpResponse:
        """Show one post as the public will see it, with the buttons that this person has."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request, self.whole(request, post_id))

    def act(self, request: HttpRequest, post_id: Any, name: str) -> HttpResponse:
        """Do what a button says; on refusal show the page again, with the reason, and what was typed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.address("review", post_id), self.admin_site.name + ":login")
        post, action = self.whole(request, post_id), ACTIONS[name]
        try:
            said = action.run(request, post)
        except Refusal as refusal:
            return self._refused(request, post_id, name, refusal)
        messages.success(request, said)
        return HttpResponseRedirect(self._onward(request, post, name, action))

    def prefilled(self, request: HttpRequest) -> dict[str, Any]:
        """Take the instant from the address: the calendar's days lead here."""
        return {"scheduled_for": request.GET.get("scheduled_for", "")[:40]}

    def after(self, stored: Any) -> str:
        """Show a stored draft as the public would see it."""
        return self.address("review", stored.pk)

    def _onward(self, request: HttpRequest, post: ScheduledPost, name: str, action: Action) -> str:
        queue = f"{self.address('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
        if action.onward:
            after = following(signed_in(request), post)
            return self.address("review", after.pk) if after else queue
        return self.address("changelist") if name == "delete" else self.address("review", post.pk)

    def _refused(self, request: HttpRequest, post_id: Any, name: str, refusal: Refusal) -> HttpResponse:
        gone = isinstance(refusal, StateConflict) and refusal.status is None
        if gone:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(self.address("changelist"))
        post = self.whole(request, post_id)
        problem = refusal.message
        if isinstance(refusal, StateConflict):
            problem = f"That did not happen: this post is “{post.get_status_display()}” by now. Somebody was faster."
        stale = refusal if isinstance(refusal, StaleApproval) else None
        typed = {} if stale else {"when": request.POST.get("when"), "notes": request.POST.get("notes")}
        given: dict[str, Any] = {
            "problem": problem,
            "refused": name,
            **{key: text for key, text in typed.items() if text},
        }
        if name == "live":
            given |= {"typed_id": request.POST.get("post_id", ""), "typed_for": request.POST.get("delivery", "")}
        details = refusal.details if isinstance(refusal.details, list) else []
        given["problems"] = [one["message"] for one in details if one["message"] != problem]
        status = 403 if isinstance(refusal, Forbidden) else 200
        return self._page(request, post, stale=stale, status=status, **given)

    def _page(
        self,
        request: HttpRequest,
        post: ScheduledPost,
        *,
        stale: StaleApproval | None = None,
        status: int = 200,
        **given: Any,
    ) -> HttpResponse:
        reader = signed_in(request)
        shown = page.context(post, reader=reader, membership=membership_in(request, post.organization_id), stale=stale)
        waits = post.status == Status.WAITING_FOR_APPROVAL
        context = {**self.admin_site.each_context(request), "opts": self.opts, **shown, **given}
        context |= {"title": shown["heading"], "stale": stale, "list_url": self.address("changelist")}
        beside = neighbours(reader, post) if waits else None
        context |= {"upcoming": beside and beside.next, "earlier": beside and beside.previous}
        return TemplateResponse(request, "admin/scheduling/scheduledpost/review.html", context, status=status)
