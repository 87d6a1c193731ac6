"""The path of a new user from end to end: `python -m tests.smoke`.

Starts `make demo` on free ports in a new folder, runs the README's five calls, sends a signed draft, approves it with
the forms of the admin for some seconds ahead, waits until the sandbox shows it, finds it in GET /v1/posts, starts the
demo a second time, and ends it with Ctrl-C each time. No process may be left, and no file may hold a secret in clear.
"""

import hashlib
import hmac
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import psutil

from accounts import clock
from dynamo.demo.supervisor import port_is_free
from tests.services.browser import Browser
from tests.test_readme import ROOT, calls

START_WITHIN, STOP_WITHIN, SHOWN_WITHIN = 300.0, 120.0, 180.0  # seconds
AHEAD = 8.0
# Of var/demo.json, which scripts read.
FIELDS = {"admin", "administrator", "api", "author", "channels", "key", "media", "reviewer", "sandbox"}


def wait_for(question: Callable[[], Any], within: float, what: str) -> Any:
    """Call `question` until its result is truthy, and return that."""
    until = time.monotonic() + within
    while not (answer := question()):
        if time.monotonic() > until:
            raise SystemExit(f"smoke: not within {within:.0f} s: {what}")
        time.sleep(0.05)
    return answer


def two_free_ports() -> int:
    """Return a port that is free together with the next one, below the range of ephemeral ports."""
    return next(
        port for port in random.sample(range(20_000, 30_000), 100) if port_is_free(port) and port_is_free(port + 1)
    )


def read(url: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    """Return the JSON that a GET, or with a body a POST, answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**(headers or {}), "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def signature(key: dict[str, str]) -> dict[str, str]:
    date = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    signed = hmac.new(key["secret"].encode(), date.encode(), hashlib.sha256).hexdigest()
    return {"x-api-key": key["id"], "x-date": date, "x-signature": signed}


def demo_processes(folder: Path) -> Iterator[str]:
    """Yield the number and the command of every other process with the demo's folder in its environment."""
    for process in psutil.process_iter():
        try:
            of_demo = process.environ().get("DYNAMO_VAR") == str(folder) and process.status() != psutil.STATUS_ZOMBIE
            if of_demo and process.pid != os.getpid():
                yield f"{process.pid} {' '.join(process.cmdline())}"
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


@contextmanager
def demo(folder: Path, port: int) -> Iterator[dict[str, Any]]:
    """Run `make demo` and yield the content of demo.json; end it with Ctrl-C and check that no process is left."""
    environment = {**os.environ, "DYNAMO_VAR": str(folder), "PORT": str(port)}
    began = time.monotonic()
    process = subprocess.Popen(["make", "demo"], cwd=ROOT, env=environment, process_group=0)
    file = folder / "demo.json"
    try:
        wait_for(lambda: file.exists() or process.poll() is not None, START_WITHIN, "var/demo.json")
        assert process.poll() is None, "the demo ended before it was ready"
        print(f"smoke: ready after {time.monotonic() - began:.1f} s")
        assert file.stat().st_mode & 0o777 == 0o600
        yield json.loads(file.read_text())
    except BaseException:
        for log in sorted(folder.glob("log/*.log")):
            print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-60:], sep="\n")
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(STOP_WITHIN)
        wait_for(lambda: not list(demo_processes(folder)), 30, f"no process left of {list(demo_processes(folder))}")
    print("smoke: stopped, no process left")


def paste_the_readme(folder: Path) -> None:
    """Run the README's five calls in a shell, unchanged, and check their output."""
    prepare, five = calls()
    script = "\n".join([prepare, *(f"{call}\necho; echo ----" for call in five)])
    output = run(["bash", "-euc", script], folder)
    channels, draft, changed, waiting, posts = [part.strip() for part in output.split("----")[:5]]
    assert {channel["type"] for channel in json.loads(channels)} == {"FB_PAGE", "INSTAGRAM_ACCOUNT"}, channels
    assert json.loads(changed)["id"] == draft, output
    assert json.loads(changed)["scheduledFor"] == "2031-07-01T08:30:00.000Z", changed
    assert json.loads(waiting)["status"] == "WAITING_FOR_APPROVAL", waiting
    assert len(json.loads(posts)) >= 3, posts
    print("smoke: the README's five calls work as pasted")


def publish_post(state: dict[str, Any]) -> str:
    """Take a post from a signed draft to both channels, and return its id."""
    caption = f"Smoke {clock.now():%H:%M:%S.%f}"
    kinds = {channel: channel.rpartition("_")[0] for channel in state["channels"]}
    draft = {
        "status": "WAITING_FOR_APPROVAL",
        "media": state["media"],
        "mediaType": "IMAGE",
        "scheduledFor": (clock.now() + timedelta(hours=1)).isoformat(),
        "channels": {channel: {"mediumType": kind, "caption": caption} for channel, kind in kinds.items()},
    }
    post = read(f"{state['api']}/scheduled-posts", signature(state["key"]), draft)["id"]
    browser = Browser()
    browser.sign_in(state["admin"], **state["reviewer"])
    page = f"{state['admin']}scheduling/scheduledpost/{post}/review/"
    browser.open_inspected(page, SHOWN_WITHIN)
    instant = (clock.now() + timedelta(seconds=AHEAD)).replace(microsecond=0)
    browser.approve(page, {"when": f"{instant:%Y-%m-%dT%H:%M:%S}"}, within=SHOWN_WITHIN)

    def shown() -> list[dict[str, Any]]:
        record = read(f"{state['sandbox']}/__record")["posts"]
        return [entry for entry in record if entry["message"] == caption]

    live = wait_for(lambda: len(shown()) == len(kinds) and shown(), SHOWN_WITHIN, f"{caption} on both channels")
    late = [(datetime.fromisoformat(entry["published_at"]) - instant).total_seconds() for entry in live]
    print(
        "smoke: live",
        ", ".join(f"{entry['account']} {seconds:+.3f} s" for entry, seconds in zip(live, late, strict=True)),
    )
    assert min(late) >= 0, late

    def listed() -> list[dict[str, Any]]:
        rows = read(f"{state['api']}/posts?limit=20", signature(state["key"]))
        return [row for row in rows if row["caption"] == caption and row["permalink"]]

    rows = wait_for(lambda: len(listed()) == len(kinds) and listed(), SHOWN_WITHIN, "GET /v1/posts")
    assert {row["mediumId"] for row in rows} == set(state["channels"])
    print("smoke: GET /v1/posts", json.dumps(rows[0], ensure_ascii=False))
    document = read(f"{state['api']}/scheduled-posts/{post}", signature(state["key"]))
    assert document["status"] == "PUBLISHED", document
    return str(post)


# Runs in the demo's environment: creates a webhook, so that the worker signs deliveries with its secret.
HOOK = """
from accounts.domain import actors
from accounts.models import Organization, User
from scheduling.domain.notifications import webhooks
kinds, organization = [str(kind) for kind in webhooks.WANTED], Organization.objects.get()
author = actors.user_actor(User.objects.get(username="author"))
hook, _ = webhooks.add(author, organization=organization, url="{address}", kinds=kinds)
webhooks.send_test(author, hook)
"""


def use_secrets(folder: Path, state: dict[str, Any]) -> dict[str, str]:
    """Use every kind of secret, also wrong ones, and return those that no file stores in clear."""
    hook = HOOK.format(address=f"{state['sandbox']}/hook")
    run([sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", hook], folder)
    mistyped, browser = token_urlsafe(12), Browser()
    with suppress(LookupError):
        browser.sign_in(state["admin"], state["author"]["username"], mistyped)
    browser.sign_in(state["admin"], **state["author"])
    browser.open(f"{state['admin']}account/mfa/")
    page = browser.send(next(form for form in browser.forms() if "mfa" in (form.action or browser.url)), {})
    assert "data:image/svg+xml" in page, "no second factor was begun"
    browser.send(next(form for form in browser.forms() if "code" in form.fields), {"code": "000000"})
    with suppress(urllib.error.HTTPError):
        read(f"{state['api']}/channels", {**signature(state["key"]), "x-signature": mistyped})
    typed = {f"the {who}'s password": state[who]["password"] for who in ("author", "reviewer", "administrator")}
    return {**typed, "a mistyped password": mistyped, "the key's secret": state["key"]["secret"]}


def run(words: list[str], folder: Path, given: str = "") -> str:
    """Run a command in the demo's environment and return its output. Raises SystemExit when it fails."""
    environment = {**os.environ, "DYNAMO_VAR": str(folder)}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise SystemExit(f"smoke: {words[1:3]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_for_leaks(folder: Path, typed: dict[str, str]) -> None:
    """Search all files of the run for its secrets."""
    output = run([sys.executable, "-m", "tests.security.secret_scan", str(folder)], folder, json.dumps(typed))
    print(f"smoke: no leak: {output.strip()}")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="dynamo-smoke-") as name:
        folder, port = Path(name).resolve(), two_free_ports()
        os.environ |= {"GRAPH_APP_SECRET": token_urlsafe(24), "GRAPH_BASE_URL": f"http://127.0.0.1:{port + 1}"}
        with demo(folder, port) as first:
            assert first.keys() == FIELDS, first.keys()
            paste_the_readme(folder)
            post = publish_post(first)
        with demo(folder, port) as second:
            assert second == first, "the second start has other data"
            kept = read(f"{second['api']}/scheduled-posts/{post}", signature(second["key"]))
            assert kept["status"] == "PUBLISHED", kept
            typed = use_secrets(folder, second)
            publish_post(second)
            check_for_leaks(folder, typed)  # while messages are under way
        check_for_leaks(folder, typed)
    print("smoke: the main job works from end to end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
