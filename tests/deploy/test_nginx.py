"""deploy/nginx.conf before two instances in production mode: TLS, body limits, signatures, logs, restarts."""

import hashlib
import hmac
import io
import itertools
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from django.conf import settings
from PIL import Image

from accounts import clock
from accounts.models import ApiKey
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.deploy.services import HOST, Nginx
from tests.helpers import SignedClient, stamp
from tests.services.engines import free_port
from tests.services.processes import Process, ProcessGroup

INTERVAL = 0.05  # seconds between two requests during a restart, unless they are answered more slowly
pytestmark = pytest.mark.processes
CALLBACK = "/admin/posts/channel/connect/callback/"


class Installation:
    """nginx, and two instances of the web server in production mode."""

    def __init__(self, nginx: Nginx, ports: tuple[int, int], processes: ProcessGroup) -> None:
        self.nginx, self.ports, self.processes = nginx, ports, processes
        self.url = nginx.url
        self.http = requests.Session()
        self.http.verify, self.http.trust_env = str(nginx.certificate), False
        self.environment = {
            "DYNAMO_SECRET_KEY": secrets.token_urlsafe(48),
            "GRAPH_APP_SECRET": secrets.token_urlsafe(48),
            # Those of this process, which stored the secret of the test's key with them.
            "DYNAMO_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
            "DYNAMO_AUDIT_KEYS": ",".join(settings.AUDIT_KEYS),
            "DYNAMO_PRODUCTION": "1",
            "DYNAMO_BEHIND_PROXY": "1",
            "DYNAMO_ALLOWED_HOSTS": HOST,
            "GRAPH_BASE_URL": "https://graph.facebook.com",
            "DYNAMO_PUBLIC_URL": f"https://{HOST}",
            "DYNAMO_MEDIA_ALLOW_LOOPBACK": "",
            "DYNAMO_WEB_WORKERS": "1",
            "DYNAMO_API_RATE_PER_MINUTE": "0",
            "GRAPH_APP_ID": "100000000000001",
        }

    def start(self, instance: int) -> Process:
        """Start an instance, 0 or 1, and wait until it answers."""
        bind = f"127.0.0.1:{self.ports[instance]}"
        process = self.processes.start("web", ["-m", "gunicorn"], **self.environment, DYNAMO_BIND=bind)
        process.until(lambda: self.is_healthy(instance))
        return process

    def is_healthy(self, instance: int) -> bool:
        try:
            answer = requests.get(f"http://127.0.0.1:{self.ports[instance]}/healthz", headers={"Host": HOST}, timeout=5)
        except requests.RequestException:
            return False
        return answer.status_code == 200


@pytest.fixture
def installation(processes: ProcessGroup) -> Iterator[Installation]:
    """nginx, with the first of the two instances running."""
    ports = (free_port(), free_port())
    with Nginx([f"127.0.0.1:{port}" for port in ports]) as nginx:
        made = Installation(nginx, ports, processes)
        made.start(0)
        yield made


def picture(side: int) -> bytes:
    """Return a PNG whose pixels do not compress."""
    content = io.BytesIO()
    Image.frombytes("RGB", (side, side), secrets.token_bytes(side * side * 3)).save(content, "PNG")
    return content.getvalue()


def test_requests_through_nginx_are_answered_as_by_the_application(
    installation: Installation, key: ApiKey, facebook: Channel
) -> None:
    nginx, http, url, signed = installation.nginx, installation.http, installation.url, SignedClient(key).signature

    redirected = http.get(f"http://{HOST}:{nginx.plain_port}/admin/?next=1", allow_redirects=False)
    assert (redirected.status_code, redirected.headers["Location"]) == (301, f"https://{HOST}/admin/?next=1")
    login = http.get(f"{url}/admin/login/")
    assert (login.status_code, "Strict-Transport-Security" in login.headers) == (200, True)
    assert all(cookie.secure for cookie in http.cookies)
    assert [row["id"] for row in http.get(f"{url}/v1/channels", headers=signed()).json()] == [facebook.public_id]

    # The full signature covers the target as the client sent it, so nginx must not decode or merge it.
    target, date = "/v1/posts/caf%C3%A9%2F..//x?mediumId=FB_PAGE_1&q=ol%C3%A1+%F0%9F%91%8B", stamp(clock.now())
    digest = hashlib.sha256(b"").hexdigest()
    secret: str = key.secret  # type: ignore[attr-defined]
    full = hmac.new(secret.encode(), f"GET\n{target}\n{date}\n{digest}".encode(), hashlib.sha256).hexdigest()
    request = requests.Request("GET", url, headers={**signed(date), "x-signature-full": full}).prepare()
    request.url = f"{url}{target}"
    answer = http.send(request)
    assert answer.status_code != 403, answer.text

    # Bodies: chunked, up to 1 MiB, and uploads of media beyond it.
    body = {"channels": {facebook.public_id: {"mediumType": facebook.type, "caption": "Olá"}}}
    chunked = http.post(
        f"{url}/v1/scheduled-posts",
        data=iter([json.dumps(body).encode()]),
        headers={**signed(), "content-type": "application/json"},
    )
    assert chunked.status_code == 201, chunked.text
    large = http.post(f"{url}/v1/scheduled-posts", json={"brief": "x" * 1_100_000}, headers=signed())
    assert (large.status_code, large.json()) == (413, {"message": "The body is larger than 1 MiB"})
    upload = picture(1000)
    assert len(upload) > 2_000_000
    uploaded = http.post(f"{url}/v1/media", files={"file": upload}, headers=signed())
    assert uploaded.status_code == 201, uploaded.text


def test_login_callback_leaves_no_code_in_the_logs(installation: Installation) -> None:
    code, state, token = (secrets.token_urlsafe(24) for _ in range(3))
    http, url = installation.http, installation.url

    def visit() -> None:
        http.get(f"{url}{CALLBACK}?code={code}&state={state}")
        http.get(f"{url}/meta/webhook?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1")

    visit()
    # The callback's page sends no referrer. If a browser sends one all the same, the access log leaves it out.
    http.get(f"{url}/admin/login/", headers={"Referer": f"{url}{CALLBACK}?code={code}&state={state}"})
    for process in installation.processes.processes:
        process.stop()
    visit()  # now the instances do not answer, which nginx logs
    assert http.get(f"{url}/healthz").status_code == 502

    logs = installation.nginx.logs() + "".join(each.output() for each in installation.processes.processes)
    assert CALLBACK in logs
    assert "Connection refused" in logs
    assert [found for found in (code, state, token) if found in logs] == []


class Traffic:
    """Clients that send a request every INTERVAL together; one in four creates a draft. Ends with the `with` block."""

    CLIENTS = 4

    def __init__(self, installation: Installation, key: ApiKey) -> None:
        self.url, self.certificate = f"{installation.url}/v1", str(installation.nginx.certificate)
        self.signature = SignedClient(key).signature
        self.answers: list[str] = []  # "GET 200", or "GET" and what went wrong
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.send) for _ in range(self.CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def send(self) -> None:
        for method in itertools.cycle(["GET", "GET", "GET", "POST"]):
            if self.stopping.wait(INTERVAL * self.CLIENTS):
                return
            path = "scheduled-posts" if method == "POST" else "channels"
            given: dict[str, Any] = {"headers": self.signature(), "verify": self.certificate}
            try:
                answer = requests.request(method, f"{self.url}/{path}", json={}, timeout=30, **given)
                self.answers.append(f"{method} {answer.status_code}")
            except requests.RequestException as error:
                self.answers.append(f"{method} {error}")


def test_rolling_restart_fails_no_request(installation: Installation, key: ApiKey, facebook: Channel) -> None:
    instances = [installation.processes.processes[0], installation.start(1)]
    with Traffic(installation, key) as traffic:
        time.sleep(1)
        # The steps of deploy/rolling-restart.sh.
        for number, process in enumerate(instances):
            flag: Path = installation.nginx.drain / f"drain-{number + 1}"
            flag.touch()
            time.sleep(1)
            assert process.stop(within=40) == 0
            installation.start(number)
            flag.unlink()
        time.sleep(1)

    counts = Counter(traffic.answers)
    assert counts.keys() == {"GET 200", "POST 201"}, counts
    assert counts["POST 201"] == ScheduledPost.objects.count()
    assert counts.total() > 50
