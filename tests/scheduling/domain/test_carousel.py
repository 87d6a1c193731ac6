"""A post of several media from draft to platform: each item is stored, covered, published once, in its order."""

import hashlib
import urllib.request
from datetime import timedelta

import pytest

from accounts.domain import actors
from accounts.exceptions import Conflict
from accounts.models import AuditEvent
from posts.domain import media_store
from posts.domain.sync import sync
from posts.models import MediaFile, PublishedPost
from scheduling.domain import content, discards, drafts, review
from scheduling.domain.drafts import Medium
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.preflight.checks import run_checks
from scheduling.domain.publishing import stage
from scheduling.models import Delivery, Discard, MediaItem, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = [pytest.mark.django_db]
TEXTS = ("A harbour", "", "Sardines")


@pytest.fixture
def media_items(sandbox):
    names = ("a.jpg", "b.jpg", "c.png")
    return [Medium(sandbox.media(name), "IMAGE", text) for name, text in zip(names, TEXTS, strict=True)]


def stored_items(post):
    return [{"media_sha256": item.media_sha256, "alt_text": item.alt_text} for item in fresh(post).items]


def levels(post, name="media"):
    loaded = ScheduledPost.objects.for_wire().get(pk=post.pk)
    return [(check.level, check.words) for check in run_checks([loaded], None)[post.pk] if check.name == name]


def test_carousel_is_published_on_both_channels_in_order_with_the_stored_bytes(
    make_enqueued, travel, sandbox, media_items
):
    post = make_enqueued(media_items=media_items)
    sandbox.settings(media_versions={"a.jpg": 2, "b.jpg": 2, "c.png": 2})
    travel(post)
    assert send(post) == "published"
    expected = stored_items(post)
    assert [entry["items"] for entry in sandbox.posts] == [expected, expected]
    assert set(PublishedPost.objects.values_list("media_type", flat=True)) == {"CAROUSEL"}
    assert MediaFile.objects.count() == 3


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "drop_before"])
def test_lost_answer_of_the_commit_publishes_once(make_enqueued, travel, sandbox, media_items, fault):
    post = make_enqueued(media_items=media_items)
    sandbox.fault(r"POST .*/(feed|media_publish)$", fault, times=2)
    clock_ = travel(post)
    assert send(post) == "pending"
    assert go_on(post, clock_) == "PUBLISHED"
    assert [entry["items"] for entry in sandbox.posts] == [stored_items(post)] * 2


def test_failed_child_is_made_again_and_published_once(make_enqueued, travel, sandbox, media_items, instagram):
    post = make_enqueued(media_items=media_items, channels=[instagram])
    sandbox.fault(r"POST .*/media$", "container_error", subcode=2207082, skip=1)
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_, seconds=5) == "PUBLISHED"
    assert [entry["items"] for entry in sandbox.posts] == [stored_items(post)]


def test_two_workers_that_stage_at_once_publish_one_set(make_enqueued, travel, sandbox, media_items, facebook):
    post = make_enqueued(media_items=media_items, channels=[facebook])
    sandbox.fault(r"POST .*/photos$", "drop_after", skip=1)
    assert stage.prestage(str(post.pk)) == 0  # one photo is saved, another has no owner
    assert len(Delivery.objects.get(post=post).staged["photos"]) == 1
    travel(post)
    send(post)
    assert [entry["items"] for entry in sandbox.posts] == [stored_items(post)]


def test_reverted_carousel_deletes_each_staged_photo(make_enqueued, travel, sandbox, media_items, facebook, key):
    post = make_enqueued(media_items=media_items, channels=[facebook])
    assert stage.prestage(str(post.pk)) == 1
    photos = Delivery.objects.get(post=post).staged["photos"]
    review.revert(actors.api_key_actor(key), fresh(post))
    assert [discards.discard(row.pk) for row in Discard.objects.all()] == [True] * 3
    calls = sandbox.call("GET", "/__requests")["requests"]
    assert [call["path"].rpartition("/")[2] for call in calls if call["method"] == "DELETE"] == photos
    assert AuditEvent.objects.filter(verb="discard").count() == 3


def test_discarded_photo_that_is_in_use_again_is_kept(make_enqueued, sandbox, media_items, facebook):
    post = make_enqueued(media_items=media_items, channels=[facebook])
    stage.prestage(str(post.pk))
    delivery = Delivery.objects.get(post=post)
    discards.add_objects(delivery, delivery.staged)
    assert [discards.discard(row.pk) for row in Discard.objects.all()] == [False] * 3


@pytest.mark.parametrize("change", ["order", "alt text", "label", "item removed", "item added"])
def test_each_change_of_the_items_is_another_digest(make_waiting, judge, key, media_items, sandbox, change):
    post = make_waiting(media_items=media_items)
    digest, version = content.current_content(fresh(post))[1], post.version
    first, second, third = media_items
    changes = {
        "order": {"media_items": [second, first, third]},
        "alt text": {"media_items": [Medium(first.url, "IMAGE", "A harbour at night"), second, third]},
        "label": {"is_ai_generated": True},
        "item removed": {"media_items": [first, second]},
        "item added": {"media_items": [*media_items, Medium(sandbox.media("d.jpg"), "IMAGE")]},
    }[change]
    post = drafts.edit(actors.api_key_actor(key), fresh(post), changes=changes)
    assert (content.current_content(fresh(post))[1] != digest, post.version) == (True, version + 1)
    with pytest.raises(review.StaleApproval if change != "item added" else Conflict):
        review.approve(judge, post, digest=digest, revision=post.revision)


def test_kept_items_are_not_fetched_again(make_waiting, key, media_items, sandbox, judge):
    post = make_waiting(media_items=media_items)
    before = {item.media: item.media_sha256 for item in post.items}
    sandbox.settings(media_versions={"a.jpg": 2, "b.jpg": 2, "c.png": 2})
    edited = drafts.edit(actors.api_key_actor(key), fresh(post), changes={"media_items": media_items[::-1]})
    assert inspect_media(str(edited.pk), edited.version) == before[media_items[-1].url]
    assert {item.media: item.media_sha256 for item in fresh(post).items} == before
    single = drafts.edit(actors.api_key_actor(key), fresh(post), changes={"media": media_items[1].url})
    assert (fresh(single).media_sha256, fresh(single).items) == (before[media_items[1].url], [])


def test_carousel_is_not_approved_without_each_item(make_waiting, judge, media_items, sandbox):
    gone = Medium(f"{sandbox.url}/nothing.jpg", "IMAGE")
    page = Medium(sandbox.url, "IMAGE")
    post = make_waiting(media_items=[media_items[0], gone, page])
    assert [level for level, _ in levels(post)] == ["stop", "stop", "ok"]
    assert [words[:7] for _, words in levels(post)] == ["Item 2:", "Item 3:", "Item 1:"]
    with pytest.raises(Conflict, match="could not be fetched and stored"):
        approve(judge, post)
    assert fresh(post).check_level == "stop"


@pytest.mark.parametrize("column", ["media_file", "media_sha256", "alt_text", "position"])
def test_gate_refuses_a_swapped_item(make_enqueued, travel, sandbox, media_items, facebook, column):
    """Rows that are changed by hand after the approval publish nothing."""
    post = make_enqueued(media_items=media_items, channels=[facebook])
    first, _, third = fresh(post).items
    MediaItem.objects.filter(pk=first.pk).update(**{column: 9 if column == "position" else getattr(third, column)})
    travel(post)
    assert (send(post), sandbox.posts) == ("refused", [])


def test_file_of_an_item_is_kept_while_it_is_used(make_waiting, media_items):
    post = make_waiting(media_items=media_items)
    MediaFile.objects.update(used_at=post.created_at - timedelta(days=30))
    assert media_store.delete_orphans() == 0
    MediaFile.objects.update(used_at=post.created_at - timedelta(days=30))
    drafts.delete(actors.WORKER, post)
    assert media_store.delete_orphans() == 3


def test_posts_without_items_have_the_digest_of_before(make_waiting):
    """Approvals that were given before carousels existed stay valid."""
    keys = {"type", "media", "mediaType", "mediaSha256", "scheduledFor", "channels"}
    assert content.current_content(make_waiting())[0].keys() == keys


def test_checks_warn_of_cropping_and_of_the_missing_label(make_waiting, sandbox, facebook, instagram):
    wide = Medium(sandbox.media("wide.jpg") + "?w=1200&h=800", "IMAGE")
    post = make_waiting(media_items=[Medium(sandbox.media("a.jpg"), "IMAGE"), wide], is_ai_generated=True)
    loaded = ScheduledPost.objects.for_wire().get(pk=post.pk)
    warned = {(check.name, check.channel) for check in run_checks([loaded], None)[post.pk] if check.level == "warn"}
    assert warned == {("media.crop", instagram.public_id), ("media.label", facebook.public_id)}


def test_video_item_is_stored_and_published(make_enqueued, travel, sandbox, media_items, instagram):
    film = Medium(sandbox.media("film.mp4"))
    post = make_enqueued(media_items=[film, media_items[0]], channels=[instagram])
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_, seconds=5) == "PUBLISHED"
    [entry] = sandbox.posts
    with urllib.request.urlopen(film.url) as answer:
        assert entry["items"][0]["media_sha256"] == hashlib.sha256(answer.read()).hexdigest()


def test_item_that_another_post_has_is_a_conflict(make_waiting, media_items, sandbox, facebook):
    make_waiting(media_items=media_items[:2], channels=[facebook])
    single = make_waiting(media=media_items[1].url, channels=[facebook])
    other = make_waiting(media_items=[Medium(sandbox.media("d.jpg"), "IMAGE"), media_items[1]], channels=[facebook])
    for post in (single, other):
        [(level, words)] = levels(post, "clash.media")
        assert (level, "the same image waits for approval" in words) == ("warn", True)


def test_published_carousel_is_imported_as_the_post_that_it_is(make_enqueued, travel, sandbox, media_items, facebook):
    """Also on a later sync: one row of each channel, linked to the scheduled post."""
    post = make_enqueued(media_items=media_items)
    travel(post)
    assert send(post) == "published"
    for delivery in Delivery.objects.select_related("channel"):
        sync(delivery.channel)
    rows = PublishedPost.objects.values_list("media_type", "scheduled_post_id", "caption")
    assert sorted(rows) == sorted(("CAROUSEL", post.pk, row.caption) for row in Delivery.objects.all())
