"""What is said of the advisories is what was learnt of them: no answer is no pass."""

import json
from typing import Any

import pytest

from tests.audit import Found, verdict

CLEAN: dict[str, Any] = {"name": "six", "version": "1.17.0", "vulns": []}
BAD: dict[str, Any] = {
    "name": "django",
    "version": "5.2.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["5.2.1"]}],
}
SKIPPED = {"name": "kombu", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([CLEAN], 0, "Audited: 1 packages, 0 of them with advisories."),
        ([CLEAN, BAD], 1, "django 5.2.0: PYSEC-1 CVE-1\nAudited: 2 packages, 1 of them with advisories."),
        ([SKIPPED], 0, "NOT AUDITED: the advisories cannot be reached from here."),
        ([SKIPPED, BAD], 1, "django 5.2.0: PYSEC-1 CVE-1\nNOT AUDITED in whole: no word of kombu."),
    ],
)
def test_the_verdict_says_what_was_looked_at(packages: list[dict[str, Any]], status: int, said: str) -> None:
    assert verdict(Found.read(json.dumps({"dependencies": packages, "fixes": []}))) == (status, said)


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", '{"fixes": []}'])
def test_no_answer_is_no_pass(answer: str) -> None:
    assert verdict(Found.read(answer)) == (0, "NOT AUDITED: the advisories cannot be reached from here.")
