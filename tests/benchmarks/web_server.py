"""gunicorn with the product, and one URL more: the list of posts as PostgreSQL alone would serve it, the floor."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import psutil

from dynamo.wsgi import application  # sets Django up, here and in gunicorn

# isort: split
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import clock, encryption
from accounts.api.authentication import get_api_key
from accounts.domain.request_signatures import sign
from accounts.models import ApiKey, Organization, Scope, User
from dynamo.urls import urlpatterns
from tests.chaos.environment import Child
from tests.helpers import stamp
from tests.services.engines import free_port

__all__ = ["Caller", "Web", "application", "cpu"]
FLOOR = """
SELECT json_agg(json_build_object(
    'id', platform_id, 'mediumId', public_id, 'mediumType', medium_type, 'type', type, 'caption', caption,
    'mediaUrl', media_url, 'mediaType', media_type, 'thumbnailUrl', thumbnail_url, 'permalink', permalink,
    'publishedAt', to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'metrics', json_build_object('likes', likes, 'comments', comments, 'shares', shares, 'reactions', reactions),
    'superpower', superpower))::text
FROM (
    SELECT post.*, channel.public_id, channel.type AS medium_type
    FROM posts_publishedpost post JOIN posts_channel channel ON channel.id = post.channel_id
    WHERE post.organization_id = %s
    ORDER BY post.published_at DESC, post.platform_id DESC LIMIT 100
) page
"""


class Floor(APIView):
    """PostgreSQL builds the JSON and Python hands it on, behind the same signatures and limits."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute(FLOOR, [get_api_key(request).organization_id])
            (body,) = cursor.fetchone()
        return HttpResponse(body, content_type="application/json")


urlpatterns.insert(0, path("v1/bench/floor", Floor.as_view()))


class Caller:
    """Holds a key of the organization."""

    def __init__(self, organization: Organization) -> None:
        self.secret = "the-secret-of-a-benchmark-key"
        person, _ = User.objects.get_or_create(username="benchmark")
        self.key = ApiKey.objects.create(
            organization=organization,
            name="benchmark",
            issued_by=person,
            secret_encrypted=encryption.encrypt(self.secret),
        )

    def headers(self) -> dict[str, str]:
        date = stamp(clock.now())
        return {"x-api-key": self.key.pk, "x-date": date, "x-signature": sign(self.secret, date)}


class Web:
    """gunicorn in a process group of its own, without rate limits."""

    def __init__(self, caller: Caller, log: Path, *, processes: int, threads: int) -> None:
        self.caller, self.port = caller, free_port()
        environment = {
            **os.environ,
            "DYNAMO_BIND": f"127.0.0.1:{self.port}",
            "DYNAMO_WEB_WORKERS": str(processes),
            "DYNAMO_WEB_THREADS": str(threads),
            "DYNAMO_API_RATE_PER_MINUTE": "1000000",
            "DYNAMO_API_RATE_PER_ADDRESS": "1000000",
            "DYNAMO_SIGNATURE_FAILURES_PER_MINUTE": "1000000",
        }
        words = [sys.executable, "-m", "gunicorn", f"{__name__}:application"]
        self.server = Child("web", words, environment, log)
        self.server.start()

    def __enter__(self) -> Self:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if time.monotonic() > until or not self.server.running:
                    raise RuntimeError("the web did not start") from None
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.server.kill()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path: str, times: int = 1) -> tuple[bytes, str]:
        """Send the request `times` times on one connection; return the last body and its Link header."""
        connection = self.connect()
        for _ in range(times):
            connection.request("GET", f"/v1{path}", headers=self.caller.headers())
            answer = connection.getresponse()
            body, link = answer.read(), answer.headers.get("Link", "")
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
        connection.close()
        return body, link


def cpu(pids: Iterable[int]) -> float:
    """Return the seconds of CPU that these processes and their children, ended ones too, have used so far."""
    used = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used
