from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from accounts.domain import sessions

        user_logged_in.connect(sessions.mark_authenticated, dispatch_uid="accounts.sessions")
