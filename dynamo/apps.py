from django.apps import AppConfig


class DynamoConfig(AppConfig):
    name = "dynamo"

    def ready(self) -> None:
        from dynamo import checks, telemetry  # noqa: F401  checks registers the deploy checks

        telemetry.start()
