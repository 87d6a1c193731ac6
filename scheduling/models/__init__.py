from scheduling.models.channel_check import ChannelCheck
from scheduling.models.notification import (
    DispatchState,
    NoticeKind,
    Notification,
    NotificationDelivery,
    NotificationMedium,
    Webhook,
)
from scheduling.models.post import (
    Approval,
    Attempt,
    Delivery,
    DeliveryState,
    MediaType,
    Outcome,
    ScheduledPost,
    ScheduledPostQuerySet,
    WorkerHeartbeat,
)
from scheduling.models.saved_view import SavedView

__all__ = [
    "Approval",
    "Attempt",
    "ChannelCheck",
    "Delivery",
    "DeliveryState",
    "DispatchState",
    "MediaType",
    "NoticeKind",
    "Notification",
    "NotificationDelivery",
    "NotificationMedium",
    "Outcome",
    "SavedView",
    "ScheduledPost",
    "ScheduledPostQuerySet",
    "Webhook",
    "WorkerHeartbeat",
]
