from django.urls import URLPattern, path

from accounts.api import views

urlpatterns: list[URLPattern] = [
    path("organizations", views.Organizations.as_view(), name="organizations"),
    path("workspaces", views.Workspaces.as_view(), name="workspaces"),
]
