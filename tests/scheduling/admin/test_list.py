"""The list of posts, and GET requests to all admin URLs, which must not change a row."""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from accounts import clock
from accounts.domain import actors
from accounts.models import User
from posts.domain.published_posts import record_published
from posts.models import Channel
from scheduling.domain.drafts import ChannelText
from tests.helpers import POSTS, AdminClient

QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"


def test_queue_lists_waiting_posts_soonest_first(make_waiting: Any, make_draft: Any, reviewer: User) -> None:
    late, soon = (make_waiting(scheduled_for=clock.now() + timedelta(hours=hours)) for hours in (9, 1))
    make_draft()
    site = AdminClient(reviewer).open(QUEUE)
    assert [link for link in site.page.links if link.endswith("/review/")] == [
        f"{POSTS}{post.pk}/review/" for post in (soon, late)
    ]
    assert "To approve 2 waiting" in site.text


def test_search_and_channel_filter(make_draft: Any, reviewer: User, facebook: Channel) -> None:
    channels = {facebook.public_id: ChannelText(facebook.type, "Pumpkin soup", None)}
    soup, _other = make_draft(channels=channels), make_draft()
    site = AdminClient(reviewer)
    for url in (f"{POSTS}?q=pumpkin", f"{POSTS}?q=pumpkin&channel={facebook.pk}"):
        site.open(url)
        assert [link for link in site.page.links if link.endswith("/review/")] == [f"{POSTS}{soup.pk}/review/"]
    site.open(f"{POSTS}?channel={facebook.pk}")
    assert len([link for link in site.page.links if link.endswith("/review/")]) == 2


def test_list_has_constant_queries(make_draft: Any, reviewer: User, django_assert_max_num_queries: Any) -> None:
    site = AdminClient(reviewer)
    make_draft()
    site.open(POSTS)
    with django_assert_max_num_queries(30) as one:
        site.open(POSTS)
    for _ in range(4):
        make_draft()
    with django_assert_max_num_queries(len(one)):
        site.open(POSTS)


def dump() -> dict[str, list[Any]]:
    """All rows of the database, by model."""
    return {
        model._meta.label: sorted(map(str, model._base_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
    }


def admin_urls(post: Any, rows: dict[Any, Any]) -> list[str]:
    urls = ["/admin/", "/admin/password_change/", "/admin/jsi18n/", POSTS, QUEUE, f"{POSTS}{post.pk}/review/"]
    urls += [
        f"{POSTS}{post.pk}/{name}/"
        for name in ("approve", "publish", "reject", "revert", "submit", "delete", "live", "absent")
    ]
    urls += [f"{POSTS}approve/", f"{POSTS}views/keep/", f"{POSTS}views/1/forget/"]
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        row = rows.get(model) or model._base_manager.first()
        pages = [("changelist", ()), ("add", ())]
        if row is not None:
            pages += [(page, (row.pk,)) for page in ("change", "delete", "history", "page", "disconnect", "resume")]
        for page, args in pages:
            try:
                urls.append(reverse(f"admin:{name}_{page}", args=args))
            except NoReverseMatch:
                continue
    return urls


def test_get_of_any_admin_url_changes_no_row(
    make_waiting: Any, make_member: Any, organization: Any, facebook: Channel, key: Any
) -> None:
    post = make_waiting()
    record_published(
        channel=facebook,
        platform_id="1_2",
        type="POST",
        caption="Olá",
        media_url=None,
        media_type=None,
        permalink=None,
        published_at=clock.now(),
        superpower=None,
        scheduled_post_id=post.pk,
    )
    person = make_member("everything", organization, "ADMIN", may_review=True)
    site = AdminClient(person).open("/admin/")
    before = dump()
    urls = admin_urls(post, {})
    answers = {url: site.client.get(url).status_code for url in urls}
    assert dump() == before
    assert {url: code for url, code in answers.items() if code >= 500} == {}
    assert len(urls) > 20
    assert actors.user_actor(person).name == "everything"


def test_pages_obey_the_content_security_policy(make_waiting: Any, reviewer: User, author: User) -> None:
    post = make_waiting()
    for user, url in (
        (reviewer, "/admin/"),
        (reviewer, POSTS),
        (reviewer, f"{POSTS}{post.pk}/review/"),
        (author, f"{POSTS}add/"),
    ):
        answer = AdminClient(user).open(url).answer
        html = answer.content.decode()
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert [mark for mark in (" style=", "<style", "onclick", "javascript:", "<script>") if mark in html] == []
