"""All pages of the admin with their URLs in the sample data. A test compares this list with the URL configuration.

Add a new page to PAGES, or its URL name to NOT_PAGES if it shows nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.browser.sample_data import Scene

MakeUrl = Callable[[Scene], str]
POSTS = "scheduling_scheduledpost"


def to(name: str, pick: Callable[[Scene], Any] | None = None, query: str = "") -> MakeUrl:
    """Return the URL of the admin page `name`; `pick` returns the object id."""
    return lambda scene: reverse(f"admin:{name}", args=[pick(scene)] if pick else []) + query


def plain(name: str) -> MakeUrl:
    return lambda _: reverse(name)


def review(status: str) -> MakeUrl:
    return to(f"{POSTS}_review", lambda scene: scene.posts[status].pk)


# By URL name: the names of the screenshots and the URLs.
PAGES: dict[str, dict[str, MakeUrl]] = {
    "index": {"dashboard": to("index")},
    "login": {"sign-in": to("login")},
    "admin_account": {"profile": plain("admin_account")},
    "admin_mfa_setup": {"mfa": plain("admin_mfa_setup")},
    "admin_recovery_codes": {"recovery-codes": plain("admin_recovery_codes")},
    "admin_mfa_disable": {"mfa-off": plain("admin_mfa_disable")},
    "admin_sign_out_everywhere": {"sign-out": plain("admin_sign_out_everywhere")},
    "admin_password": {"password": plain("admin_password")},
    "admin_invitation": {
        "invitation": lambda scene: reverse("admin_invitation", args=[scene.invitation]),
        "invitation-new": lambda scene: reverse("admin_invitation", args=[scene.invitation]),
    },
    "admin_api": {"api": plain("admin_api")},
    "password_change_done": {"password-changed": to("password_change_done")},
    f"{POSTS}_changelist": {
        "queue": to(f"{POSTS}_changelist", query="?status=WAITING_FOR_APPROVAL"),
        "posts": to(f"{POSTS}_changelist"),
        "posts-found": to(f"{POSTS}_changelist", query="?q=harbour&status=SCHEDULED"),
    },
    f"{POSTS}_calendar": {
        "calendar-month": to(f"{POSTS}_calendar"),
        "calendar-week": to(f"{POSTS}_calendar", query="?view=week"),
        "calendar-day": to(f"{POSTS}_calendar", query="?view=day"),
    },
    f"{POSTS}_move": {
        "move-waiting": to(f"{POSTS}_move", lambda scene: scene.posts["WAITING_FOR_APPROVAL"].pk, "?to=2030-05-01"),
        "move-scheduled": to(f"{POSTS}_move", lambda scene: scene.posts["SCHEDULED"].pk, "?to=2030-05-01"),
        "move-published": to(f"{POSTS}_move", lambda scene: scene.posts["PUBLISHED"].pk),
    },
    f"{POSTS}_add": {"post-new": to(f"{POSTS}_add")},
    f"{POSTS}_change": {"post-edit": to(f"{POSTS}_change", lambda scene: scene.posts["WAITING_FOR_APPROVAL"].pk)},
    f"{POSTS}_review": {
        "review-waiting": review("WAITING_FOR_APPROVAL"),
        "review-draft": review("DRAFT"),
        "review-rejected": review("REJECTED"),
        "review-scheduled": review("SCHEDULED"),
        "review-published": review("PUBLISHED"),
        "review-failed": review("FAILED"),
    },
    "posts_publishedpost_changelist": {"live": to("posts_publishedpost_changelist")},
    "posts_publishedpost_page": {"live-post": to("posts_publishedpost_page", lambda scene: scene.live.pk)},
    "posts_publishedpost_insights": {"live-insights": to("posts_publishedpost_insights", lambda scene: scene.live.pk)},
    "posts_publishedpost_comments": {"live-comments": to("posts_publishedpost_comments", lambda scene: scene.live.pk)},
    "posts_channel_changelist": {"channels": to("posts_channel_changelist")},
    "posts_channel_add": {"channel-new": to("posts_channel_add")},
    "posts_channel_change": {"channel": to("posts_channel_change", lambda scene: scene.instagram.pk)},
    "posts_superpowertemplate_changelist": {"superpowers": to("posts_superpowertemplate_changelist")},
    "posts_superpowertemplate_add": {"superpower-new": to("posts_superpowertemplate_add")},
    "posts_superpowertemplate_change": {
        "superpower": to("posts_superpowertemplate_change", lambda scene: scene.template.pk)
    },
    "accounts_apikey_changelist": {"api-keys": to("accounts_apikey_changelist")},
    "accounts_apikey_add": {"key-new": to("accounts_apikey_add")},
    "accounts_apikey_change": {"key": to("accounts_apikey_change", lambda scene: scene.key.pk)},
    "accounts_apikey_access": {"key-access": to("accounts_apikey_access", lambda scene: scene.key.pk)},
    "accounts_apikey_rotate": {"key-rotate": to("accounts_apikey_rotate", lambda scene: scene.key.pk)},
    "accounts_apikey_revoke": {"key-revoke": to("accounts_apikey_revoke", lambda scene: scene.key.pk)},
    "accounts_organization_changelist": {"organizations": to("accounts_organization_changelist")},
    "accounts_organization_add": {"organization-new": to("accounts_organization_add")},
    "accounts_organization_change": {
        "organization": to("accounts_organization_change", lambda scene: scene.organization.pk)
    },
    "admin_policy": {"rules": lambda scene: reverse("admin_policy", args=[scene.organization.pk])},
    "admin_policy_choose": {"rules-choose": plain("admin_policy_choose")},
    "accounts_membership_changelist": {"memberships": to("accounts_membership_changelist")},
    "accounts_membership_invite": {"membership-invite": to("accounts_membership_invite")},
    "accounts_membership_revoke": {
        "membership-withdraw": to("accounts_membership_revoke", lambda scene: scene.invited.pk)
    },
    "accounts_membership_add": {"membership-new": to("accounts_membership_add")},
    "accounts_membership_change": {
        "membership": to("accounts_membership_change", lambda scene: scene.person.memberships.get().pk)
    },
    "accounts_membership_delete": {
        "membership-end": to("accounts_membership_delete", lambda scene: scene.person.memberships.get().pk)
    },
    "accounts_user_changelist": {"people": to("accounts_user_changelist")},
    "accounts_user_add": {"person-new": to("accounts_user_add")},
    "accounts_user_change": {"person": to("accounts_user_change", lambda scene: scene.person.pk)},
    "accounts_user_rescue": {"person-rescue": to("accounts_user_rescue", lambda scene: scene.person.pk)},
    "auth_user_password_change": {"person-password": to("auth_user_password_change", lambda scene: scene.person.pk)},
    "scheduling_notification_changelist": {"notifications": to("scheduling_notification_changelist")},
    "scheduling_notification_mine": {"notification-settings": to("scheduling_notification_mine")},
    "scheduling_webhook_changelist": {"webhooks": to("scheduling_webhook_changelist")},
    "scheduling_webhook_add": {"webhook-new": to("scheduling_webhook_add")},
    "scheduling_webhook_change": {"webhook": to("scheduling_webhook_change", lambda scene: scene.webhook.pk)},
    "accounts_auditevent_changelist": {"activity-log": to("accounts_auditevent_changelist")},
    "accounts_auditevent_change": {
        "activity-log-event": to("accounts_auditevent_change", lambda scene: scene.audit_events.order_by("-id")[0].pk)
    },
}
ANONYMOUS = {"sign-in", "invitation-new"}  # pages opened without a session
BUTTONS = ("approve", "publish", "reject", "live", "absent", "revert", "submit", "delete", "recheck")
NOT_PAGES = {
    # POST only.
    *(f"{POSTS}_{name}" for name in BUTTONS),
    "posts_channel_disconnect",
    "posts_channel_resume",
    *(f"{POSTS}_{name}" for name in ("several", "keep", "forget")),
    *(f"scheduling_webhook_{name}" for name in ("rotate", "test", "remove")),
    "scheduling_notification_again",
    "logout",
    # A part of the list of channels, and a file.
    "posts_channel_reading",
    "posts_publishedpost_export",
    # A file.
    "admin_api_file",
    # Second step of the login.
    "admin_mfa",
    # Stock pages that ours replace under the same URL.
    "admin_login",
    "password_change",
    # Django's own: unused script data, app indexes, and pages that `urls.py` disables.
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
    # Stock history, replaced by the audit log, and stock deletion, which is not permitted.
    *(f"{model}_history" for model in ("accounts_organization", "accounts_user")),
    *(f"accounts_auditevent_{page}" for page in ("history", "add", "delete")),
    "accounts_organization_delete",
    "accounts_user_delete",
}


def named_pages() -> Iterator[tuple[str, MakeUrl]]:
    """Yield the name and the URL function of every page."""
    for pages in PAGES.values():
        yield from pages.items()


def all_url_names() -> set[str]:
    """Return the names of all admin URLs."""
    return set(_names(admin.site.get_urls())) | set(_names_outside_admin_site())


def _names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def _names_outside_admin_site() -> Iterator[str]:
    """Yield the names of URLs under /admin/ that are not part of the admin site."""
    for url_pattern in get_resolver().url_patterns:
        if str(url_pattern.pattern).startswith("admin/"):
            yield from _names(url_pattern.url_patterns if isinstance(url_pattern, URLResolver) else [url_pattern])
