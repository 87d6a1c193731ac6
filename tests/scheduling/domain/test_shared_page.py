"""Two organizations have connected one Page: posts of one are never attributed to the other."""

from datetime import timedelta

import pytest

from accounts import clock
from accounts.domain import actors
from posts.domain.published_posts import record_published
from posts.graph.publishers import LookupResult, LookupStatus
from scheduling.domain import drafts, link_imported, media_inspection
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import reconcile, run
from scheduling.models import Attempt, Delivery
from tests.conftest import connect
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send
from tests.services.sandbox import FACEBOOK

pytestmark = pytest.mark.django_db
LINK = "http://127.0.0.1:1/a"


@pytest.fixture
def theirs(other_organization):
    """The same Page, connected by the other organization."""
    return connect(other_organization, FACEBOOK)


@pytest.fixture
def make_theirs(theirs, other_key, other_organization, make_member, seat):
    """Make an approved post of the other organization with the Page and caption of `post`."""

    judge = seat(make_member("judge", other_organization, may_review=True), other_organization)

    def make(post):
        text = Delivery.objects.get(post=post).caption
        changes = {
            "type": "POST", "media": LINK, "media_type": None, "scheduled_for": post.scheduled_for,
            "channels": {theirs.public_id: ChannelText(theirs.type, text)},
        }  # fmt: skip
        actor = actors.api_key_actor(other_key)
        made = drafts.create(actor, organization=other_organization, changes=changes, submit=True)
        media_inspection.inspect_media(str(made.pk), made.version)
        approve(judge, made)
        return fresh(made)

    return make


@pytest.fixture
def both(make_enqueued, make_theirs, facebook, sandbox):
    """One post per organization, with the same Page, caption and time; the platform accepts duplicates."""
    sandbox.settings(duplicate_check=False)
    ours = make_enqueued(channels=[facebook], media=LINK, media_type=None)
    return ours, make_theirs(ours)


def test_post_of_one_organization_is_not_claimed_by_another(both, travel, sandbox):
    ours, theirs = both
    clock_ = travel(ours)
    assert send(ours) == "published"
    sandbox.fault("POST .*/feed", "drop_before")
    assert send(theirs) == "pending"
    assert go_on(theirs, clock_) == "PUBLISHED"
    assert len(sandbox.posts) == 2
    assert {delivery.platform_post_id for delivery in Delivery.objects.all()} == {post["id"] for post in sandbox.posts}


def test_post_claimed_during_reconcile_is_not_claimed_again(both, travel, sandbox, monkeypatch):
    ours, theirs = both
    clock_ = travel(ours)
    assert send(ours) == "published"
    found = LookupResult(LookupStatus.PUBLISHED, Delivery.objects.get(post=ours).platform_post_id)
    sandbox.fault("POST .*/feed", "drop_before")
    send(theirs)
    with monkeypatch.context() as patch:
        patch.setattr(reconcile, "_look_up_since", lambda *_: found)
        clock_.shift(timedelta(seconds=45))
        assert run.resume(str(theirs.pk)) == "pending"
    assert (go_on(theirs, clock_), len(sandbox.posts)) == ("PUBLISHED", 2)


def test_imported_post_of_one_organization_is_not_linked_to_another(both, travel, sandbox, theirs):
    ours, lost = both
    travel(ours)
    send(ours)
    platform_post_id, now = Delivery.objects.get(post=ours).platform_post_id, clock.now()
    delivery = Delivery.objects.get(post=lost)
    Delivery.objects.filter(pk=delivery.pk).update(state="PUBLISHED", published_at=now)
    Attempt.objects.create(delivery=delivery, approval=lost.approval, lease_id=lost.pk, outcome="published")
    record_published(
        channel=theirs, platform_id=platform_post_id, type="POST", caption=delivery.caption, media_url=None,
        media_type=None, permalink=None, published_at=now, superpower=None, scheduled_post_id=None,
    )  # fmt: skip
    assert (link_imported.link_imported_posts(), Delivery.objects.get(post=lost).platform_post_id) == (0, "")
