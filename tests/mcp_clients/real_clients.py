"""`make check-mcp`: the official MCP client runs the whole loop, in three protocols, and over `dynamo mcp`.

MCP_PYTHON and MCP_2025_PYTHON are the interpreters of the clients' environments. A person rejects and approves here.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from accounts import clock
from accounts.models import ApiKey, AuditEvent, Organization, User
from dynamo_client import cli
from posts.models import Channel
from scheduling.domain import event_feed, review
from scheduling.domain.content import current_content
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.publishing import run
from scheduling.models import ScheduledPost
from tests.helpers import approve, as_reviewer, stamp
from tests.services.sandbox import SandboxControl
from tests.services.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = Path(__file__).with_name("calls.py")
TIMEOUT = 120  # seconds
# By the protocol that must be negotiated: the environment, and how its client connects.
CLIENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "2026-07-28": ("MCP_PYTHON", {"client": "mcp 2", "mode": "auto"}),
    "2025-11-25": ("MCP_PYTHON", {"client": "mcp 2", "mode": "legacy"}),
    "2025-06-18": ("MCP_2025_PYTHON", {"client": "mcp 1"}),
    "2026-07-28 bridge": ("MCP_PYTHON", {"client": "mcp 2", "mode": "auto", "bridge": True}),
    "2025-11-25 bridge": ("MCP_PYTHON", {"client": "mcp 2", "mode": "legacy", "bridge": True}),
}


@pytest.fixture
def key(make_key: Callable[..., ApiKey], organization: Organization, author: User) -> ApiKey:
    return make_key(organization, author, allow_bearer=True)


class People:
    """What people, the platform's users and a worker do when the client asks for it."""

    def __init__(self, reviewer: User, organization: Organization, sandbox: SandboxControl) -> None:
        self.reviewer, self.organization, self.sandbox = reviewer, organization, sandbox

    def reject(self, post: str, notes: str) -> None:
        found = ScheduledPost.objects.get(pk=post)
        digest = current_content(found)[1]
        seat = as_reviewer(self.reviewer, self.organization)
        review.reject(seat, found, notes=notes, digest=digest, revision=found.revision)
        event_feed.number()

    def approve(self, post: str) -> None:
        found = ScheduledPost.objects.get(pk=post)
        inspect_media(post, found.version)
        approve(as_reviewer(self.reviewer, self.organization), found, now=True)

    def publish(self, post: str) -> None:
        assert run.publish(post, str(ScheduledPost.objects.get(pk=post).task_id))

    def comment(self, post: str) -> None:
        self.sandbox.call("POST", "/__comments", {"post": post, "items": [{"text": "Is there shade?"}]})


@pytest.mark.parametrize("name", CLIENTS)
def test_official_client_runs_the_whole_loop(
    name: str, key: Any, facebook: Channel, instagram: Channel, media: str, sandbox: SandboxControl, reviewer: User,
    organization: Organization, public_server: WebServer,
) -> None:  # fmt: skip
    environment, config = CLIENTS[name]
    bridge = {
        "command": sys.executable,
        "args": ["-m", "dynamo_client.cli", "mcp"],
        "env": {
            "PYTHONPATH": str(Path(cli.__file__).parents[1]), "DYNAMO_API_URL": public_server.url,
            "DYNAMO_API_KEY": key.pk, "DYNAMO_API_SECRET": key.secret,
        },
    }  # fmt: skip
    picture = BytesIO()
    Image.new("RGB", (1080, 1080), "teal").save(picture, "JPEG")
    config = {
        **config,
        **({"bridge": bridge} if "bridge" in config else {}),
        "url": f"{public_server.url}/mcp",
        "headers": {"Authorization": f"Bearer {key.pk}.{key.secret}"},
        "media": media,
        "base64": base64.b64encode(picture.getvalue()).decode(),
        "when": stamp(clock.now() + timedelta(hours=1)),
        "name": f"loop {name}".replace(" ", "-"),
    }
    people = People(reviewer, organization, sandbox)
    with subprocess.Popen(
        [os.environ[environment], str(CALLS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_PROXY": "127.0.0.1"},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(config)}\n")
        process.stdin.flush()
        result: dict[str, Any] = {}
        for line in process.stdout:
            result = json.loads(line)
            if "ask" in result:
                getattr(people, result.pop("ask"))(**result)
                process.stdin.write("true\n")
                process.stdin.flush()
        assert process.wait(TIMEOUT) == 0
    print(f"{name}: {result['calls']} calls")
    assert (result["protocol"], result["calls"] > 25) == (name.partition(" ")[0], True)
    events = AuditEvent.objects.filter(actor_kind="KEY")
    assert {event.details.get("tool") for event in events} == {
        "create_draft", "update_draft", "submit_for_approval", "withdraw", "delete_draft",
    }  # fmt: skip
