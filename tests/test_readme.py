"""The README says what is so."""

import re
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def calls() -> tuple[str, list[str]]:
    """Return the block that defines how to sign, and the five calls that use it."""
    prepare, *others = [block for block in blocks("sh") if "$API" in block or "API=" in block]
    return prepare, others


def test_the_diagram_is_generated_from_the_lifecycle() -> None:
    out = StringIO()
    call_command("lifecycle", stdout=out)
    assert blocks("mermaid") == [out.getvalue()]


def test_every_target_that_it_names_exists() -> None:
    makefile = Path(settings.BASE_DIR, "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"^ *make ([a-z-]+)|`make ([a-z-]+)", TEXT, flags=re.MULTILINE))
    assert {item for pair in named for item in pair if item} - targets == set()


def test_every_file_that_it_names_exists() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", TEXT) + re.findall(r"^(\S+/) ", TEXT, flags=re.MULTILINE)
    assert [name for name in linked if not Path(settings.BASE_DIR, name).exists()] == []


def test_every_setting_is_documented() -> None:
    """Whatever the code reads from the environment stands in docs/operations.md, and nothing else does."""
    read: set[str] = set()
    for path in (*Path(settings.BASE_DIR, "dynamo").rglob("*.py"), Path(settings.BASE_DIR, "gunicorn.conf.py")):
        text = path.read_text(encoding="utf-8")
        read |= set(
            re.findall(r"(?:env_(?:str|bool|float|list|url)|redis_url|generated_secret)\(\s*\"([A-Z_]+)\"", text)
        )
    operations = Path(settings.BASE_DIR, "docs", "operations.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)`", operations, flags=re.MULTILINE))
    assert documented == read | {"DYNAMO_CLOCK_FILE"}


def test_it_shows_five_calls() -> None:
    prepare, five = calls()
    assert "hmac" in prepare
    assert len(five) == 5
    assert all("signed" in call for call in five)
