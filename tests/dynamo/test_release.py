"""deploy/release.py refuses what is no release. `make release` itself needs an environment of its own; CI runs it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = Path(settings.BASE_DIR) / "deploy" / "release.py"
NAME = "import release; print(release.release_name(snapshot=False), release.release_name(snapshot=True))"


def git(folder: Path, *words: str) -> str:
    person = ("-c", "user.name=Alda", "-c", "user.email=alda@example.com")
    done = subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the files that the script reads, at the released version 1.2.3."""
    files = {
        "dynamo/__init__.py": '__version__ = "1.2.3"  # a comment\n',
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "client/pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 - 2026-12-01\n",
        ".gitignore": "__pycache__/\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def test_clean_tree_of_a_dated_version_is_named_after_it(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.3")
    done = subprocess.run(
        [sys.executable, "-c", NAME], cwd=checkout / "deploy", check=True, capture_output=True, text=True
    )
    assert done.stdout == f"dynamo-1.2.3 dynamo-1.2.3-snapshot-{git(checkout, 'rev-parse', 'HEAD')[:12]}\n"


def leave_a_file(folder: Path) -> None:
    (folder / "new.py").touch()


def change_the_client(folder: Path) -> None:
    (folder / "client/pyproject.toml").write_text('[project]\nversion = "1.2.2"\n')
    commit(folder)


def remove_the_date(folder: Path) -> None:
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 - unreleased\n")
    commit(folder)


def tag_and_go_on(folder: Path) -> None:
    git(folder, "tag", "--annotate", "v1.2.3", "--message", "1.2.3")
    commit(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (leave_a_file, "new.py"),
        (change_the_client, "client/pyproject.toml has the version 1.2.2"),
        (remove_the_date, "no section `## 1.2.3 - <date>`"),
        (tag_and_go_on, "v1.2.3 is the tag of another commit"),
    ],
)
def test_release_is_refused_with_the_reason(checkout: Path, change: Callable[[Path], None], reason: str) -> None:
    change(checkout)
    command = [sys.executable, "deploy/release.py"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / "dist").exists()
