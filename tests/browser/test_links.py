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
# A path with ids replaced by `*` is followed once, again for each parameter of the query that it was not followed with,
# and for posts in each status: the status of the list, or of the list that offers the post.
CRAWL = """async (start) => {
  const origin = location.origin, shapes = new Set(), failures = [];
  const queue = [[new URL(start, origin).href, "start"]];
  let requests = 0;
  const offer = (url, from) => {
    const target = new URL(url, new URL(from, origin));
    if (target.origin !== origin) return;
    target.hash = "";
    const path = target.pathname.replace(/[/](dk_[^/]+|[0-9a-f-]{36}|[0-9]+)(?=[/])/g, "/*");
    const list = [target, new URL(from, origin)].find((page) => page.pathname.endsWith("/scheduledpost/"));
    const status = path.includes("/scheduledpost/") && list && list.searchParams.get("status") || "";
    const found = [path + status, ...[...target.searchParams.keys()].map((name) => `${path}?${name}`)];
    if (found.every((shape) => shapes.has(shape))) return;
    for (const shape of found) shapes.add(shape);
    queue.push([target.href, from]);
  };
  const follow = async ([url, from]) => {
    requests += 1;
    const response = await fetch(url);
    const allowed = response.status < 400 || response.status === 405 && from.startsWith("form on ");
    if (!allowed || response.url.includes("/login/")) failures.push([response.status, url, from]);
    if (!response.ok || !response.headers.get("content-type").startsWith("text/html")) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    // Links of the kind "external" lead to Facebook, by way of a redirect.
    for (const link of page.querySelectorAll("a[href]:not([rel~=external])")) {
      offer(new URL(link.getAttribute("href"), url).href, url);
    }
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
  return {failures, requests, shapes: [...shapes]};
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


@pytest.mark.every_page
def test_every_link_and_form_leads_to_a_page_t1(people: dict[str, User], open_admin: OpenAdmin, guard: Guard) -> None:
    guard.expect_error("status of 405")  # a URL for POST alone
    visited: dict[str, dict[str, Any]] = {}
    for name in PEOPLE:
        page = open_admin(people[name])
        page.goto("/admin/account/")
        visited[name] = page.evaluate(CRAWL, "/admin/")
    assert {name: result["failures"] for name, result in visited.items() if result["failures"]} == {}
    # The crawl reached what it is about.
    assert any("/apikey/*/rotate/" in shape for shape in visited["administrator"]["shapes"])
    assert any("/scheduledpost/*/change/" in shape for shape in visited["author"]["shapes"])
    assert any("/scheduledpost/*/approve/" in shape for shape in visited["reviewer"]["shapes"])
    assert any("/accounts/user/*/change/" in shape for shape in visited["superuser"]["shapes"])
    assert not any("/move/" in shape or "/channel/add/" in shape for shape in visited["viewer"]["shapes"])
