"""The client package against the real server, over HTTP on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import ApiKey
from dynamo_client import Client, RetryPolicy, SignatureAuth
from tests.client.proxy import Proxy, proxy_to
from tests.posts.conftest import media_post, on_sandbox, page_post
from tests.services.web_server import WebServer

__all__ = ["media_post", "on_sandbox", "page_post"]


@pytest.fixture
def agent(transactional_db: None, key: ApiKey, public_server: WebServer) -> Iterator[Client]:
    """A client with a key of the organization."""
    with Client(public_server.url, SignatureAuth(key.pk, key.secret)) as client:  # type: ignore[attr-defined]
        yield client


@pytest.fixture
def proxy(public_server: WebServer) -> Iterator[Proxy]:
    with proxy_to(public_server.url) as proxy:
        yield proxy


@pytest.fixture
def agent_behind_proxy(transactional_db: None, key: ApiKey, proxy: Proxy) -> Iterator[Client]:
    """A client whose requests pass the proxy, and which waits briefly between attempts."""
    auth = SignatureAuth(key.pk, key.secret)  # type: ignore[attr-defined]
    with Client(proxy.url, auth, retries=RetryPolicy(first_delay=0.01, max_wait=2)) as client:
        yield client


@pytest.fixture
def logged_in(
    transactional_db: None, key: ApiKey, public_server: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    """A shell with the key in its environment, and a folder of its own for settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("DYNAMO_API_URL", public_server.url)
    monkeypatch.setenv("DYNAMO_API_KEY", key.pk)
    monkeypatch.setenv("DYNAMO_API_SECRET", key.secret)  # type: ignore[attr-defined]
    return tmp_path
