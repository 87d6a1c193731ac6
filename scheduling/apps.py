from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from accounts.domain.audit_log import event_recorded
        from scheduling.domain.notifications.events import create_notifications

        event_recorded.connect(create_notifications, dispatch_uid="create_notifications")
