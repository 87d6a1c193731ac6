from django.urls import URLPattern, path

from accounts.api.views import Organizations

urlpatterns: list[URLPattern] = [path("organizations", Organizations.as_view(), name="organizations")]
