"""The command `dynamo`, run in this process against the real server."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from accounts.models import ApiKey, Organization, User
from dynamo_client import credentials
from dynamo_client.cli import main
from posts.models import Channel
from scheduling.domain import review, sweep
from scheduling.models import ScheduledPost
from tests.client.proxy import BREAK, Proxy
from tests.helpers import as_reviewer
from tests.posts.conftest import LivePost
from tests.services.web_server import WebServer


def run_json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    """Run a command that succeeds, with --json, and return its output."""
    assert main([*argv, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_login_stores_the_key_for_its_owner_only(
    logged_in: Path, key: ApiKey, public_server: WebServer, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    secret = key.secret  # type: ignore[attr-defined]
    monkeypatch.delenv("DYNAMO_API_SECRET")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{secret}\n"))
    assert main(["login", "--url", f"{public_server.url}/v1", "--key-id", key.pk, "--secret-stdin"]) == 0
    output = capsys.readouterr()
    assert "Casa do Sol" in output.out
    assert secret not in output.out + output.err
    assert stat.S_IMODE(credentials.path().stat().st_mode) == 0o600
    assert credentials.load().secret == secret
    assert secret not in repr(credentials.load())
    assert main(["channels"]) == 0


def test_login_with_a_wrong_secret_stores_nothing(
    logged_in: Path, key: ApiKey, public_server: WebServer, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert main(["login", "--url", public_server.url, "--key-id", key.pk, "--secret-stdin"]) == 1
    assert "403 Invalid signature" in capsys.readouterr().err
    assert not credentials.path().exists()


def test_without_login_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in credentials.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert main(["channels"]) == 1
    assert "dynamo login" in capsys.readouterr().err


def test_draft_submit_and_posts(
    logged_in: Path, facebook: Channel, instagram: Channel, media: str, capsys: Any
) -> None:
    listed = run_json(capsys, "channels")
    assert {channel["id"] for channel in listed} == {facebook.public_id, instagram.public_id}
    post = run_json(
        capsys, "draft", "--channel", facebook.public_id, "--channel", f"{instagram.public_id}=Own = text",
        "--caption", "Olá", "--media", media, "--at", "2031-08-01T13:00+02:00", "--brief", "Weekend",
    )  # fmt: skip
    captions = {channel_id: content["caption"] for channel_id, content in post["mediumsData"].items()}
    assert captions == {facebook.public_id: "Olá", instagram.public_id: "Own = text"}
    assert (post["status"], post["scheduledFor"]) == ("DRAFT", "2031-08-01T11:00:00.000Z")
    assert main(["submit", post["id"], "--version", "1"]) == 0
    assert f"{post['id']}\tWAITING_FOR_APPROVAL" in capsys.readouterr().out
    assert [row["id"] for row in run_json(capsys, "posts", "--status", "WAITING_FOR_APPROVAL,DRAFT")] == [post["id"]]


def test_edit_revises_a_rejected_post(
    logged_in: Path, make_waiting: Any, facebook: Channel, reviewer: User, organization: Organization, capsys: Any
) -> None:
    post = make_waiting(channels=[facebook])
    review.reject(as_reviewer(reviewer, organization).actor, post, notes="Shorter")
    edit = ["edit", str(post.pk), "--version", "1", "--channel", f"{facebook.public_id}=Oi"]
    revised = run_json(capsys, *edit)
    assert (revised["status"], revised["version"]) == ("DRAFT", 2)
    assert revised["mediumsData"][facebook.public_id]["caption"] == "Oi"
    assert (revised["media"], revised["type"]) == (post.media, post.type)
    assert main(edit) == 1
    assert "412" in capsys.readouterr().err


def test_refusal_prints_violations_and_request_id(logged_in: Path, facebook: Channel, capsys: Any) -> None:
    assert main(["draft", "--channel", facebook.public_id, "--submit"]) == 1
    error = capsys.readouterr().err
    assert "dynamo: 400 " in error
    assert "scheduledFor:" in error
    assert "request id" in error
    assert ScheduledPost.objects.count() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["edit", "{post}", "--version", "1", "--caption", "New"],
        ["edit", "{post}", "--version", "1", "--channel", "{channel}", "--brief", "x"],
        ["edit", "{post}", "--version", "1", "--alt-text", "A sunset"],
        [
            "draft",
            "--channel",
            "{channel}",
            "--media",
            "https://example.com/a.jpg",
            "--alt-text",
            "A",
            "--alt-text",
            "B",
        ],
    ],
)
def test_text_that_would_be_lost_is_refused(
    arguments: list[str], logged_in: Path, make_draft: Any, facebook: Channel, capsys: Any
) -> None:
    post = make_draft(channels=[facebook])
    before = list(ScheduledPost.objects.values())
    assert main([word.format(post=post.pk, channel=facebook.public_id) for word in arguments]) == 2
    assert capsys.readouterr().err.startswith("dynamo: ")
    assert list(ScheduledPost.objects.values()) == before


def test_time_without_offset_is_refused(logged_in: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main(["draft", "--channel", "FB_PAGE_1", "--at", "2031-08-01T13:00"])
    assert end.value.code == 2
    assert "lacks the offset" in capsys.readouterr().err


def test_watch_ends_when_a_person_rejects(
    logged_in: Path,
    make_waiting: Any,
    facebook: Channel,
    reviewer: User,
    organization: Organization,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post = make_waiting(channels=[facebook])
    person = as_reviewer(reviewer, organization)

    def sleep(*_: Any) -> bool:
        review.reject(person.actor, ScheduledPost.objects.get(pk=post.pk), notes="Shorter")
        return True

    monkeypatch.setattr("dynamo_client.cli._sleep", sleep)
    code = main(["watch", str(post.pk)])
    lines = capsys.readouterr().out.splitlines()
    assert (code, [line.split("\t")[1] for line in lines]) == (3, ["WAITING_FOR_APPROVAL", "REJECTED"])
    assert lines[-1].endswith("\tShorter")


def test_watch_times_out(logged_in: Path, make_waiting: Any, facebook: Channel) -> None:
    post = make_waiting(channels=[facebook])
    assert main(["watch", str(post.pk), "--interval", "0.1", "--timeout", "0.2"]) == 4


def test_watch_of_an_approved_post_succeeds(logged_in: Path, make_scheduled: Any, facebook: Channel) -> None:
    assert main(["watch", str(make_scheduled(channels=[facebook]).pk)]) == 0


def test_watch_of_a_failed_post_is_no_refusal_of_a_person(
    logged_in: Path, make_scheduled: Any, facebook: Channel
) -> None:
    post = make_scheduled(channels=[facebook])
    ScheduledPost.objects.filter(pk=post.pk).update(status="FAILED")
    assert main(["watch", str(post.pk)]) == 1


def test_watch_continues_after_the_cursor_of_its_file(
    logged_in: Path, make_draft: Any, facebook: Channel, capsys: Any
) -> None:
    def created() -> int:
        sweep.sweep()
        assert main(["watch", "--cursor-file", str(file), "--timeout", "0"]) == 4
        return capsys.readouterr().out.count('"post.created"')

    file = logged_in / "cursor"
    file.touch()  # as a crash can leave it
    make_draft(channels=[facebook])
    assert created() == 1
    make_draft(channels=[facebook])
    assert (created(), created()) == (1, 0)
    assert [item.name for item in logged_in.iterdir() if item.name.startswith("cursor")] == ["cursor"]


def test_comments_are_written_as_csv(logged_in: Path, page_post: LivePost, capsys: Any) -> None:
    page_post.comments(count=12, replies=0, seed=3)
    where = ["comments", page_post.id, "--channel", page_post.channel.public_id]
    assert len(run_json(capsys, *where)) == 12
    file = logged_in / "comments.csv"
    assert main([*where, "--csv", str(file)]) == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    assert len(rows) == 12
    capsys.readouterr()
    assert [row["id"] for row in run_json(capsys, "posts", "--published")] == [page_post.id]


def test_broken_transfer_leaves_no_csv(
    logged_in: Path, page_post: LivePost, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    page_post.comments(count=60, replies=0, seed=3)
    monkeypatch.setenv("DYNAMO_API_URL", proxy.url)
    proxy.faults = [BREAK]
    file = logged_in / "comments.csv"
    assert main(["comments", page_post.id, "--channel", page_post.channel.public_id, "--csv", str(file)]) == 1
    assert "No response from the server" in capsys.readouterr().err
    assert not file.exists()
