"""Every operation refuses query parameters that it does not know."""

import re

import pytest
from django.urls import URLPattern, get_resolver

from accounts.api.base import ApiView
from accounts.api.permissions import METHODS
from accounts.models import Organization
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient

PATTERNS: list[URLPattern] = [
    pattern
    for resolver in get_resolver().url_patterns
    if str(resolver.pattern) == "v1/"
    for pattern in resolver.url_patterns
]
VIEWS = {f"/{pattern.pattern}": pattern.callback.cls for pattern in PATTERNS}  # type: ignore[union-attr]
OPERATIONS = [
    (re.sub(r"<str:\w+>", "1", path), method)
    for path, view in VIEWS.items()
    for method in METHODS
    if hasattr(view, method) and not view.ignores_input
]


def test_every_view_validates_its_query_i2() -> None:
    assert all(issubclass(view, ApiView) for view in VIEWS.values())
    ignoring = {path for path, view in VIEWS.items() if view.ignores_input}
    assert ignoring == {f"/scheduled-posts/<str:post_id>/{action}" for action in ("approve", "publish")}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_unknown_parameter_gets_422_i2(path: str, method: str, api: SignedClient) -> None:
    answer = api.call(method, f"{path}?dryRun=true&status[]=x&_=1")
    assert answer.status_code == 422, answer.content
    unknown = [error["path"] for error in answer.json()["error"] if error["type"] == "object.unknown"]
    assert unknown == [["dryRun"], ["status[]"]]


def test_create_with_an_unknown_parameter_stores_nothing_i2(api: SignedClient) -> None:
    assert api.post("/scheduled-posts?dryRun=true", {}).status_code == 422
    assert not ScheduledPost.objects.exists()
    assert api.post("/scheduled-posts?_=1", {}).status_code == 201


def test_workspace_filter_is_known_and_each_workspace_unknown_i2(api: SignedClient, facebook: Channel) -> None:
    answer = api.get("/channels?workspaceId=1")
    assert (answer.status_code, answer.json()["message"]) == (400, "Unknown workspaceId")
    assert len(api.get("/channels").json()) == 1


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/organizations", {"GET", "HEAD"}),
        ("/scheduled-posts", {"GET", "HEAD", "POST"}),
        ("/scheduled-posts/1", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/scheduled-posts/1/approve", {"POST"}),
    ],
)
def test_allow_lists_the_methods_that_are_answered_i13(path: str, allow: set[str], api: SignedClient) -> None:
    for method in ("OPTIONS", "PUT", "TRACE"):
        answer = api.call(method, path)
        assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, allow)


def test_next_cursor_is_that_of_the_link(api: SignedClient, organization: Organization) -> None:
    for number in range(3):
        ScheduledPost.objects.create(organization=organization, media=str(number))
    first = api.get("/scheduled-posts?limit=2")
    cursor = first.headers["X-Next-Cursor"]
    assert f"cursor={cursor}&" in f"{first.headers['Link']}&".replace(">", "&").replace("%3A", ":")
    last = api.get("/scheduled-posts", query={"limit": 2, "cursor": cursor})
    assert (len(first.json()), len(last.json())) == (2, 1)
    assert "X-Next-Cursor" not in last.headers


@pytest.mark.parametrize("path", VIEWS)
def test_method_that_is_not_offered_gets_405_whatever_the_query(path: str, api: SignedClient) -> None:
    names = VIEWS[path].http_method_names
    offered = {name for name in names if hasattr(VIEWS[path], "get" if name == "head" else name)}
    for name in {"get", "head", "post", "put", "patch", "delete", "options"} - offered:
        answer = api.call(name.upper(), re.sub(r"<str:\w+>", "1", path) + "?dryRun=true")
        assert answer.status_code == 405, name
        assert answer.headers["Allow"].lower().split(", ") == [name for name in names if name in offered]
