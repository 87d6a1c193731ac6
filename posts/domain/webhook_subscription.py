"""The subscription of channels to the platform's webhooks. Without it counts are refreshed by polling alone."""

from django.conf import settings

from accounts import clock
from posts.domain.channels import graph_account
from posts.graph import subscriptions
from posts.graph.errors import GraphError, user_message
from posts.models import Channel, ChannelState


def is_configured() -> bool:
    """Whether the platform can verify our webhook address, and we its signatures."""
    return bool(settings.GRAPH_WEBHOOK_VERIFY_TOKEN and settings.GRAPH_APP_SECRET)


def subscribe(channel_id: int) -> str:
    """Subscribe one connected channel and store the result; return it: "subscribed", or why not."""
    channel = Channel.objects.filter(pk=channel_id, state=ChannelState.CONNECTED).first()
    if channel is None:
        return "not connected"
    if not is_configured():
        return "not configured"
    try:
        subscriptions.subscribe(graph_account(channel))
    except GraphError as error:
        problem = user_message(error)[:300]
        Channel.objects.filter(pk=channel.pk).update(webhooks_at=None, webhooks_problem=problem)
        return problem
    Channel.objects.filter(pk=channel.pk).update(webhooks_at=clock.now(), webhooks_problem="")
    return "subscribed"


def subscribe_all() -> int:
    """Subscribe every connected channel; return how many are. For messages and subscriptions that were lost."""
    if not is_configured():
        return 0
    ids = Channel.objects.filter(state=ChannelState.CONNECTED).order_by("pk").values_list("pk", flat=True)
    return sum(subscribe(pk) == "subscribed" for pk in ids)
