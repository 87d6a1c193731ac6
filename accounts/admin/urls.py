"""Login, profile and settings pages. They come before the URLs of the Django admin, under the same prefix."""

from django.contrib import admin
from django.urls import URLPattern, path

from accounts.admin import account, invitation_views, login, organization_policy, password_reset

wrap = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("login/", login.login_view, name="admin_login"),
    path("login/code/", login.mfa_view, name="admin_mfa"),
    path("password_reset/", password_reset.password_reset_view, name="admin_password_reset"),
    path(
        "password_reset/<str:uid>/<str:token>/",
        password_reset.password_reset_confirm_view,
        name="admin_password_reset_confirm",
    ),
    path("invitation/<str:token>/", invitation_views.accept_invitation, name="admin_invitation"),
    path("password_change/", wrap(account.OwnPasswordView.as_view()), name="admin_password"),
    path("policy/", wrap(organization_policy.select_organization), name="admin_policy_choose"),
    path("policy/<uuid:organization_id>/", wrap(organization_policy.edit_policy), name="admin_policy"),
    path(
        "policy/<uuid:organization_id>/time-zone/",
        wrap(organization_policy.edit_time_zone),
        name="admin_policy_time_zone",
    ),
    path(
        "policy/<uuid:organization_id>/publishing/",
        wrap(organization_policy.pause_publishing),
        name="admin_policy_publishing",
    ),
    path("account/", wrap(account.account_view), name="admin_account"),
    path("account/time-zone/", wrap(account.time_zone_view), name="admin_time_zone"),
    path("account/mfa/", wrap(account.mfa_setup_view), name="admin_mfa_setup"),
    path("account/mfa/recovery-codes/", wrap(account.recovery_codes_view), name="admin_recovery_codes"),
    path("account/mfa/disable/", wrap(account.mfa_disable_view), name="admin_mfa_disable"),
    path("account/sign-out/", wrap(account.sign_out_everywhere), name="admin_sign_out_everywhere"),
]
