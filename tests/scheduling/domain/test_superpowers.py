"""A superpower is approved, published, imported and read back with its post."""

from datetime import timedelta

import pytest

from posts.domain import sync
from posts.models import Channel, PublishedPost
from scheduling.domain.drafts import ChannelText
from tests.helpers import SignedClient
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def test_superpower_of_a_scheduled_post_is_on_the_published_post(
    make_enqueued, travel, facebook: Channel, api: SignedClient
) -> None:
    power = {
        "name": "Greeter",
        "hashtag": "hello",
        "templateType": "GENERAL",
        "expirationDate": 1_893_456_000_000,
        "ours": {"kept": True},
    }
    post = make_enqueued(channels={facebook.public_id: ChannelText("FB_PAGE", "Olá #hello", power)})
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_) == "PUBLISHED"
    clock_.shift(timedelta(minutes=1))
    sync.sync(facebook, full=True)
    [shown] = api.get("/posts").json()
    assert power.items() <= shown["superpower"].items()
    assert shown["metrics"]["likes"] == 0  # the platform's own word: it was read since
    assert PublishedPost.objects.get().scheduled_post_id == post.pk
