"""Published posts in the sandbox and in the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from accounts import clock
from posts.models import Channel, PublishedPost
from tests.dynamo.sandbox.calls import Caller
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

ACCOUNTS = {account.public_id: account for account in (FACEBOOK, INSTAGRAM)}


@dataclass(frozen=True)
class LivePost:
    """A post on the sandbox and its row."""

    sandbox: SandboxControl
    row: PublishedPost

    @property
    def id(self) -> str:
        return self.row.platform_id

    @property
    def channel(self) -> Channel:
        return self.row.channel

    def path(self, *rest: str, **query: Any) -> str:
        """Return the API's path of the post, with its channel named."""
        parameters = "".join(f"&{name}={value}" for name, value in query.items())
        return f"/posts/{'/'.join((self.id, *rest))}?mediumId={self.channel.public_id}{parameters}"

    def comments(self, **what: Any) -> list[str]:
        """Give it comments: `count` of them, or exact `items`; return the ids of exact ones."""
        return list(self.sandbox.call("POST", "/__comments", {"post": self.id, **what})["ids"])

    def insights(self, **what: Any) -> None:
        self.sandbox.call("POST", "/__insights", {"post": self.id, **what})


@pytest.fixture
def on_sandbox(sandbox: SandboxControl) -> Callable[..., LivePost]:
    """Publish a text or an image on a channel."""

    def publish(channel: Channel, **columns: Any) -> LivePost:
        caller = Caller(sandbox, ACCOUNTS[channel.public_id])
        if channel.type == "FB_PAGE":
            name = caller.edge("feed", message=f"Olá {PublishedPost.objects.count()}")["id"]
        else:
            name = caller.publish(caller.container())["id"]
        row = PublishedPost.objects.create(
            organization=channel.organization,
            channel=channel,
            platform_id=name,
            published_at=clock.now(),
            **columns,
        )
        return LivePost(sandbox, row)

    return publish


@pytest.fixture
def page_post(on_sandbox: Callable[..., LivePost], facebook: Channel) -> LivePost:
    return on_sandbox(facebook)


@pytest.fixture
def media_post(on_sandbox: Callable[..., LivePost], instagram: Channel) -> LivePost:
    return on_sandbox(instagram)


@pytest.fixture(params=["FB_PAGE", "INSTAGRAM_ACCOUNT"])
def live_post(
    request: pytest.FixtureRequest, on_sandbox: Callable[..., LivePost], facebook: Channel, instagram: Channel
) -> LivePost:
    """One on each platform, in turn."""
    return on_sandbox(facebook if request.param == "FB_PAGE" else instagram)
