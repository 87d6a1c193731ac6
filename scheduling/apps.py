from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from accounts.domain.audit_log import event_recorded
        from scheduling.domain import channel_checks, event_feed
        from scheduling.domain.notifications.events import create_notifications

        event_recorded.connect(event_feed.record, dispatch_uid="event_feed")
        event_recorded.connect(create_notifications, dispatch_uid="create_notifications")
        event_recorded.connect(channel_checks.check_after_connect, dispatch_uid="check_after_connect")
