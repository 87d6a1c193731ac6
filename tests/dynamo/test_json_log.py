"""DYNAMO_LOG_FORMAT=json: every line of web and worker, and the ids from the request to the task."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.conf import settings

from accounts.api.middleware import current
from tests.helpers import approve, fresh
from tests.services.processes import Process, ProcessGroup, environment, eventually

pytestmark = pytest.mark.processes
JSON = {"DYNAMO_LOG_FORMAT": "json"}


def entries(process: Process) -> list[dict[str, Any]]:
    """Return the lines from the first object on: before it Celery prints its banner."""
    lines = process.output().splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("{")), len(lines))
    return [json.loads(line) for line in lines[first:]]


def test_web_logs_objects_only_and_the_access_log_has_no_query(processes: ProcessGroup) -> None:
    web, url = processes.web(**JSON)
    request = urllib.request.Request(
        f"{url}/v1/posts?code=hidden-word", headers={"x-request-id": "find-me", "User-Agent": 'a"b\\c'}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    caught.value.close()
    access = eventually(
        lambda: [entry for entry in entries(web) if entry.get("request_id") == "find-me" and "path" in entry]
    )[0]
    assert (access["logger"], access["method"], access["path"], access["status"]) == (
        "gunicorn.access", "GET", "/v1/posts", "403",
    )  # fmt: skip
    assert access["address"] == "127.0.0.1"
    assert "hidden-word" not in web.output()


@pytest.mark.django_db(transaction=True)
def test_published_post_is_one_line_with_the_ids_from_request_to_worker(
    processes: ProcessGroup, make_waiting, seat, reviewer, organization, facebook
) -> None:
    worker = processes.worker("--pool", "threads", **JSON)
    post = make_waiting(channels=[facebook])
    token = current.set("find-me")  # as in a request
    try:
        approve(seat(reviewer, organization), post, now=True)
    finally:
        current.reset(token)
    task_id = fresh(post).task_id
    lines = eventually(lambda: [entry for entry in entries(worker) if " published: " in entry["message"]])
    assert len(lines) == 1
    line = lines[0]
    assert (line["logger"], line["level"]) == ("scheduling.domain.publishing.run", "INFO")
    assert (line["request_id"], line["post_id"], line["channel_ids"]) == ("find-me", str(post.pk), [facebook.public_id])
    assert (line["task"], line["task_id"]) == ("scheduling.publish", str(task_id))


def test_unknown_log_format_is_refused() -> None:
    started = subprocess.run(
        [sys.executable, "manage.py", "lifecycle"], check=False, cwd=settings.BASE_DIR, capture_output=True, text=True,
        env=environment(DYNAMO_LOG_FORMAT="xml"), timeout=60,
    )  # fmt: skip
    assert started.returncode == 1
    assert "Refusing to start: DYNAMO_LOG_FORMAT must be text or json." in started.stderr
