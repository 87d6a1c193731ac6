"""Channels: whether they can be published to at all."""

from collections.abc import Iterator

from posts.models import ChannelState
from scheduling.domain.checking.check import Check
from scheduling.models import Delivery

CLOSED = {
    ChannelState.NEEDS_RECONNECT: "needs reconnecting: its access token is no longer taken",
    ChannelState.BLOCKED: "is blocked by the platform",
    ChannelState.DISCONNECTED: "is disconnected",
}


def look(delivery: Delivery) -> Iterator[Check]:
    """Yield what stands in the channel's way."""
    channel = delivery.channel
    if channel.state == ChannelState.CONNECTED:
        yield Check("channel", "ok", f"{channel.name} is connected.", channel.wire_id)
        return
    why = f" {channel.state_reason}" if channel.state_reason else ""
    said = f"{channel.name} {CLOSED[ChannelState(channel.state)]}. Nothing goes out there until that is mended.{why}"
    yield Check("channel", "stop", said, channel.wire_id)
