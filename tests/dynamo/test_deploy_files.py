"""The files of deploy/ start the processes and name the settings that the application has."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

DEPLOY = Path(settings.BASE_DIR) / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNITS = {path.name: path.read_text(encoding="utf-8") for path in (DEPLOY / "systemd").glob("*.service")}


def queues(commands: list[str]) -> list[list[str]]:
    """Return the queues of each worker among the commands."""
    return sorted(re.findall(r"-Q (\S+)", command)[0].split(",") for command in commands if "-Q" in command)


@pytest.mark.parametrize(
    "commands",
    [[str(service.get("command")) for service in COMPOSE["services"].values()], list(UNITS.values())],
    ids=["compose", "systemd"],
)
def test_workers_take_from_every_queue_and_publishing_has_its_own(commands: list[str]) -> None:
    taken = queues(commands)
    assert {queue for worker in taken for queue in worker} == {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert all(worker == ["publishing"] for worker in taken if "publishing" in worker)
    assert sum("celery -A dynamo beat" in command for command in commands) == 1


def test_every_setting_that_the_kit_names_is_documented() -> None:
    documented = (Path(settings.BASE_DIR) / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set()
    for path in (DEPLOY / "compose.yaml", DEPLOY / "dynamo.env.example", DEPLOY / "install.sh", DEPLOY / "Dockerfile"):
        text = path.read_text(encoding="utf-8")
        named |= set(
            re.findall(r"^\s*(?:ENV )?((?:DYNAMO|GRAPH|EMAIL)_[A-Z_]+|DATABASE_URL|REDIS_URL)[=:]", text, re.MULTILINE)
        )
    assert len(named) > 12
    of_the_kit = {"DYNAMO_RELEASE", "DYNAMO_NETWORK"}  # not of the application
    missing = {name for name in named - of_the_kit if f"`{name.removesuffix('_FILE')}`" not in documented}
    assert missing == set()


@pytest.mark.parametrize("requirements", ["run", "telemetry"])
def test_build_context_of_the_image_has_the_requirements(requirements: str) -> None:
    root = Path(settings.BASE_DIR)
    assert (root / f"requirements/{requirements}.txt").exists()
    assert f"!requirements/{requirements}.txt" in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_units_are_hardened_alike() -> None:
    hardening = {name: text[text.index("# What the process may do") :] for name, text in UNITS.items()}
    assert len(set(hardening.values())) == 1
    text = next(iter(hardening.values()))
    assert "User=dynamo" in text
    assert "ProtectSystem=strict" in text
    assert "NoNewPrivileges=yes" in text


def test_containers_are_unprivileged_and_hold_no_secret_in_the_file() -> None:
    for name, service in COMPOSE["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert all("SECRET" not in key or key.endswith("_FILE") for key in service.get("environment", {})), name
    for name in ("migrate", "web-1", "web-2", "worker-1", "worker-2", "background", "beat"):
        service = COMPOSE["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", script], check=True)


@pytest.mark.parametrize("path", sorted((DEPLOY / "ci").iterdir()), ids=lambda path: path.name)
def test_examples_of_ci_run_targets_that_exist_on_the_whole_history(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))
    called = set(re.findall(r"\bmake ([a-z-]+)", str(jobs)))
    if "jobs" in jobs:  # GitHub
        called |= set(jobs["jobs"]["make"]["strategy"]["matrix"]["target"])
        depths = {step["with"]["fetch-depth"] for job in jobs["jobs"].values() for step in job["steps"][:1]}
    else:
        depths = {int(jobs["variables"]["GIT_DEPTH"])}
    makefile = (Path(settings.BASE_DIR) / "Makefile").read_text(encoding="utf-8")
    assert {"test", "check", "audit", "test-deploy", "release"} == called
    assert called <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert depths == {0}
