"""Which scheduled posts a key reaches: those that touch no channel beyond its own, drafts without any among them."""

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef

from accounts.models import ApiKey
from scheduling.models import Delivery
from scheduling.models.post import ScheduledPostQuerySet


def within(rows: ScheduledPostQuerySet, key: ApiKey | None) -> ScheduledPostQuerySet:
    """Return those of the posts that the key reaches; all of them when no key acts.

    A post on two channels, of which the key has one, is out of its reach as a whole: what it shows, submits or takes
    back would be the other channel's as well.
    """
    return rows if key is None else within_channels(rows, key.channels)


def within_channels(rows: ScheduledPostQuerySet, only: Collection[Any] | None) -> ScheduledPostQuerySet:
    """Return those of the posts that touch none but these channels, by their ids; all of them for None."""
    if only is None:
        return rows
    beyond = Delivery.objects.filter(post=OuterRef("pk")).exclude(channel__wire_id__in=only)
    return rows.exclude(Exists(beyond))
