"""The models of the app scheduling."""

from scheduling.models.channel_check import ChannelCheck
from scheduling.models.notification import (
    DispatchState,
    Event,
    NoticeKind,
    Notification,
    NotificationDelivery,
    NotificationMedium,
    Webhook,
)
from scheduling.models.post import (
    TAKING_BACK,
    Approval,
    Attempt,
    Delivery,
    DeliveryQuerySet,
    DeliveryState,
    Discard,
    MediaItem,
    MediaItemManager,
    MediaType,
    Outcome,
    PostAuthor,
    ScheduledPost,
    ScheduledPostQuerySet,
)
from scheduling.models.publishing_state import PublishingState, WorkerHeartbeat
from scheduling.models.saved_view import SavedView

__all__ = [
    "TAKING_BACK",
    "Approval",
    "Attempt",
    "ChannelCheck",
    "Delivery",
    "DeliveryQuerySet",
    "DeliveryState",
    "Discard",
    "DispatchState",
    "Event",
    "MediaItem",
    "MediaItemManager",
    "MediaType",
    "NoticeKind",
    "Notification",
    "NotificationDelivery",
    "NotificationMedium",
    "Outcome",
    "PostAuthor",
    "PublishingState",
    "SavedView",
    "ScheduledPost",
    "ScheduledPostQuerySet",
    "Webhook",
    "WorkerHeartbeat",
]
