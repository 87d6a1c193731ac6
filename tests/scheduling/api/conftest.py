"""Scheduled posts over the API need no platform: nothing here is fetched."""

import pytest


@pytest.fixture
def media() -> str:
    return "https://media.example.com/sunset.jpg"


@pytest.fixture
def anything_stored(db: None) -> "Stored":
    return Stored()


class Stored:
    """The rows of scheduled posts and of the audit log, for comparison."""

    def __call__(self) -> list[list[tuple[object, ...]]]:
        from accounts.models import AuditEvent
        from scheduling.models import Delivery, ScheduledPost

        return [list(model.objects.order_by("pk").values_list()) for model in (ScheduledPost, Delivery, AuditEvent)]
