"""Webhooks over the API."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import encryption
from accounts.models import ApiKey, AuditEvent, Organization, User
from scheduling.models import Webhook
from tests.helpers import SignedClient

pytestmark = pytest.mark.embedded

URL = "/webhooks"
NEW = {"url": "https://hooks.example.com/in?token=t", "types": ["post.rejected", "post.failed"]}


def test_webhook_is_created_with_a_secret_that_is_shown_once(api: SignedClient, key: ApiKey) -> None:
    answer = api.post(URL, NEW)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    hook = Webhook.objects.get()
    assert encryption.decrypt(hook.secret_encrypted) == made["secret"]
    assert (hook.kinds, made["types"]) == (["REJECTED", "FAILED"], ["post.failed", "post.rejected"])
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (api.get(URL).json(), api.get(f"{URL}/{made['id']}").json()) == ([shown], shown)
    event = AuditEvent.objects.get(verb="webhook.add")
    assert (event.actor_id, "token" in str(event.details)) == (key.pk, False)


def test_webhook_is_changed_rotated_and_deleted(api: SignedClient) -> None:
    made = api.post(URL, NEW).json()
    path = f"{URL}/{made['id']}"
    changed = api.patch(path, {"active": False, "types": ["channel.expiring"]}).json()
    assert (changed["active"], changed["types"], changed["url"]) == (False, ["channel.expiring"], NEW["url"])
    rotated = api.post(f"{path}/rotate").json()["secret"]
    assert rotated.startswith("whsec_")
    assert rotated != made["secret"]
    assert api.delete(path).status_code == 200
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({**NEW, "types": []}, 422),
        ({**NEW, "types": ["post.live"]}, 422),
        ({**NEW, "url": "https://10.0.0.1/in"}, 400),
        ({**NEW, "secret": "x"}, 422),
    ],
)
def test_wrong_webhook_is_refused(api: SignedClient, body: dict[str, Any], status: int) -> None:
    assert api.post(URL, body).status_code == status
    assert not Webhook.objects.exists()


def test_webhook_needs_the_scope_and_all_channels(
    api: SignedClient, other_api: SignedClient, organization: Organization, author: User, make_key: Callable[..., Any]
) -> None:
    path = f"{URL}/{api.post(URL, NEW).json()['id']}"
    for columns in ({"scopes": ["read", "draft", "queue"]}, {"channels": ["FB_PAGE_1"]}):
        limited = SignedClient(make_key(organization, author, **columns))
        answers = [limited.get(URL), limited.post(URL, NEW), limited.get(path), limited.delete(path)]
        assert {answer.status_code for answer in answers} == {403}
    assert (other_api.get(URL).json(), other_api.get(path).status_code) == ([], 404)
