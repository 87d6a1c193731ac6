"""The examples of client/README.md run, and what SKILL.md and README name exists."""

import re
from pathlib import Path

import pytest

from dynamo_client import cli
from posts.models import Channel
from scheduling.models import ScheduledPost

CLIENT = Path(cli.__file__).resolve().parents[1]
README = (CLIENT / "README.md").read_text(encoding="utf-8")
SKILL = (CLIENT / "SKILL.md").read_text(encoding="utf-8")


def test_python_examples_run(logged_in: Path, facebook: Channel, capsys: pytest.CaptureFixture[str]) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  our own file
    assert ScheduledPost.objects.get().status == "WAITING_FOR_APPROVAL"
    assert capsys.readouterr().out.splitlines() == ["WAITING_FOR_APPROVAL", "['Good morning, Lisbon!']"]


@pytest.mark.parametrize("text", [README, SKILL], ids=["README", "SKILL"])
def test_commands_and_options_exist(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(
        r"\bdynamo ([a-z]+)((?:[^\n`]|\\\n)*)", "\n".join(re.findall(r"`[^`]+`|```.*?```", text, re.DOTALL))
    )
    assert len({name for name, _ in commands}) >= 5
    for name, rest in commands:
        with pytest.raises(SystemExit) as end:
            cli.main([name, "--help"])
        assert end.value.code == 0, name
        known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, (name, rest)


def test_linked_files_exist() -> None:
    linked = re.findall(r"\]\((?!https:)([^)]+)\)", README)
    assert linked
    assert [name for name in linked if not (CLIENT / name).exists()] == []
