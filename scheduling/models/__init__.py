"""What is to go live: posts with their approvals and attempts; what people are told; what reviewers keep."""

from scheduling.models.channel_check import Checkup
from scheduling.models.notification import Dispatch, DispatchState, Means, Notice, NoticeKind, Webhook
from scheduling.models.post import (
    Approval,
    Attempt,
    Delivery,
    DeliveryState,
    MediaType,
    Outcome,
    Pulse,
    ScheduledPost,
    ScheduledPostQuerySet,
)
from scheduling.models.saved_view import SavedView

__all__ = [
    "Approval",
    "Attempt",
    "Checkup",
    "Delivery",
    "DeliveryState",
    "Dispatch",
    "DispatchState",
    "Means",
    "MediaType",
    "Notice",
    "NoticeKind",
    "Outcome",
    "Pulse",
    "SavedView",
    "ScheduledPost",
    "ScheduledPostQuerySet",
    "Webhook",
]
