"""The product's web, as it runs in production, and somebody who asks it."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from accounts import clock, crypto
from accounts.domain.signing import sign
from accounts.models import ApiKey, Organization, User
from tests.api_client import stamp
from tests.services.engines import free_port


class Caller:
    """Holds a key of the organization."""

    def __init__(self, organization: Organization) -> None:
        self.secret = secrets.token_urlsafe(32)
        person, _ = User.objects.get_or_create(username="reading")
        self.key = ApiKey.objects.create(
            organization=organization, name="reading", issued_by=person, secret_encrypted=crypto.encrypt(self.secret)
        )

    def headers(self) -> dict[str, str]:
        date = stamp(clock.now())
        return {"x-api-key": self.key.pk, "x-date": date, "x-signature": sign(self.secret, date)}


class Web:
    """gunicorn on a database, its settings the product's own.

    One process and four threads unless told otherwise, and no limits; in `production` all that is as it is by default.
    """

    def __init__(
        self,
        database: str,
        caller: Caller,
        log: Path,
        *,
        processes: int = 1,
        threads: int = 4,
        production: bool = False,
    ) -> None:
        self.caller, self.port = caller, free_port()
        none = {
            "DYNAMO_WEB_WORKERS": str(processes),
            "DYNAMO_WEB_THREADS": str(threads),
            "DYNAMO_API_RATE_PER_MINUTE": "1000000",
            "DYNAMO_API_RATE_PER_ADDRESS": "1000000",
            "DYNAMO_SIGNATURE_FAILURES_PER_MINUTE": "1000000",
        }
        environment = {
            **os.environ,
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.web_settings",
            "DYNAMO_BIND": f"127.0.0.1:{self.port}",
            **({} if production else none),
        }
        words = [sys.executable, "-m", "gunicorn"]
        with log.open("ab") as out:
            self.process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, start_new_session=True)

    def __enter__(self) -> Self:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError("the web did not start") from None
                time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, path: str, times: int = 1) -> tuple[bytes, list[float]]:
        """Ask for the same path so many times on one connection; return the last body, and the seconds of each."""
        taken, body = [], b""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for _ in range(times):
            headers = self.caller.headers()
            began = time.perf_counter()
            connection.request("GET", f"/v1{path}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            taken.append(time.perf_counter() - began)
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
        connection.close()
        return body, taken

    def crowd(self, path: str, times: int, connections: int = 4) -> list[float]:
        """Ask on several connections at the same time; return the seconds of every request."""
        found: list[float] = []
        crowd = [
            threading.Thread(target=lambda: found.extend(self.ask(path, times // connections)[1]))
            for _ in range(connections)
        ]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        return found


def cpu(pids: Iterable[int], *, below: bool = True) -> float:
    """Return the seconds of CPU that these processes have taken so far; and those below them, ended ones too."""
    taken = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for one in (parent, *(parent.children(recursive=True) if below else ())):
            times = one.cpu_times()
            taken += times.user + times.system + (times.children_user + times.children_system if below else 0)
    return taken
