"""The record, the journal behind it, the page that shows it, and the command that runs it all."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import requests
from PIL import Image

from accounts import clock
from dynamo.sandbox.server import Sandbox
from tests.dynamo.sandbox.calls import Caller
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

ROOT = Path(__file__).resolve().parents[3]


def test_record_has_time_and_call_of_each_post(sandbox: SandboxControl) -> None:
    instagram = Caller(sandbox, INSTAGRAM)
    container = instagram.container(caption="Olá")
    before = clock.now()
    answer = instagram.send(
        "POST", f"{instagram.id}/media_publish", data={"creation_id": container}, headers={"X-Request-Id": "attempt-1"}
    )
    after = clock.now()
    data = requests.get(sandbox.media("terrace.jpg"), timeout=10).content
    (entry,) = sandbox.posts
    moment = datetime.fromisoformat(entry["published_at"])
    assert before.replace(microsecond=0) <= moment <= after
    assert len(entry["published_at"]) == len("2026-07-01T13:00:00.123Z")
    assert (entry["account"], entry["id"], entry["kind"], entry["message"], entry["calls"]) == (
        instagram.id, answer.json()["id"], "image", "Olá", 1,
    )  # fmt: skip
    assert (entry["media"], entry["media_sha256"]) == (sandbox.media("terrace.jpg"), hashlib.sha256(data).hexdigest())
    assert entry["created_by"]["request_id"] == answer.headers["x-fb-request-id"]
    assert entry["created_by"]["client_request_id"] == "attempt-1"
    assert entry["created_by"]["route"] == f"POST /{instagram.id}/media_publish"


def test_the_record_can_be_read_from_where_one_stopped(sandbox: SandboxControl) -> None:
    page = Caller(sandbox, FACEBOOK)
    for number in range(3):
        page.edge("feed", message=str(number))
    rest = sandbox.call("GET", "/__record?skip=2")["posts"]
    assert [entry["message"] for entry in rest] == ["2"]


def test_record_survives_a_restart(tmp_path: Path) -> None:
    first = Sandbox(folder=tmp_path)
    control = SandboxControl(first.url)
    control.register(FACEBOOK)
    control.register(INSTAGRAM)
    page = Caller(control, FACEBOOK)
    page.photo_post("kept")
    staged = page.staged_photo("b.jpg")
    container = Caller(control, INSTAGRAM).container()
    before = control.posts
    first.close()
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write('{"table": "Post", "row": {"id": "cut o')

    second = Sandbox(folder=tmp_path)
    control = SandboxControl(second.url)
    after = control.posts
    moving = {"permalink", "media"}
    assert [{k: v for k, v in item.items() if k not in moving} for item in after] == [
        {k: v for k, v in item.items() if k not in moving} for item in before
    ]
    assert requests.get(after[0]["media"], timeout=10).status_code == 200
    assert Caller(control, FACEBOOK).get(staged)["id"] == staged
    assert "id" in Caller(control, INSTAGRAM).publish(container)
    assert len(control.posts) == 2
    second.close()

    third = Sandbox(folder=tmp_path)
    assert len(SandboxControl(third.url).posts) == 2
    SandboxControl(third.url).call("POST", "/__reset")
    third.close()
    fourth = Sandbox(folder=tmp_path)
    assert SandboxControl(fourth.url).posts == []
    fourth.close()


def test_close_ends_delayed_calls_without_effect() -> None:
    sandbox = Sandbox()
    control = SandboxControl(sandbox.url)
    control.register(FACEBOOK)
    page = Caller(control, FACEBOOK)
    page.edge("feed", message="first")
    control.fault("POST", "delay", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        page.session.post(f"{control.url}/{page.id}/feed", data={"message": "late"}, timeout=0.1)
    began = time.monotonic()
    sandbox.close()
    assert time.monotonic() - began < 2
    with pytest.raises(requests.ConnectionError):
        page.get(page.id)
    assert [post.message for post in sandbox.context.state.live(time.time())] == ["first"]


def test_pictures_are_the_same_for_the_same_name_and_other_for_another_version(sandbox: SandboxControl) -> None:
    def fetch(name: str, version: int | None = None) -> bytes:
        return requests.get(sandbox.media(name, version), timeout=10).content

    first = fetch("pool.jpg")
    with Image.open(io.BytesIO(first)) as image:
        assert (image.format, image.size) == ("JPEG", (1080, 1080))
    with Image.open(io.BytesIO(fetch("pool.png"))) as image:
        assert (image.format, image.size) == ("PNG", (1080, 1080))
    assert fetch("pool.jpg") == first
    assert len({first, fetch("pool.jpg", 2), fetch("garden.jpg")}) == 3
    sandbox.settings(media_versions={"pool.jpg": 2})
    assert fetch("pool.jpg") == fetch("pool.jpg", 2) != first
    assert fetch("a.mp4")[4:8] == b"ftyp"
    assert fetch("a.mp4") != fetch("b.mp4")


def test_ui_shows_posts_newest_first_and_escaped(sandbox: SandboxControl) -> None:
    page, instagram = Caller(sandbox, FACEBOOK), Caller(sandbox, INSTAGRAM)
    assert "Nothing is published yet" in requests.get(sandbox.url, timeout=10).text
    _, older = page.photo_post("<script>alert(1)</script> & co")
    newer = instagram.publish(instagram.container(caption="Olá"))["id"]
    page.staged_photo("never-shown.jpg")
    shown = requests.get(sandbox.url, timeout=10)
    assert 0 < shown.text.index(f'id="{newer}"') < shown.text.index(f'id="{older}"')
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in shown.text
    assert "<script>alert" not in shown.text
    assert "<style" not in shown.text
    assert "style=" not in shown.text
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    permalink = page.get(older, fields="permalink_url")["permalink_url"]
    assert f'id="{older}"' in requests.get(permalink, timeout=10).text
    for file, kind in (("page.css", "text/css"), ("page.js", "text/javascript")):
        assert requests.get(f"{sandbox.url}/{file}", timeout=10).headers["Content-Type"].startswith(kind)


def test_the_page_survives_a_caption_that_no_encoding_can_carry(sandbox: SandboxControl) -> None:
    page = Caller(sandbox, FACEBOOK)
    page.send("POST", f"{page.id}/feed", data='{"message":"\\ud800"}', headers={"Content-Type": "application/json"})
    assert requests.get(sandbox.url, timeout=10).status_code == 200


def test_the_command_listens_on_loopback_and_ends_on_sigterm(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    arguments = ["manage.py", "sandbox", "--folder", str(tmp_path / "kept"), "--port-file", str(port_file)]
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | {"DYNAMO_VAR": str(tmp_path)}, stdout=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 240
        while not port_file.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text()}"
        assert requests.get(f"{url}/__record", timeout=10).json() == {"posts": []}
        assert (tmp_path / "kept" / "journal.jsonl").stat().st_mode & 0o777 == 0o600
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert (process.returncode, output.decode()) == (0, f"Sandbox of the Graph API: {url}\n")
