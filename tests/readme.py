"""The README's code blocks, for the tests that hold it to its word."""

import re
from pathlib import Path

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
