"""The admin of the scheduling app, and the appearance of the admin site."""

from django.contrib import admin

from scheduling.admin import notifications, posts, webhooks

__all__ = ["notifications", "posts", "webhooks"]

admin.site.site_header = admin.site.site_title = "Dynamo"
admin.site.index_title = "Dashboard"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False
