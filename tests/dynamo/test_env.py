"""Settings that cannot be used end the process with a sentence that names the variable."""

import subprocess
import sys
from pathlib import Path

import pytest

import dynamo
from dynamo import env
from tests.dynamo.test_checks import start


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"DYNAMO_PRODUCTION": "yess"}, "DYNAMO_PRODUCTION is 'yess'"),
        ({"DYNAMO_SWEEP_INTERVAL": "abc"}, "DYNAMO_SWEEP_INTERVAL is 'abc'"),
        ({"DYNAMO_SWEEP_INTERVAL": "nan"}, "DYNAMO_SWEEP_INTERVAL is 'nan'"),
        ({"DYNAMO_STAGE_LEAD": "-1"}, "DYNAMO_STAGE_LEAD is '-1'"),
        ({"REDIS_URL": "sentinel://redis.example:26379/0"}, "REDIS_URL must look like"),
        ({"REDIS_URL": "redis.example:6379"}, "REDIS_URL must look like"),
        ({"DATABASE_URL": "postgresql://dynamo:secret@db.example:port/dynamo"}, "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "mongodb://dynamo:secret@db.example/dynamo"}, "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "mysql://dynamo:secret@db.example/dynamo"}, "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "postgresql://dynamo:secret@db.example"}, "DATABASE_URL is not a URL"),
        ({"REDIS_URL": "redis://:secret@redis.example/abc"}, "REDIS_URL must look like"),
        ({"REDIS_URL": "redis://:secret@redis.example/0?socket_timeout=abc"}, "REDIS_URL must look like"),
        ({"REDIS_URL": "redis://:secret@redis.example/0?unknown=1"}, "REDIS_URL must look like"),
        ({"REDIS_URL": "rediss://:secret@redis.example/0?ssl_cert_reqs=CERT_NONE"}, "REDIS_URL must look like"),
        ({"DYNAMO_SWEEP_INTERVAL": "0"}, "DYNAMO_SWEEP_INTERVAL is '0'"),
        ({"DYNAMO_LOGIN_LOCK": "1e300"}, "DYNAMO_LOGIN_LOCK is '1e300'"),
        ({"GRAPH_READ_TIMEOUT": "0"}, "GRAPH_READ_TIMEOUT is '0'"),
        ({"GRAPH_BASE_URL": "https://[x"}, "GRAPH_BASE_URL must be a URL"),
        ({"DYNAMO_ADMIN_URL": "dynamo.example"}, "DYNAMO_ADMIN_URL must be a URL"),
        ({"DYNAMO_FETCH_PROXY": "http://proxy:port"}, "DYNAMO_FETCH_PROXY must be a URL"),
        ({"DYNAMO_LOG_LEVEL": "loud"}, "DYNAMO_LOG_LEVEL must be DEBUG"),
        (
            {"EMAIL_HOST": "mail.example", "EMAIL_USE_SSL": "1", "EMAIL_USE_TLS": "1"},
            "EMAIL_USE_SSL exclude each other",
        ),
        ({"DATABASE_URL": None, "DATABASE_URL_FILE": "/nothing/here"}, "DATABASE_URL_FILE names /nothing/here"),
    ],
)
def test_unusable_setting_is_refused_by_name_o11(tmp_path: Path, changed: dict[str, str | None], named: str) -> None:
    status, output = start(tmp_path, **changed)
    assert (status, named in output, "Traceback" in output) == (1, True, False), output
    assert "secret" not in output


def test_folder_that_cannot_be_created_is_refused_by_name_o11(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "var"):
        status, output = start(folder)
        assert (status, "DYNAMO_VAR must be a folder" in output, "Traceback" in output) == (1, True, False), output


@pytest.mark.parametrize("level", ["", "debug", "Warning"])
def test_log_level_is_accepted_in_any_case(tmp_path: Path, level: str) -> None:
    assert start(tmp_path, DYNAMO_LOG_LEVEL=level) == (0, "")


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_switches_accept_words(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DYNAMO_TRY", value)
    assert env.env_bool("DYNAMO_TRY") is True
    monkeypatch.setenv("DYNAMO_TRY", "off")
    assert env.env_bool("DYNAMO_TRY", default=True) is False


def test_several_database_hosts_prefer_the_writable_one_o11() -> None:
    found = env.database_settings("postgresql://dynamo:p%2Cw@db1.example:6432,db2.example/dynamo?sslmode=verify-full")
    assert (found["HOST"], found["PORT"]) == ("db1.example,db2.example", "6432,5432")
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("dynamo", "p,w", "dynamo")
    assert found["OPTIONS"] == {"sslmode": "verify-full", "target_session_attrs": "read-write"}


def test_one_database_host_is_left_alone() -> None:
    found = env.database_settings("postgresql://dynamo@db.example:5433/dynamo")
    assert (found["HOST"], found["PORT"], found.get("OPTIONS", {})) == ("db.example", 5433, {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("rediss://r.example:6380/1", "rediss://r.example:6380/1?ssl_cert_reqs=required"),
        ("rediss://r.example/0?ssl_ca_certs=/ca", "rediss://r.example/0?ssl_ca_certs=/ca&ssl_cert_reqs=required"),
        ("rediss://r.example/0?ssl_cert_reqs=none", "rediss://r.example/0?ssl_cert_reqs=none"),
        ("redis://r.example/0", "redis://r.example/0"),
    ],
)
def test_rediss_verifies_by_default_o9(monkeypatch: pytest.MonkeyPatch, given: str, expected: str) -> None:
    monkeypatch.setenv("REDIS_URL", given)
    assert env.redis_url("REDIS_URL") == expected


def test_version_is_in_one_place() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'version = "{dynamo.__version__}"' in pyproject
    for option in ("version", "--version"):
        done = subprocess.run([sys.executable, "manage.py", option], capture_output=True, text=True, check=True)
        assert done.stdout == f"{dynamo.__version__}\n"
