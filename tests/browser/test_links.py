"""Every link and form that a page offers to a person leads to a page: no 403, no 404, no 500 (T1)."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Membership, User
from scheduling.models import ScheduledPost
from tests.browser.conftest import OpenAdmin
from tests.browser.csp_guard import Guard
from tests.browser.sample_data import Scene

# Requests every link from `start` on, four at a time, and returns [status, URL, page that offers it] of the failures.
# Links that differ only in ids and in the values of the query are followed `most` times.
CRAWL = """async ({start, most}) => {
  const origin = location.origin, seen = new Set(), shapes = new Map(), failures = [];
  const queue = [[new URL(start, origin).href, "start"]];
  let requests = 0;
  const offer = (url, from) => {
    const target = new URL(url, new URL(from, origin));
    if (target.origin !== origin) return;
    target.hash = "";
    const names = [...target.searchParams.keys()].sort().join();
    const state = target.pathname.endsWith("/scheduledpost/") ? target.searchParams.get("status") : "";
    const shape = target.pathname.replace(/[/](dk_[^/]+|[0-9a-f-]{36}|[0-9]+)(?=[/])/g, "/*") + "?" + names + state;
    const count = shapes.get(shape) || 0;
    if (seen.has(target.href) || count >= most) return;
    seen.add(target.href);
    shapes.set(shape, count + 1);
    queue.push([target.href, from]);
  };
  const follow = async ([url, from]) => {
    requests += 1;
    const response = await fetch(url);
    const allowed = response.status < 400 || response.status === 405 && from.startsWith("form on ");
    if (!allowed || response.url.includes("/login/")) failures.push([response.status, url, from]);
    if (!response.ok || !response.headers.get("content-type").startsWith("text/html")) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const link of page.querySelectorAll("a[href]")) offer(new URL(link.getAttribute("href"), url).href, url);
    for (const form of page.querySelectorAll("form[action]")) {
      const target = new URL(form.getAttribute("action"), url);
      // A URL for POST alone answers a GET with 405; one that does not exist answers 404.
      if (form.getAttribute("method") === "post" && !target.pathname.endsWith("/logout/")) {
        const before = queue.length;
        offer(target.href, url);
        if (queue.length > before) queue[before][1] = `form on ${url}`;
      }
    }
  };
  while (queue.length) await Promise.all(queue.splice(0, 4).map(follow));
  return {failures, requests, shapes: [...shapes.keys()]};
}"""
PEOPLE = ("author", "reviewer", "administrator", "viewer", "superuser")


@pytest.fixture
def people(
    scene: Scene, author: User, make_member: Callable[..., User], django_user_model: type[User]
) -> dict[str, User]:
    """One person of each kind. One post is deleted after it was published."""
    organization = scene.organization
    superuser = django_user_model.objects.create_superuser("root", "root@example.com", "a-password-of-root")
    superuser.raw_password = "a-password-of-root"  # type: ignore[attr-defined]
    ScheduledPost.objects.filter(pk=scene.live.scheduled_post_id).update(approval=None, status="DRAFT")
    ScheduledPost.objects.filter(pk=scene.live.scheduled_post_id).delete()
    Membership.objects.filter(user=scene.person).update(may_review=False)
    User.objects.filter(pk=scene.person.pk).update(is_superuser=False)
    return {
        "author": author,
        "reviewer": make_member("reviewer", organization, "VIEWER", may_review=True),
        "administrator": scene.person,
        "viewer": make_member("viewer", organization, "VIEWER"),
        "superuser": superuser,
    }


def test_every_link_and_form_leads_to_a_page_t1(people: dict[str, User], open_admin: OpenAdmin, guard: Guard) -> None:
    guard.expect_error("status of 405")  # a URL for POST alone
    visited: dict[str, dict[str, Any]] = {}
    for name in PEOPLE:
        page = open_admin(people[name])
        page.goto("/admin/account/")
        visited[name] = page.evaluate(CRAWL, {"start": "/admin/", "most": 2})
    assert {name: result["failures"] for name, result in visited.items() if result["failures"]} == {}
    # The crawl reached what it is about.
    assert any("/apikey/*/rotate/" in shape for shape in visited["administrator"]["shapes"])
    assert any("/scheduledpost/*/change/" in shape for shape in visited["author"]["shapes"])
    assert any("/scheduledpost/*/approve/" in shape for shape in visited["reviewer"]["shapes"])
    assert any("/accounts/user/*/change/" in shape for shape in visited["superuser"]["shapes"])
    assert not any("/move/" in shape or "/channel/add/" in shape for shape in visited["viewer"]["shapes"])
