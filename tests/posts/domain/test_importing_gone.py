"""Detection of deleted posts."""

from datetime import timedelta
from typing import Any

import pytest

from posts.domain import sync
from posts.models import Channel, PublishedPost
from tests.posts.domain.importing import make, row
from tests.posts.domain.test_importing_position import delete
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db


@pytest.fixture
def deleted(sandbox: SandboxControl, facebook: Channel, hours: Any) -> str:
    """A post that was read, and has been deleted on the platform since."""
    names = make(
        sandbox, facebook, *({"message": str(item), "published_at": 1_780_000_000 + item} for item in range(3))
    )
    sync.sync(facebook)
    delete(sandbox, names[1])
    hours.shift(timedelta(hours=1))
    return names[1]


def known(facebook: Channel) -> int:
    return facebook.published_posts.filter(deleted_at=None).count()


def test_deleted_post_is_hidden_after_two_refusals_a_day_apart(deleted: str, facebook: Channel, hours: Any) -> None:
    sync.sync(facebook, full=True)
    assert (known(facebook), row(deleted).deleted_at) == (3, None)
    assert row(deleted).missing_since is not None
    hours.shift(timedelta(hours=23))
    sync.sync(facebook, full=True)
    assert known(facebook) == 3
    hours.shift(timedelta(hours=2))
    assert sync.sync(facebook, full=True).gone == 1
    assert (known(facebook), PublishedPost.objects.count()) == (2, 3)
    assert row(deleted).deleted_at is not None


def test_refusal_of_every_post_deletes_nothing(
    sandbox: SandboxControl, facebook: Channel, deleted: str, hours: Any
) -> None:
    """The platform returns 100/33 for everything, existing posts included."""
    for _ in range(3):
        sandbox.fault("GET /[0-9]+_[0-9]+", "flicker", times=2)
        sync.sync(facebook, full=True)
        hours.shift(timedelta(hours=25))
        sandbox.heal()
    assert (known(facebook), row(deleted).missing_since) == (3, None)


def test_unlisted_post_that_can_be_read_is_kept(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    make(sandbox, facebook, {"message": "here"})
    hidden = make(sandbox, facebook, {"message": "hidden", "origin": "hidden", "likes": 6})[0]
    sync.sync(facebook)
    PublishedPost.objects.create(
        organization=facebook.organization,
        channel=facebook,
        platform_id=hidden,
        published_at=row_time(),
        imported_at=row_time(),
    )
    hours.shift(timedelta(hours=1))
    for _ in range(3):
        sync.sync(facebook, full=True)
        hours.shift(timedelta(hours=25))
    one = row(hidden)
    assert (one.missing_since, one.deleted_at, one.likes) == (None, None, 6)


def row_time() -> Any:
    return PublishedPost.objects.values_list("published_at", flat=True)[0] - timedelta(minutes=30)


def test_post_listed_again_is_restored(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    name = make(sandbox, facebook, {"message": "here"})[0]
    sync.sync(facebook)
    PublishedPost.objects.update(deleted_at=row_time(), missing_since=row_time())
    hours.shift(timedelta(minutes=6))
    sync.sync(facebook)
    assert (row(name).deleted_at, row(name).missing_since, known(facebook)) == (None, None, 1)


def test_failed_check_does_not_count_as_refusal(sandbox: SandboxControl, facebook: Channel, deleted: str) -> None:
    sandbox.fault("GET /[0-9]+_[0-9]+", "html_502", times=None)
    assert sync.sync(facebook, full=True).outcome == "failed"
    assert row(deleted).missing_since is None
