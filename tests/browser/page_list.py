"""All pages of the admin with their URLs in the sample data. A test compares this list with the URL configuration.

Add the URL name of a new page to PAGES, or to NOT_PAGES if it shows nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from posts.models import DataDeletion
from tests.browser.sample_data import Scene

MakeUrl = Callable[[Scene], str]
POSTS = "scheduling_scheduledpost"
# By the beginning of a URL name: the id of the object that the page shows.
IDS: dict[str, Callable[[Scene], Any]] = {
    "posts_publishedpost": lambda scene: scene.live.pk,
    "posts_channel": lambda scene: scene.instagram.pk,
    "posts_superpowertemplate": lambda scene: scene.template.pk,
    "accounts_apikey": lambda scene: scene.key.pk,
    "accounts_organization": lambda scene: scene.organization.pk,
    "accounts_membership_recovery": lambda scene: scene.colleague.memberships.get().pk,
    "accounts_membership_revoke": lambda scene: scene.invited.pk,
    "accounts_membership": lambda scene: scene.person.memberships.get().pk,
    "accounts_user": lambda scene: scene.person.pk,
    "auth_user": lambda scene: scene.person.pk,
    "scheduling_webhook": lambda scene: scene.webhook.pk,
    "accounts_auditevent": lambda scene: scene.audit_events.order_by("-id")[0].pk,
    "admin_policy": lambda scene: scene.organization.pk,
    "admin_invitation": lambda scene: scene.invitation,
    "meta_data_deletion_status": lambda _scene: DataDeletion.objects.get_or_create(code="0123456789abcdef")[0].pk,
}


def to(name: str, pick: Callable[[Scene], Any] | None = None, query: str = "") -> MakeUrl:
    """Return the URL of the page `name`; `pick` returns the object id."""
    outside = name.startswith(("admin_", "meta_"))  # not a part of the admin site

    def url(scene: Scene) -> str:
        picked = pick(scene) if pick else []
        args = picked if isinstance(picked, list) else [picked]
        return reverse(name if outside else f"admin:{name}", args=args) + query

    return url


def to_post(name: str, status: str, query: str = "") -> MakeUrl:
    return to(f"{POSTS}_{name}", lambda scene: scene.posts[status].pk, query)


def one(name: str) -> dict[str, MakeUrl]:
    """Return the page `name` of the object in IDS; its screenshot has the same name."""
    return {name: to(name, next(pick for prefix, pick in IDS.items() if name.startswith(prefix)))}


# By URL name: the names of the screenshots and the URLs.
PAGES: dict[str, dict[str, MakeUrl]] = {
    "index": {"dashboard": to("index")},
    "admin_capacity": {"capacity": to("admin_capacity"), "capacity-wrong": to("admin_capacity", query="?posts=0")},
    f"{POSTS}_changelist": {
        "queue": to(f"{POSTS}_changelist", query="?status=WAITING_FOR_APPROVAL"),
        "posts": to(f"{POSTS}_changelist"),
        "posts-found": to(f"{POSTS}_changelist", query="?q=harbour&status=SCHEDULED"),
    },
    f"{POSTS}_calendar": {
        f"calendar-{view}": to(f"{POSTS}_calendar", query=f"?view={view}") for view in ("month", "week", "day")
    },
    f"{POSTS}_move": {
        "move-waiting": to_post("move", "WAITING_FOR_APPROVAL", "?to=2030-05-01"),
        "move-scheduled": to_post("move", "SCHEDULED", "?to=2030-05-01"),
        "move-published": to_post("move", "PUBLISHED"),
    },
    f"{POSTS}_correct": {"correct": to_post("correct", "WAITING_FOR_APPROVAL")},
    f"{POSTS}_several": {
        "bulk-confirm": lambda scene: (
            reverse(f"admin:{POSTS}_several") + "?" + "&".join(f"post={pk}" for pk in scene.waiting)
        ),
    },
    f"{POSTS}_change": {
        "post-edit": to_post("change", "WAITING_FOR_APPROVAL"),
        "post-edit-carousel": to(f"{POSTS}_change", lambda scene: scene.carousel),
    },
    f"{POSTS}_review": {
        "review-waiting": to_post("review", "WAITING_FOR_APPROVAL"),
        "review-carousel": to(f"{POSTS}_review", lambda scene: scene.carousel),
        **{
            f"review-{status.lower()}": to_post("review", status)
            for status in ("DRAFT", "REJECTED", "SCHEDULED", "PUBLISHED", "FAILED")
        },
    },
    "posts_channel_connect_callback": {"connect-refused": to("posts_channel_connect_callback")},
    "posts_channel_connect_choose": {
        "connect-choose": to("posts_channel_connect_choose", lambda scene: scene.login.pk),
    },
    "admin_password_reset_confirm": {
        "password-reset-confirm": to("admin_password_reset_confirm", lambda scene: scene.password_link),
    },
    "admin_invitation": {**one("admin_invitation"), "invitation-new": one("admin_invitation")["admin_invitation"]},
    **{
        name: {name: to(name)}
        for name in (
            "login", "password_change_done", "admin_account", "admin_mfa_setup", "admin_recovery_codes",
            "admin_mfa_disable", "admin_sign_out_everywhere", "admin_password", "admin_api", "admin_policy_choose",
            f"{POSTS}_add", "posts_publishedpost_changelist", "posts_channel_changelist", "posts_channel_add",
            "posts_superpowertemplate_changelist", "posts_superpowertemplate_add", "accounts_apikey_changelist",
            "accounts_apikey_add", "accounts_organization_changelist", "accounts_organization_add",
            "accounts_membership_changelist", "accounts_membership_invite", "accounts_membership_add",
            "accounts_user_changelist", "accounts_user_add", "accounts_auditevent_changelist",
            "scheduling_notification_changelist", "scheduling_notification_mine", "scheduling_webhook_changelist",
            "scheduling_webhook_add", "admin_time_zone", "admin_password_reset",
        )
    },
    **{
        name: one(name)
        for name in (
            "posts_publishedpost_page", "posts_publishedpost_insights", "posts_publishedpost_comments",
            "posts_channel_change", "posts_superpowertemplate_change", "accounts_apikey_change",
            "accounts_apikey_access", "accounts_apikey_rotate", "accounts_apikey_revoke",
            "accounts_organization_change", "accounts_membership_revoke", "accounts_membership_change",
            "accounts_membership_delete", "accounts_membership_confirm",
            "accounts_user_change", "accounts_user_rescue", "auth_user_password_change",
            "scheduling_webhook_change", "accounts_auditevent_change", "admin_policy",
            "accounts_membership_recovery", "admin_policy_time_zone", "admin_policy_publishing",
            "meta_data_deletion_status",
        )
    },
}  # fmt: skip
# Opened without a session.
ANONYMOUS = {"meta_data_deletion_status", "login", "invitation-new", "admin_password_reset", "password-reset-confirm"}
BUTTONS = ("approve", "publish", "reject", "live", "absent", "revert", "submit", "delete", "recheck")
NOT_PAGES = {
    # POST only.
    *(f"{POSTS}_{name}" for name in BUTTONS),
    "posts_channel_disconnect",
    "posts_channel_resume",
    # Redirects to the dialog of Facebook Login.
    "posts_channel_connect",
    *(f"{POSTS}_{name}" for name in ("undo", "keep", "forget")),
    *(f"scheduling_webhook_{name}" for name in ("rotate", "test", "remove")),
    "scheduling_notification_again",
    "logout",
    # A part of the list of channels, and a file.
    "posts_channel_reading",
    "posts_publishedpost_export",
    # Called by Meta's servers.
    *("meta_deauthorize", "meta_data_deletion", "meta_webhook"),
    # Files.
    "admin_api_file",
    *("admin_media", "admin_media_poster", "admin_thumbnail"),
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
    """Yield the names of URLs under /admin/ and /meta/ that are not part of the admin site."""
    for url_pattern in get_resolver().url_patterns:
        if str(url_pattern.pattern).startswith(("admin/", "meta/")):
            yield from _names(url_pattern.url_patterns if isinstance(url_pattern, URLResolver) else [url_pattern])
