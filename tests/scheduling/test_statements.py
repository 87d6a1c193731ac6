"""Statements that are kept do what the query sets do that they stand for, on either database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Count, Model

from accounts import clock, statements
from accounts.compiled import Compiled
from accounts.models import AuditEvent
from posts.models import Channel, PublishedPost
from scheduling.models import Delivery, ScheduledPost

RELATED = ("channel", "post__organization", "post__approval__first")
BY_POST = Compiled(
    lambda post_id: Delivery.objects.filter(post_id=post_id).annotate(tried=Count("attempts")).select_related(*RELATED)
)


def columns(row: Model) -> dict[str, Any]:
    return {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}


def live(channel: Channel, platform_id: str, **more: Any) -> PublishedPost:
    return PublishedPost(
        organization_id=channel.organization_id, channel=channel, platform_id=platform_id, type="POST",
        published_at=clock.now(), **more,
    )  # fmt: skip


def test_selects_as_the_query_set(make_waiting: Callable[..., ScheduledPost], django_assert_num_queries: Any) -> None:
    post, other = make_waiting(), make_waiting()
    wanted = Delivery.objects.filter(post=post).select_related(*RELATED).in_bulk()

    with django_assert_num_queries(1):
        found = BY_POST(post.pk)
        assert {one.pk for one in found} == set(wanted)
        for one in found:
            same = wanted[one.pk]
            assert columns(one) == columns(same)
            assert columns(one.channel) == columns(same.channel)
            assert columns(one.post) == columns(same.post)
            assert columns(one.post.organization) == columns(same.post.organization)
            assert one.post.approval is None
            assert vars(one)["tried"] == 0
    assert {one.post_id for one in BY_POST(other.pk)} == {other.pk}
    assert BY_POST(uuid4()) == []


def test_inserts_what_the_row_says(facebook: Channel) -> None:
    event = AuditEvent(
        organization_id=facebook.organization_id, at=clock.now(), actor_kind="key", actor_id="1", actor_name="Zoë's 🤖",
        verb="test", subject="post:1", details={"deep": [None, 1.5, {"a": "'%s\""}]}, mark=None,
    )  # fmt: skip
    statements.insert(event)

    assert columns(AuditEvent.objects.get(pk=event.pk)) == columns(event)
    assert not event._state.adding


def test_inserts_into_a_transaction_that_may_fail(facebook: Channel) -> None:
    def twice() -> None:
        with transaction.atomic():
            for _ in range(2):
                statements.insert(live(facebook, "1_1"))

    with pytest.raises(IntegrityError):
        twice()
    assert not PublishedPost.objects.exists()


def test_a_row_that_is_there_gains_only_what_is_named(facebook: Channel) -> None:
    statements.insert(live(facebook, "1_1", caption="as the platform says", permalink="https://example.com/1"))
    mine = uuid4()
    again = live(facebook, "1_1", caption="as we said", scheduled_post_id=mine, superpower={"a": 1})
    statements.insert(again, unique=("channel", "platform_id"), update=("superpower", "scheduled_post_id"))

    row = PublishedPost.objects.get()
    assert (row.caption, row.permalink) == ("as the platform says", "https://example.com/1")
    assert (row.scheduled_post_id, row.superpower) == (mine, {"a": 1})


def test_updates_only_rows_that_fit(make_waiting: Callable[..., ScheduledPost]) -> None:
    post, other = make_waiting(), make_waiting()
    now, task = clock.now(), uuid4()
    fits = {"pk": post.pk, "version": post.version, "updated_at__lte": now, "status__ne": "DRAFT"}

    assert statements.update(ScheduledPost, fits, {"task_id": task, "notes": "It's 100 %", "failure": ""}) == 1
    assert statements.update(ScheduledPost, fits | {"version": post.version + 1}, {"notes": None}) == 0
    assert statements.update(ScheduledPost, fits | {"updated_at__lte": now - timedelta(days=1)}, {"notes": None}) == 0
    assert statements.update(ScheduledPost, fits | {"status__ne": post.status}, {"notes": None}) == 0
    post.refresh_from_db()
    assert (post.task_id, post.notes) == (task, "It's 100 %")
    other.refresh_from_db()
    assert other.task_id is None


def test_nothing_equals_null(make_waiting: Callable[..., ScheduledPost]) -> None:
    with pytest.raises(ValueError, match="NULL"):
        statements.update(ScheduledPost, {"pk": make_waiting().pk, "task_id": None}, {"notes": "no"})


def test_inserts_only_where_other_rows_say_what_they_should(make_waiting: Callable[..., ScheduledPost]) -> None:
    post = make_waiting()
    delivery = post.deliveries.first()
    assert delivery is not None
    fits = (ScheduledPost, {"pk": post.pk, "status": post.status, "version": post.version})
    unsettled = (Delivery, {"pk": delivery.pk, "state__ne": "PUBLISHED"})

    def insert(platform_id: str, *provided: Any) -> bool:
        row = live(delivery.channel, platform_id, superpower={"a": None}, scheduled_post_id=post.pk)
        return statements.insert(row, provided=provided) and PublishedPost.objects.get(pk=row.pk) == row

    assert insert("1_1", fits, unsettled)
    assert not insert("1_2", fits, (Delivery, {"pk": delivery.pk, "state__ne": delivery.state}))
    assert not insert("1_3", (ScheduledPost, {"pk": uuid4()}), unsettled)
    assert list(PublishedPost.objects.values_list("platform_id", flat=True)) == ["1_1"]


def event(organization_id: Any, verb: str) -> AuditEvent:
    return AuditEvent(
        organization_id=organization_id, at=clock.now(), actor_kind="key", actor_id="1", actor_name="Zoë's 🤖",
        verb=verb, subject="post:1", details={"deep": [None, 1.5, {"a": "'%s\""}]}, mark=None,
    )  # fmt: skip


def test_what_is_written_along_is_written_only_where_something_was_found(
    make_waiting: Callable[..., ScheduledPost],
) -> None:
    post = make_waiting()
    said, unsaid = event(post.organization_id, "said"), event(post.organization_id, "unsaid")
    change = {"notes": "Zoë's %s", "lease": uuid4()}
    right = statements.Update(ScheduledPost, {"pk": post.pk, "status": "WAITING_FOR_APPROVAL"}, change)
    wrong = statements.Update(ScheduledPost, {"pk": post.pk, "status": "DRAFT"}, {"notes": "never"})

    assert statements.together(right, statements.Insert(said), provided=True) == 1
    assert statements.together(wrong, statements.Insert(unsaid), provided=True) == 0

    post.refresh_from_db()
    assert {"notes": post.notes, "lease": post.lease} == change
    written = AuditEvent.objects.filter(subject="post:1").values("verb", "actor_name", "details")
    assert list(written) == [{"verb": "said", "actor_name": said.actor_name, "details": said.details}]


def test_what_is_written_together_is_written_whatever_was_found_or_not_at_all(
    make_waiting: Callable[..., ScheduledPost], facebook: Channel
) -> None:
    post = make_waiting()
    delivery = Delivery.objects.filter(post=post).first()
    assert delivery is not None
    nothing = statements.Update(ScheduledPost, {"pk": uuid4()}, {"notes": "nobody's"})
    live_now = statements.Update(Delivery, {"pk": delivery.pk}, {"live_id": "1_1", "error_message": ""})
    copy = statements.Insert(
        live(facebook, "1_1", superpower={"a": "é"}), unique=("channel", "platform_id"), update=("superpower",)
    )
    assert statements.together(nothing, live_now, copy) == 0
    assert statements.together(nothing, live_now, copy) == 0
    assert PublishedPost.objects.values_list("platform_id", "superpower").get() == ("1_1", {"a": "é"})

    undone = statements.Update(Delivery, {"pk": delivery.pk}, {"live_id": "1_2"})
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.together(nothing, undone, statements.Insert(live(facebook, "1_1")))
    assert Delivery.objects.get(pk=delivery.pk).live_id == "1_1"
