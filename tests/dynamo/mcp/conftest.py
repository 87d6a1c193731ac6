from typing import Any

import pytest

from tests.dynamo.mcp.messages import McpClient
from tests.posts.conftest import media_post, on_sandbox, page_post

__all__ = ["media_post", "on_sandbox", "page_post"]


@pytest.fixture
def mcp(key: Any) -> McpClient:
    return McpClient(key)
