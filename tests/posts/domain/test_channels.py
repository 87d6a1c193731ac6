"""Connecting channels, and what stops or resumes them."""

from typing import Any

import pytest

from accounts.domain import actors
from accounts.exceptions import Conflict, Invalid
from accounts.models import AuditEvent, Organization, User
from posts.domain import channels
from posts.models import Channel, ChannelState

GIVEN = {"type": "FB_PAGE", "platform_id": "42", "name": "Casa do Sol", "token": "EAAB-token"}


def steps() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", "state_from", "state_to"))


def test_connect_encrypts_the_token(organization: Organization, author: User) -> None:
    channel = channels.connect(actors.user_actor(author), organization=organization, **GIVEN)
    row = Channel.objects.get()
    assert (row.pk, row.public_id, row.state, row.token) == (channel.pk, "FB_PAGE_42", "CONNECTED", "EAAB-token")
    assert "EAAB-token" not in row.token_encrypted
    assert steps() == [("channel.connect", "", "CONNECTED")]
    assert "EAAB-token" not in str(AuditEvent.objects.get().details)


def test_connect_again_replaces_token_name_and_state(organization: Organization, author: User) -> None:
    actor = actors.user_actor(author)
    channel = channels.connect(actor, organization=organization, **GIVEN)
    channels.mark_needs_reconnect(actors.WORKER, channel, reason="190/463")
    channels.connect(actor, organization=organization, **{**GIVEN, "name": " Casa ", "token": "new"})
    row = Channel.objects.get()
    assert (row.pk, row.name, row.token, row.state, row.state_reason) == (channel.pk, "Casa", "new", "CONNECTED", "")
    assert steps()[-1] == ("channel.connect", "NEEDS_RECONNECT", "CONNECTED")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "TIKTOK"}, {"platform_id": ""}, {"platform_id": "12a"}, {"platform_id": "١٢٣"},
        {"platform_id": "1" * 33}, {"name": "  "}, {"name": "x" * 201}, {"token": ""}, {"token": "two words"},
        {"token": "line\nbreak"}, {"token": "tökèn"},
    ],
)  # fmt: skip
def test_connect_invalid_values_are_refused(organization: Organization, author: User, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        channels.connect(actors.user_actor(author), organization=organization, **{**GIVEN, **change})
    assert Channel.objects.count() == 0
    assert "token" not in change or not change["token"] or change["token"] not in str(refusal.value)


def test_connect_one_page_to_two_organizations(
    organization: Organization, other_organization: Organization, author: User
) -> None:
    for item in (organization, other_organization):
        channels.connect(actors.user_actor(author), organization=item, **GIVEN)
    assert Channel.objects.filter(public_id="FB_PAGE_42").count() == 2


def test_resume_blocked_channel_is_connected(facebook: Channel, author: User) -> None:
    channels.block(actors.WORKER, facebook, reason="368")
    assert (facebook.state, facebook.state_reason) == (ChannelState.BLOCKED, "368")
    channels.resume(actors.user_actor(author), facebook)
    facebook.refresh_from_db()
    assert (facebook.state, facebook.state_reason) == (ChannelState.CONNECTED, "")
    assert steps() == [("channel.block", "CONNECTED", "BLOCKED"), ("channel.resume", "BLOCKED", "CONNECTED")]


def test_resume_other_state_is_a_conflict(facebook: Channel, author: User) -> None:
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="190")
    with pytest.raises(Conflict, match="is not blocked"):
        channels.resume(actors.user_actor(author), facebook)
    facebook.refresh_from_db()
    assert facebook.state == ChannelState.NEEDS_RECONNECT


def test_disconnected_channel_is_not_changed_by_workers(facebook: Channel, author: User) -> None:
    channels.disconnect(actors.user_actor(author), facebook)
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="190")
    channels.block(actors.WORKER, facebook, reason="368")
    channels.disconnect(actors.user_actor(author), facebook)
    facebook.refresh_from_db()
    assert facebook.state == ChannelState.DISCONNECTED
    assert steps() == [("channel.disconnect", "CONNECTED", "DISCONNECTED")]


def test_long_reason_is_truncated(facebook: Channel) -> None:
    channels.mark_needs_reconnect(actors.WORKER, facebook, reason="x" * 1000)
    facebook.refresh_from_db()
    assert facebook.state_reason == "x" * 300
