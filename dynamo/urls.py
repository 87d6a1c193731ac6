"""The map. The API hangs off /v1 without trailing slashes; the desk is Django's admin."""

from django.contrib import admin
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.defaults import page_not_found

from accounts.api.fallback import UnknownPath
from accounts.api.urls import urlpatterns as accounts
from posts.api.exports import download
from posts.api.urls import urlpatterns as posts
from scheduling.api.health import healthz, readyz
from scheduling.api.urls import urlpatterns as scheduling

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include([*accounts, *posts, *scheduling])),  # first, because it is asked most
    path("healthz", healthz),
    path("readyz", readyz),
    # No row here has a page elsewhere; the stock view fails on some ids, and tells which of the others exist.
    re_path(r"^admin/r/", page_not_found, {"exception": Http404()}),
    path("admin/", include("accounts.admin.urls")),
    path("admin/api/", include("dynamo.api_reference")),
    path("admin/", admin.site.urls),
    path("exports/<str:token>", download, name="export"),
    re_path(r"^v1(?:/[\s\S]*)?$", UnknownPath.as_view()),
]

handler400 = "accounts.api.fallback.bad_request"
handler403 = "accounts.api.fallback.permission_denied"
handler404 = "accounts.api.fallback.page_not_found"
handler500 = "accounts.api.fallback.server_error"
