from django.apps import AppConfig


class DynamoConfig(AppConfig):
    name = "dynamo"

    def ready(self) -> None:
        from dynamo import checks  # noqa: F401  registers the deploy checks
