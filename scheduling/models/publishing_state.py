"""The state of publishing in the whole installation, and the workers that were seen."""

import uuid

from django.db import models
from django.db.models import Q


class WorkerHeartbeat(models.Model):
    """When a worker last ran the periodic sweep; in the database, so that it survives the broker."""

    worker = models.CharField(primary_key=True, max_length=200)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker


class PublishingState(models.Model):
    """One row: whether publishing is held or paused in the whole installation. See `publishing.hold`.

    `installation` names the file in the storage that holds `number` as well. `last_attempt`: the newest attempt when
    the number was raised. `stored_at`: when the storage last took a number.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    installation = models.UUIDField(default=uuid.uuid4)
    number = models.PositiveBigIntegerField(default=0)
    raised_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    last_attempt = models.PositiveBigIntegerField(default=0)
    held_at = models.DateTimeField(null=True)
    hold_reason = models.CharField(max_length=300, blank=True)
    released_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_publishing_state")]

    def __str__(self) -> str:
        return "held" if self.held_at else "paused" if self.paused_at else "open"
