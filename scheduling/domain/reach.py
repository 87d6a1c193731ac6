"""Which scheduled posts a key reaches: those that touch no channel beyond its own, drafts without any among them."""

from django.db.models import Exists, OuterRef

from accounts.models import ApiKey
from scheduling.models import Delivery
from scheduling.models.post import ScheduledPostQuerySet


def visible_to_key(rows: ScheduledPostQuerySet, key: ApiKey | None) -> ScheduledPostQuerySet:
    """Return those of the posts that the key reaches; all of them when no key acts.

    A post on two channels, of which the key has one, is out of its reach as a whole: what it shows, submits or takes
    back would be the other channel's as well.
    """
    if key is None or key.channels is None:
        return rows
    beyond = Delivery.objects.filter(post=OuterRef("pk")).exclude(channel__public_id__in=key.channels)
    return rows.exclude(Exists(beyond))
