"""Below /admin/api/."""

from django.contrib import admin
from django.urls import URLPattern, path

from dynamo.reference import page

wrap = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("", wrap(page.reference), name="admin_api"),
    path("openapi.json", wrap(page.file), name="admin_api_file"),
]
