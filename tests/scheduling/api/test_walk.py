"""A signed key tries every URL of the project: nothing is approved, and nobody else's data is seen or touched."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from accounts import clock
from accounts.domain import actors
from accounts.models import ApiKey, AuditEvent, Organization
from posts.domain.published import record_published
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from scheduling.domain import drafts, review
from scheduling.lifecycle import NEEDS_APPROVAL
from scheduling.models import Approval, Delivery, ScheduledPost
from tests.clients import SignedClient, stamp

PLACEHOLDER = re.compile(r"<(?:(\w+):)?\w+>")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(autouse=True)
def _unlimited(settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 0


def routes(patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "/") -> Iterator[str]:
    """Yield the route of every URL in the map; a catch-all stands for something that does not exist."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + (str(one.pattern) if isinstance(one.pattern, RoutePattern) else "v1/nothing")
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            yield route


def filled(route: str, name: object, number: object = 1) -> str:
    """Return a path with `name` for each placeholder, `number` where only digits fit."""
    return PLACEHOLDER.sub(lambda found: str(number if found[1] == "int" else name), route)


def attempts(body: dict[str, Any], form: dict[str, Any]) -> Iterator[tuple[str, bytes, str]]:
    """Yield (method, body, content type): each method with nothing, those that write with JSON and with a form too."""
    for method in METHODS:
        yield method, b"", ""
        if method in {"POST", "PUT", "PATCH", "DELETE"}:
            yield method, json.dumps(body).encode(), "application/json"
        if method == "POST":
            yield method, urlencode(form).encode(), "application/x-www-form-urlencoded"


def send(api: SignedClient, path: str, method: str, body: bytes, content_type: str) -> Any:
    """Send to any URL of the site. The test client checks no CSRF token, so that nothing hides behind that."""
    answer = api.client.generic(method, path, data=body, content_type=content_type, headers=api.signature())
    # No worker runs here, and /readyz says so.
    red = answer.status_code == 503 and path.startswith("/readyz")
    assert red or answer.status_code < 500, (method, path, answer.content)
    return answer


def test_the_walk_reaches_the_api_and_the_desk() -> None:
    found = set(routes())
    assert {
        "/v1/scheduled-posts",
        "/v1/scheduled-posts/<str:post_id>/approve",
        "/v1/scheduled-posts/<str:post_id>/publish",
        "/v1/posts/<str:post_id>",
        "/admin/login/",
        "/admin/scheduling/scheduledpost/<uuid:post_id>/approve/",
    } <= found


@pytest.mark.parametrize("status", ["WAITING_FOR_APPROVAL", "DRAFT"])
def test_no_url_takes_a_key_to_scheduled(
    api: SignedClient, make_draft: Callable[..., ScheduledPost], status: str
) -> None:
    post = make_draft(submit=status == "WAITING_FOR_APPROVAL")
    known = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("pk").digest
    at = stamp(clock.now() + timedelta(hours=2))
    body = {"status": "SCHEDULED", "digest": known, "now": True, "instant": at, "scheduledFor": at, "notes": "x"}
    form = {
        "digest": known,
        "action": "approve",
        "_selected_action": post.pk,
        "now": "on",
        "_approve": "1",
        "status": "SCHEDULED",
    }
    tried = 0
    for route in sorted(set(routes())):
        path = filled(route, post.pk)
        for method, given, content_type in attempts(body, form):
            with transaction.atomic():
                send(api, path, method, given, content_type)
                scheduled = ScheduledPost.objects.filter(status__in=NEEDS_APPROVAL).exists()
                assert (scheduled, Approval.objects.exists()) == (False, False), (method, path, given)
                transaction.set_rollback(True)
            tried += 1
    assert tried >= len(METHODS) * 50


@pytest.fixture
def rivals(other_organization: Organization, other_key: ApiKey, other_facebook: Channel) -> dict[str, Any]:
    """What another organization has: posts that wait and that were rejected, a template, something live."""
    actor = actors.api_key(other_key)
    changes: drafts.Changes = {
        "media": "https://media.example.com/rivals-picture.jpg",
        "scheduled_for": clock.now() + timedelta(hours=1),
        "channels": {other_facebook.wire_id: drafts.ChannelText("FB_PAGE", "rivals-caption")},
    }
    waiting = drafts.create(actor, organization=other_organization, changes=changes, submit=True)
    rejected = drafts.create(actor, organization=other_organization, changes=changes, submit=True)
    review.reject(actor, rejected, notes="rivals-notes")
    template = SuperpowerTemplate.objects.create(
        organization=other_organization, name="rivals-template", lookup_hashtag="rivals", document={"hashtag": "rivals"}
    )
    record_published(
        channel=other_facebook, platform_id="1_2", type="POST", caption="rivals-caption", media_url=None,
        media_type=None, permalink=None, published_at=clock.now(), superpower=None, scheduled_post_id=None,
    )  # fmt: skip
    return {"posts": [waiting, rejected], "template": template, "channel": other_facebook}


def everything_of(organization_id: UUID) -> list[list[tuple[Any, ...]]]:
    models = (ScheduledPost, Delivery, Channel, SuperpowerTemplate, PublishedPost, AuditEvent)
    rows = [
        list(model.objects.filter(organization_id=organization_id).order_by("pk").values_list()) for model in models
    ]
    return [*rows, list(Organization.objects.filter(pk=organization_id).values_list())]


def test_no_url_shows_or_changes_what_another_organization_has(
    api: SignedClient, facebook: Channel, rivals: dict[str, Any], other_organization: Organization, other_key: ApiKey
) -> None:
    channel, template = rivals["channel"], rivals["template"]
    theirs = [*(str(post.pk) for post in rivals["posts"]), "1_2", channel.wire_id, str(template.pk)]
    body: dict[str, Any] = {
        "media": "https://media.example.com/mine.jpg",
        "channels": {
            channel.wire_id: {"mediumType": "FB_PAGE", "superpower": {"creativeTemplateId": str(template.pk)}}
        },
        "notes": "mine",
    }
    before = everything_of(other_organization.pk)
    secrets = ("rivals-", str(other_organization.pk), other_key.pk)
    for route in sorted(set(routes())):
        names = theirs if PLACEHOLDER.search(route) and route.startswith("/v1") else theirs[:1]
        for path in {filled(route, name, channel.pk) for name in names}:
            with transaction.atomic():
                for method, given, content_type in attempts(body, {"notes": "mine"}):
                    for query in ("", f"?mediumId={channel.wire_id}") if method == "GET" else ("",):
                        answer = send(api, path + query, method, given, content_type)
                        seen = "" if answer.streaming else answer.content.decode()
                        assert not [secret for secret in secrets if secret in seen], (method, path, seen)
                assert everything_of(other_organization.pk) == before, path
                transaction.set_rollback(True)


def test_the_other_organization_itself_sees_it_all(other_api: SignedClient, rivals: dict[str, Any]) -> None:
    """Without this the test above would pass on an API that shows nothing to anyone."""
    posts = other_api.get("/scheduled-posts").json()
    assert {one["id"] for one in posts} == {str(post.pk) for post in rivals["posts"]}
    assert [one["caption"] for one in other_api.get("/posts").json()] == ["rivals-caption"]
    assert [one["creativeTemplateName"] for one in other_api.get("/superpowers").json()] == ["rivals-template"]
    assert [one["id"] for one in other_api.get("/channels").json()] == [rivals["channel"].wire_id]
