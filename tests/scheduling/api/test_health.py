"""/healthz and /readyz: unsigned, and without any content of posts."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import clock
from accounts.models import User
from dynamo import __version__
from scheduling.domain import sweep
from scheduling.models import ScheduledPost, WorkerHeartbeat
from tests.security.db_diff import all_rows

pytestmark = pytest.mark.embedded


def test_healthz_is_200_without_a_database(client: Client) -> None:
    # Without the database mark, a query would fail the test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"up": True, "version": __version__})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_200_with_counts_and_ages(client: Client, make_scheduled) -> None:
    make_scheduled()
    sweep.sweep("w1@here")
    answer = client.get("/readyz")
    body = answer.json()
    assert 0 <= body.pop("lastRoundSeconds") < 30
    assert answer.status_code == 200
    assert body == {
        "ready": True,
        "problems": [],
        "database": True,
        "broker": True,
        "cache": True,
        "overdue": {"count": 0, "oldestSeconds": None},
        "publishing": {"count": 0, "oldestLeaseSeconds": None},
        "unsettled": {"oldestSeconds": None},
        "unknown": {"count": 0},
        "workers": 1,
        "retention": {"overdueSeconds": 0.0},
    }
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_503_when_posts_are_late_without_their_content(client: Client, make_scheduled, facebook) -> None:
    post = make_scheduled(channels=[facebook])
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=3))
    WorkerHeartbeat.objects.create(worker="w1@secret-host", seen_at=clock.now())
    before = all_rows()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["1 post overdue; the oldest has been due for 3 min."]
    assert answer.json()["overdue"]["count"] == 1
    text = answer.content.decode()
    hidden = [str(post.pk), facebook.name, facebook.platform_id, "Olá", "Casa do Sol", "secret-host"]
    assert [word for word in hidden if word in text] == []
    assert all_rows() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "stranger",
    [
        {"REMOTE_ADDR": "203.0.113.7"},
        {"REMOTE_ADDR": ""},
        *({"REMOTE_ADDR": "127.0.0.1", name: "203.0.113.7"} for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")),
        {"REMOTE_ADDR": "::1", "HTTP_FORWARDED": "for=203.0.113.7"},
    ],
    ids=str,
)
def test_readyz_tells_strangers_only_whether_it_is_ready_a23(
    client: Client, stranger: dict[str, str], make_scheduled, reviewer, signed_in
) -> None:
    post = make_scheduled()
    sweep.sweep("w1@here")
    assert (client.get("/readyz", **stranger).status_code, client.get("/readyz", **stranger).json()) == (
        200,
        {"ready": True},
    )
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=3))
    assert (client.get("/readyz", **stranger).status_code, client.get("/readyz", **stranger).json()) == (
        503,
        {"ready": False},
    )
    assert signed_in(reviewer).get("/readyz", **stranger).json() == {"ready": False}
    operator = Client()
    operator.force_login(User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
    assert operator.get("/readyz", **stranger).json()["overdue"]["count"] == 1
    assert client.get("/readyz", REMOTE_ADDR="::1").json()["overdue"]["count"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_endpoints_accept_safe_methods_only(client: Client, path: str) -> None:
    answers = [getattr(client, method)(path).status_code for method in ("post", "put", "patch", "delete")]
    assert answers == [405] * 4
    assert client.head(path).content == b""


def test_a_probe_on_the_machine_itself_needs_no_tls(settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").json() == {"up": True, "version": __version__}
    assert Client().get("/admin/").status_code == 301
