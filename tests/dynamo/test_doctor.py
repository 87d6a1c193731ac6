"""`manage.py doctor --meta`: each check against the sandbox, and what it never shows."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import encryption
from posts.domain import webhook_subscription
from posts.models import Channel
from tests.services.login import APP_ID, APP_SECRET, OFFERED, PERSON, give_login, grant_everything
from tests.services.sandbox import FACEBOOK, SandboxControl

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture(autouse=True)
def _installation(settings: Any, sandbox: SandboxControl) -> None:
    settings.GRAPH_APP_ID, settings.GRAPH_APP_SECRET = APP_ID, APP_SECRET
    settings.GRAPH_WEBHOOK_VERIFY_TOKEN = "chosen-by-the-operator"
    settings.PUBLIC_URL = settings.ADMIN_URL = "https://dynamo.example.com"
    settings.GRAPH_VERSION = "v26.0"
    give_login(sandbox)
    grant_everything(sandbox)


@pytest.fixture
def page(facebook: Channel, sandbox: SandboxControl) -> Channel:
    return with_token(facebook, sandbox)


def with_token(channel: Channel, sandbox: SandboxControl, **expiry: float) -> Channel:
    given = {"person": PERSON, "kind": "PAGE", "account": FACEBOOK.id, **expiry}
    channel.token_encrypted = encryption.encrypt(sandbox.call("POST", "/__tokens", given)["access_token"])
    channel.save(update_fields=["token_encrypted"])
    return channel


def doctor(*options: str) -> tuple[str, bool]:
    """Return what the command printed, and whether it exits with 0."""
    output = io.StringIO()
    try:
        call_command("doctor", "--meta", *options, stdout=output)
    except CommandError:
        return output.getvalue(), False
    return output.getvalue(), True


def levels() -> dict[str, str]:
    return {finding["name"]: finding["level"] for finding in json.loads(doctor("--json")[0])["meta"]}


@pytest.fixture
def webhook(sandbox: SandboxControl, settings: Any, live_server: Any) -> Callable[..., Any]:
    """Return a function that configures the app's webhook as a person does in the App Dashboard."""
    settings.PUBLIC_URL = live_server.url

    def configure(**changed: Any) -> None:
        given = {"url": f"{live_server.url}/meta/webhook", "verify_token": "chosen-by-the-operator", **changed}
        sandbox.call("POST", "/__webhook", given)

    return configure


@pytest.mark.django_db(transaction=True)
def test_installation_in_order_passes(page: Channel, webhook: Callable[..., Any], settings: Any) -> None:
    webhook()
    assert webhook_subscription.subscribe(page.pk) == "subscribed"
    text, passed = doctor()
    assert passed
    assert "FAIL" not in text
    assert "WARN" not in text
    assert {name: level for name, level in levels().items() if level != "ok"} == {"app.mode": "info"}
    assert ("webhooks.page" in levels(), "webhooks.instagram" in levels()) == (True, False)  # no such channel
    settings.PUBLIC_URL = "https://dynamo.example.com"
    text = doctor()[0]
    for address in (
        "/admin/posts/channel/connect/callback/",
        "/meta/deauthorize",
        "/meta/data-deletion",
        "/meta/webhook",
    ):
        assert f"https://dynamo.example.com{address}" in text
    for secret in (page.token, APP_SECRET, "chosen-by-the-operator"):
        assert secret not in text


@pytest.mark.parametrize(
    ("changes", "name", "level"),
    [
        ({"GRAPH_APP_ID": ""}, "app", "fail"),
        ({"GRAPH_APP_SECRET": "wrong"}, "app", "fail"),
        ({"GRAPH_VERSION": "v20.0"}, "version", "warn"),
        ({"GRAPH_WEBHOOK_VERIFY_TOKEN": ""}, "webhooks", "warn"),
        ({"ADMIN_URL": "http://192.168.1.1"}, "address.redirect", "fail"),
        ({"PUBLIC_URL": "http://dynamo.example.com", "SANDBOXED": False}, "address.webhook", "fail"),
    ],
)
def test_setting_that_is_wrong_is_found(
    page: Channel, settings: Any, changes: dict[str, Any], name: str, level: str
) -> None:
    for setting, value in changes.items():
        setattr(settings, setting, value)
    assert levels()[name] == level
    assert doctor()[1] == (level != "fail")


@pytest.mark.django_db(transaction=True)
def test_webhook_of_the_app_that_differs_is_found(webhook: Callable[..., Any], settings: Any) -> None:
    names = ("webhooks.page", "webhooks.instagram")
    assert [levels()[name] for name in names] == ["warn", "warn"]
    assert "object page is missing" in doctor()[0]
    webhook(fields={"page": ["mention"], "instagram": ["comments"]})
    assert [levels()[name] for name in names] == ["warn", "ok"]
    assert "does not contain the field feed" in doctor()[0]
    settings.PUBLIC_URL = "https://dynamo.example.com"
    assert [levels()[name] for name in names] == ["warn", "warn"]
    assert "not to https://dynamo.example.com/meta/webhook" in doctor()[0]


def test_webhooks_that_cannot_be_read_are_a_warning(page: Channel, sandbox: SandboxControl) -> None:
    sandbox.fault("GET .*/subscriptions", "html_502", times=None)
    assert (levels()["webhooks"], levels()["app"]) == ("warn", "ok")


def test_channel_without_a_permission_or_close_to_its_expiry_is_found(
    facebook: Channel, sandbox: SandboxControl
) -> None:
    name = f"channel.{facebook.public_id}"
    with_token(facebook, sandbox, expires_in=3 * DAY)
    assert levels()[f"{name}.expiry"] == "warn"
    assert levels()[f"{name}.webhooks"] == "warn"
    statuses = dict.fromkeys(OFFERED, "granted") | {"pages_manage_posts": "declined"}
    sandbox.call("POST", "/__people", {"id": PERSON, "permissions": statuses})
    assert levels()[f"{name}.permissions"] == "fail"
    Channel.objects.update(state="NEEDS_RECONNECT")
    assert levels()[name] == "fail"


@pytest.mark.parametrize("fault", ["html_502", "drop_before", "throttle"])
def test_platform_that_does_not_answer_is_a_finding(page: Channel, sandbox: SandboxControl, fault: str) -> None:
    sandbox.fault("GET .*", fault, times=None)
    text, passed = doctor()
    assert ("FAIL" in text, passed) == (True, False)
    assert page.token not in text
