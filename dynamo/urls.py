"""URLs: the API below /v1, without trailing slashes, and the admin below /admin/."""

from django.contrib import admin
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.defaults import page_not_found

from accounts.api.urls import urlpatterns as accounts
from accounts.api.views import UnknownPath
from dynamo.api_reference import public_urlpatterns
from dynamo.capacity_page import capacity_view
from dynamo.mcp.views import Mcp
from dynamo.metrics import metrics
from posts.admin.media import admin_media, admin_media_poster, admin_thumbnail, public_media
from posts.api.urls import meta_urlpatterns
from posts.api.urls import urlpatterns as posts
from posts.api.views import download_export
from scheduling.api.urls import urlpatterns as scheduling
from scheduling.api.views import healthz, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because the API has the most requests.
    path("v1/", include([*accounts, *posts, *scheduling])),
    path("mcp", Mcp.as_view(), name="mcp"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    *public_urlpatterns,
    # No model has a public page, and Django's view raises for some ids and reveals which others exist.
    re_path(r"^admin/r/", page_not_found, {"exception": Http404()}),
    path("admin/", include("accounts.admin.urls")),
    path("admin/api/", include("dynamo.api_reference")),
    path("admin/capacity/", admin.site.admin_view(capacity_view), name="admin_capacity"),
    path("admin/media/<uuid:pk>/", admin_media, name="admin_media"),
    path("admin/media/<uuid:pk>/poster/", admin_media_poster, name="admin_media_poster"),
    path("admin/media/published/<int:pk>/", admin_thumbnail, name="admin_thumbnail"),
    path("admin/", admin.site.urls),
    path("media-files/<uuid:pk>", admin_media, name="stored_media"),
    path("media/<path:link>", public_media, name="public_media"),
    path("meta/", include(meta_urlpatterns)),
    path("exports/<str:token>", download_export, name="export"),
    re_path(r"^v1(?:/[\s\S]*)?$", UnknownPath.as_view()),
]

handler400 = "accounts.api.views.bad_request"
handler403 = "accounts.api.views.permission_denied"
handler404 = "accounts.api.views.page_not_found"
handler500 = "accounts.api.views.server_error"
