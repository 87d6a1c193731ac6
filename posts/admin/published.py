"""Published posts on the desk: read-only, there is nothing to press."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from posts.admin.desk import DeskAdmin
from posts.models import PublishedPost


@admin.register(PublishedPost)
class PublishedPostAdmin(DeskAdmin):
    """What is live, newest first, as the platform says."""

    edit_role = None
    ordering = ("-published_at", "-platform_id")
    list_select_related = ("organization", "channel")
    search_fields = ("caption", "platform_id")
    list_filter = ("type", "media_type")

    def get_urls(self) -> list[URLPattern]:
        """The list and the page."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{self.label}_changelist"),
            path("<int:post_id>/", wrap(self.page_view), name=f"{self.label}_page"),
        ]

    def page_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        """Show one post with its numbers."""
        post: Any = self.row(request, str(post_id))
        numbers = [("Likes", post.likes), ("Comments", post.comments), ("Shares", post.shares)]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "post": post, "title": "Live post"}
        context |= {"numbers": numbers, "list_url": self.address("changelist")}
        return TemplateResponse(request, "admin/posts/publishedpost/page.html", context)
