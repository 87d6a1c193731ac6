from typing import Any

from django.core.management.base import BaseCommand, CommandError

from posts.domain import webhook_subscription
from posts.models import Channel, ChannelState


class Command(BaseCommand):
    help = "Subscribe all connected channels to the platform's webhooks, which a worker does daily. Prints the results."

    def handle(self, *_: Any, **__: Any) -> None:
        if not webhook_subscription.is_configured():
            raise CommandError("Set GRAPH_APP_SECRET and GRAPH_WEBHOOK_VERIFY_TOKEN first")
        for channel in Channel.objects.filter(state=ChannelState.CONNECTED).order_by("name", "pk"):
            self.stdout.write(f"{channel.name} ({channel.public_id}): {webhook_subscription.subscribe(channel.pk)}")
