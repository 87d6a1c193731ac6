"""Pages about people that Django's admin has none of. They come before the admin's own, under the same address."""

from django.contrib import admin
from django.urls import URLPattern, path

from accounts.admin import account, invitation_views, login, organization_policy

wrap = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("login/", login.sign_in, name="admin_sign_in"),
    path("login/code/", login.code, name="admin_code"),
    path("invitation/<str:token>/", invitation_views.invited, name="admin_invitation"),
    path("password_change/", wrap(account.password), name="admin_password"),
    path("rules/", wrap(organization_policy.choose), name="admin_rules_choose"),
    path("rules/<uuid:organization_id>/", wrap(organization_policy.change), name="admin_rules"),
    path("you/", wrap(account.you), name="admin_you"),
    path("you/factor/", wrap(account.factor), name="admin_factor"),
    path("you/factor/recovery/", wrap(account.recovery), name="admin_recovery"),
    path("you/factor/remove/", wrap(account.remove), name="admin_factor_remove"),
    path("you/sign-out/", wrap(account.sign_out_everywhere), name="admin_sign_out"),
]
