"""Scheduled posts over the API need no platform: nothing here is fetched."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from accounts import clock
from posts.domain import media_store
from scheduling.models import ScheduledPost
from tests.helpers import fresh


@pytest.fixture
def media() -> str:
    return "https://media.example.com/sunset.jpg"


@pytest.fixture
def make_waiting(make_draft: Callable[..., Any], settings: Any) -> Callable[..., Any]:
    """Make a post that waits for approval, with a stored picture in place of the media that nothing fetches."""
    settings.PUBLIC_URL = "https://dynamo.example.com"

    def make(**changes: Any) -> Any:
        post = make_draft(submit=True, looked=False, **changes)
        picture = BytesIO()
        Image.new("RGB", (1080, 1080), "navy").save(picture, "JPEG")
        picture.seek(0)
        stored = media_store.store(post.organization, picture)
        facts = {name: getattr(stored, name) for name in ("size", "width", "height")}
        ScheduledPost.objects.filter(pk=post.pk).update(
            media_file=stored,
            media_sha256=stored.sha256,
            media_checked_at=clock.now(),
            media_metadata={"contentType": stored.content_type, **facts},
        )
        return fresh(post)

    return make


@pytest.fixture
def anything_stored(db: None) -> "Stored":
    return Stored()


class Stored:
    """The rows of scheduled posts and of the audit log, for comparison."""

    def __call__(self) -> list[list[tuple[object, ...]]]:
        from accounts.models import AuditEvent
        from scheduling.models import Delivery, ScheduledPost

        return [list(model.objects.order_by("pk").values_list()) for model in (ScheduledPost, Delivery, AuditEvent)]
