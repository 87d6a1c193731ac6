"""GET /scheduled-posts and /scheduled-posts/{id}."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import ApiKey, Organization, User
from posts.models import Channel
from scheduling.models import Approval, Delivery, ScheduledPost
from tests.helpers import SignedClient, stamp

pytestmark = pytest.mark.embedded

UNKNOWN = "8d4f6a0c-1f0e-4f43-9d5e-3f7e3b1c9a10"
DAY = datetime(2027, 1, 1, tzinfo=UTC)
VERBS = ("submit-for-approval", "reject", "revert")


@pytest.fixture
def row(organization: Organization, key: ApiKey, reviewer: User) -> Callable[..., ScheduledPost]:
    """Store a post in the given state."""

    def make(status: str = "DRAFT", **columns: Any) -> ScheduledPost:
        post = ScheduledPost.objects.create(
            **{"organization": organization, "created_by_key": key, "last_edited_by_key": key, **columns}
        )
        approval = Approval.objects.create(post=post, reviewer=reviewer, session="s", version=1, digest="d", content={})
        ScheduledPost.objects.filter(pk=post.pk).update(status=status, approval=approval)
        return post

    return make


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()]


def test_an_empty_list_is_a_bare_empty_array(api: SignedClient) -> None:
    answer = api.get("/scheduled-posts")
    assert (answer.status_code, answer.json(), answer.headers.get("Link")) == (200, [], None)


def test_soonest_first_undated_last_ties_by_id(api: SignedClient, row) -> None:
    undated = sorted(str(row().pk) for _ in range(3))
    late = row(scheduled_for=DAY + timedelta(hours=1))
    tied = sorted(str(row(scheduled_for=DAY).pk) for _ in range(3))
    early = row(scheduled_for=DAY - timedelta(microseconds=1))
    assert ids(api.get("/scheduled-posts")) == [str(early.pk), *tied, str(late.pk), *undated]


def test_without_a_status_everything_that_is_not_published(api: SignedClient, row) -> None:
    states = ["DRAFT", "WAITING_FOR_APPROVAL", "REJECTED", "SCHEDULED", "PUBLISHING", "PUBLISHED", "FAILED"]
    made = {state: str(row(state).pk) for state in states}
    assert sorted(ids(api.get("/scheduled-posts"))) == sorted(
        post for state, post in made.items() if state != "PUBLISHED"
    )
    for state in states:
        assert ids(api.get("/scheduled-posts", query={"status": state})) == [made[state]]
    two = api.get("/scheduled-posts", query={"status": "PUBLISHED, FAILED"})
    assert sorted(ids(two)) == sorted([made["PUBLISHED"], made["FAILED"]])


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_neither_repeat_nor_skip_while_rows_come_and_go(api: SignedClient, row, limit: int) -> None:
    for number in range(4):
        row(scheduled_for=DAY + timedelta(microseconds=number // 2))
        row()
    whole = ids(api.get("/scheduled-posts"))
    seen: list[str] = []
    path: str | None = f"/scheduled-posts?limit={limit}"
    while path:
        answer = api.get(path)
        page = ids(answer)
        assert len(page) <= limit
        seen += page
        link = answer.headers.get("Link")
        row(scheduled_for=DAY - timedelta(days=1))  # before everything, so that offsets would shift
        found = re.fullmatch(r'<http://testserver/v1(.+)>; rel="next"', link) if link else None
        path = found[1] if found else None
    assert seen == whole


def test_a_cursor_works_for_its_own_filters_and_organization_only(
    api: SignedClient, other_api: SignedClient, row, other_organization: Organization
) -> None:
    for _ in range(2):
        row()
    link = api.get("/scheduled-posts?limit=1").headers["Link"]
    cursor = re.search(r"cursor=([^>&]+)", link)[1]  # type: ignore[index]
    assert len(ids(api.get(f"/scheduled-posts?limit=5&cursor={cursor}"))) == 1
    for client, path in (
        (api, f"/scheduled-posts?status=DRAFT&cursor={cursor}"),
        (other_api, f"/scheduled-posts?cursor={cursor}"),
        (api, f"/channels?cursor={cursor}"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"][0]["path"]) == (422, ["cursor"])


def test_a_list_costs_the_same_number_of_queries_however_long(
    api: SignedClient, make_draft, django_assert_max_num_queries
) -> None:
    make_draft()
    api.get("/scheduled-posts")
    with django_assert_max_num_queries(20) as few:
        api.get("/scheduled-posts")
    for _ in range(5):
        make_draft()
        make_draft(scheduled_for=None)
    with django_assert_max_num_queries(20) as many:
        assert len(ids(api.get("/scheduled-posts"))) == 11
    assert len(many.captured_queries) == len(few.captured_queries)


def test_the_list_shows_the_same_document_as_the_post_itself(api: SignedClient, make_draft) -> None:
    post = make_draft()
    one = api.get(f"/scheduled-posts/{post.pk}")
    assert one.status_code == 200
    assert api.get("/scheduled-posts").json() == [{**one.json(), "checks": None}]
    assert list(one.json()["mediumsData"]) == sorted(one.json()["mediumsData"])


def test_a_person_is_named_as_the_author(api: SignedClient, make_draft, author: User) -> None:
    author.first_name, author.last_name = "Ana", "Souza"
    author.save()
    post = make_draft(actor=actors.user_actor(author))
    shown = api.get(f"/scheduled-posts/{post.pk}").json()["createdBy"]
    assert shown == {"kind": "USER", "id": str(author.pk), "name": "Ana Souza"}


ABSENT = [UNKNOWN, "1", "nonsense", "%00", "%F0%9F%91%8B", "..", f"{{{UNKNOWN}}}", f"urn:uuid:{UNKNOWN}"]
ABSENT += [UNKNOWN.replace("-", ""), "x" * 5000]
CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), *(("POST", f"/{verb}") for verb in VERBS)]


@pytest.mark.parametrize(("method", "step"), CALLS)
def test_missing_post_is_not_found_by_any_method(api: SignedClient, method: str, step: str) -> None:
    for post_id in ABSENT:
        answer = api.call(method, f"/scheduled-posts/{post_id}{step}", {})
        assert (answer.status_code, answer.json()) == (404, {"message": "Not found", "code": "not_found"}), post_id


def test_pending_task_is_returned(api: SignedClient, make_scheduled) -> None:
    post = make_scheduled()
    body = api.get(f"/scheduled-posts/{post.pk}").json()
    assert (body["status"], body["taskId"]) == ("SCHEDULED", str(post.task_id))
    assert {item["outcome"] for item in body["mediumsData"].values()} == {None}


def test_outcomes_appear_when_publishing_begins(api: SignedClient, row, facebook: Channel, instagram: Channel) -> None:
    at, link = clock.now(), "https://www.instagram.com/p/x/"
    post = row("PUBLISHING")
    columns = {"post": post, "organization": post.organization, "caption": "x"}
    Delivery.objects.create(channel=facebook, **columns)
    columns |= {"state": "PUBLISHED", "platform_post_id": "178", "permalink": link, "published_at": at}
    Delivery.objects.create(channel=instagram, **columns)
    shown = api.get(f"/scheduled-posts/{post.pk}").json()["mediumsData"]
    nothing = {"state": "PENDING", "postId": None, "permalink": None, "publishedAt": None, "error": None}
    published = {"state": "PUBLISHED", "postId": "178", "permalink": link, "publishedAt": stamp(at), "error": None}
    assert (shown[facebook.public_id]["outcome"], shown[instagram.public_id]["outcome"]) == (nothing, published)


def test_failed_channel_has_an_error(api: SignedClient, row, facebook: Channel) -> None:
    post = row("FAILED")
    error = {"code": "MISSED", "message": "It was too late."}
    columns = {"state": "FAILED", "error_code": error["code"], "error_message": error["message"]}
    Delivery.objects.create(post=post, organization=post.organization, channel=facebook, **columns)
    outcome = api.get(f"/scheduled-posts/{post.pk}").json()["mediumsData"][facebook.public_id]["outcome"]
    assert (outcome["state"], outcome["postId"], outcome["error"]) == ("FAILED", None, error)
