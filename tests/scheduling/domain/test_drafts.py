"""Creating, editing and deleting posts."""

from datetime import timedelta

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import Conflict
from accounts.models import AuditEvent
from scheduling.domain import content, drafts
from scheduling.domain.drafts import ChannelText
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, Delivery, ScheduledPost

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]

INLINE = {"name": "Greeter", "hashtag": "#Soup", "templateType": "GENERAL"}


def text(channel, superpower=None, caption="Hello"):
    return {channel.public_id: ChannelText(channel.type, caption, superpower)}


def test_concurrent_use_of_a_hashtag_raises_conflict(key, facebook, monkeypatch):
    actor = actors.api_key_actor(key)
    drafts.create(actor, organization=key.organization, changes={"channels": text(facebook, INLINE)})
    # The look-up that makes the friendly message sees nothing, as it would a moment before the other commits.
    monkeypatch.setattr(drafts, "hashtag_taken", lambda *_: False)
    with pytest.raises(Conflict, match="Hashtag already in use"):
        drafts.create(actor, organization=key.organization, changes={"channels": text(facebook, INLINE)})
    assert ScheduledPost.objects.count() == 1


def test_edit_increments_the_version_and_records_the_editor(make_draft, reviewer):
    post = make_draft()
    drafts.edit(actors.user_actor(reviewer), post, changes={"media": "https://example.com/b.jpg"})
    now = ScheduledPost.objects.get(pk=post.pk)
    assert (now.version, now.last_edited_by_user, now.last_edited_by_key) == (2, reviewer, None)


def test_concurrent_edits_are_both_stored(make_draft, key):
    post = make_draft()
    old = ScheduledPost.objects.get(pk=post.pk)
    drafts.edit(actors.api_key_actor(key), post, changes={"media": "https://example.com/1.jpg"})
    drafts.edit(actors.api_key_actor(key), old, changes={"type": "REEL"})
    now = ScheduledPost.objects.get(pk=post.pk)
    assert (now.media, now.type, now.version) == ("https://example.com/1.jpg", "REEL", 3)


def test_edit_of_the_media_clears_its_inspection(make_waiting, key, sandbox):
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(media_sha256="a" * 64, media_checked_at=clock.now())
    post = ScheduledPost.objects.get(pk=post.pk)
    drafts.edit(actors.api_key_actor(key), post, changes={"media": sandbox.media("other.jpg")})
    now = ScheduledPost.objects.get(pk=post.pk)
    assert (now.media_sha256, now.media_checked_at) == ("", None)


@pytest.mark.parametrize("field", ["type", "media", "media_type", "scheduled_for", "channels"])
def test_a_scheduled_post_cannot_be_edited(make_scheduled, key, field):
    post = make_scheduled()
    before = content.current_content(post)[1]
    changes = {
        "type": "REEL", "media": "https://example.com/b.jpg", "media_type": "VIDEO",
        "scheduled_for": clock.now() + timedelta(days=9), "channels": {},
    }  # fmt: skip
    with pytest.raises(StateConflict, match="Cannot update a SCHEDULED post"):
        drafts.edit(actors.api_key_actor(key), post, changes={field: changes[field]})
    assert content.current_content(ScheduledPost.objects.get(pk=post.pk))[1] == before


def test_delete_of_a_scheduled_post_keeps_its_audit_events(make_scheduled, key):
    post = make_scheduled()
    drafts.delete(actors.api_key_actor(key), post)
    assert (ScheduledPost.objects.count(), Approval.objects.count(), Delivery.objects.count()) == (0, 0, 0)
    verbs = AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["create", "submit", "inspect", "approve", "delete"]


def test_delete_of_a_claimed_post_raises_state_conflict(make_scheduled, key):
    post = make_scheduled()
    stale = ScheduledPost.objects.get(pk=post.pk)
    post.apply_transition("claim", task_id=None)
    with pytest.raises(StateConflict, match="Cannot delete a PUBLISHING post"):
        drafts.delete(actors.api_key_actor(key), stale)
    assert ScheduledPost.objects.filter(pk=post.pk).exists()
