"""Pages about people that Django's admin has none of. They come before the admin's own, under the same address."""

from django.contrib import admin
from django.urls import URLPattern, path

from accounts.admin import joining, rules, signing_in, you

wrap = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("login/", signing_in.sign_in, name="admin_sign_in"),
    path("login/code/", signing_in.code, name="admin_code"),
    path("invitation/<str:token>/", joining.invited, name="admin_invitation"),
    path("password_change/", wrap(you.password), name="admin_password"),
    path("rules/", wrap(rules.choose), name="admin_rules_choose"),
    path("rules/<uuid:organization_id>/", wrap(rules.change), name="admin_rules"),
    path("you/", wrap(you.you), name="admin_you"),
    path("you/factor/", wrap(you.factor), name="admin_factor"),
    path("you/factor/recovery/", wrap(you.recovery), name="admin_recovery"),
    path("you/factor/remove/", wrap(you.remove), name="admin_factor_remove"),
    path("you/sign-out/", wrap(you.sign_out_everywhere), name="admin_sign_out"),
]
