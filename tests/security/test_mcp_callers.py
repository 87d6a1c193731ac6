"""Every kind of caller lists the tools of /mcp and calls each: only what its key allows works and changes rows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from accounts import clock, encryption
from accounts.models import ApiKey, Organization
from dynamo.mcp.views import server
from tests.helpers import SignedClient
from tests.security.access_matrix import TOOLS, fill
from tests.security.db_diff import Difference, Rows, all_rows, captured_sql, rows_after
from tests.security.fixtures import Actor, Scenario

pytestmark = pytest.mark.django_db

READ = {
    "list_channels", "get_capabilities", "list_posts", "get_post", "list_events", "get_published_post",
    "get_insights", "get_comments",
}  # fmt: skip
DRAFT = {"validate_post", "create_draft", "update_draft", "submit_for_approval", "delete_draft", "upload_media"}
QUEUE, ALWAYS = {"withdraw"}, {"whoami"}
ALL = READ | DRAFT | QUEUE | ALWAYS
# What a key without access to the channel of these may still do.
ELSEWHERE = {"whoami", "list_channels", "list_posts", "list_events", "validate_post", "upload_media"}
WRITING = {"create_draft", "update_draft", "submit_for_approval", "withdraw", "delete_draft", "upload_media"}
# By caller: the status of HTTP, the tools that are listed, and those that work on the things of `home`.
CALLERS: dict[str, tuple[int, set[str], set[str]]] = {
    "no credentials": (401, set(), set()),
    "wrong token": (401, set(), set()),
    "wrong signature": (403, set(), set()),
    "revoked key": (401, set(), set()),
    "expired key": (401, set(), set()),
    "bearer not allowed": (401, set(), set()),
    "inactive organization": (402, set(), set()),
    "full access": (200, ALL, ALL),
    "no scope": (200, ALWAYS, ALWAYS),
    "scope read": (200, READ | ALWAYS, READ | ALWAYS),
    "scope draft": (200, DRAFT | ALWAYS, DRAFT | ALWAYS),
    "scope queue": (200, QUEUE | ALWAYS, QUEUE | ALWAYS),
    "scope webhooks": (200, ALWAYS, ALWAYS),
    "other channel only": (200, ALL, ELSEWHERE),
    "other organization": (200, ALL, ELSEWHERE),
}


def test_every_tool_has_a_rule_and_none_decides() -> None:
    assert set(server._tools) == set(TOOLS) == ALL
    assert not [name for name in ALL if "approve" in name or "reject" in name or "schedule" in name]


def caller(scenario: Scenario, name: str) -> Actor:
    """Return an actor of the kind, with a key of its own where it needs one."""
    home = scenario.home
    if name == "no credentials":
        return scenario.actors["anonymous"]
    if name == "other organization":
        return scenario.actors["other key"]
    columns: dict[str, Any] = {"allow_bearer": name != "bearer not allowed"}
    if name.startswith("scope "):
        columns["scopes"] = [name.removeprefix("scope ")]
    if name == "no scope":
        columns["scopes"] = []
    if name == "other channel only":
        columns["channels"] = ["FB_PAGE_4711"]
    if name in {"revoked key", "expired key"}:
        columns[f"{name.partition(' ')[0]}_at".replace("expired", "expires")] = clock.now()
    key: Any = ApiKey.objects.create(
        organization=home.organization, name=name, issued_by=home.users["issuer"],
        secret_encrypted=encryption.encrypt("a-secret-of-a-caller"), **columns,
    )  # fmt: skip
    key.secret = "another-secret" if name.startswith("wrong") else "a-secret-of-a-caller"
    actor = replace(scenario.actors["key"], name=name, signed=SignedClient(key), bearer=name != "wrong signature")
    if name == "inactive organization":
        Organization.objects.filter(pk=home.organization.pk).update(active=False)
    return actor


def exchange(actor: Actor, message: dict[str, Any], before: Rows) -> tuple[Any, Difference]:
    """Send a message; return the response and what it changed of `before`, which is rolled back."""
    with transaction.atomic():
        with captured_sql() as statements:
            response = actor.send("POST", "/mcp", message)
        difference = Difference(before, rows_after(statements, before))
        if actor.signed is not None:
            difference.ignore_use_of(actor.signed.key.pk)
        transaction.set_rollback(True)
    return response, difference


def mistakes(scenario: Scenario, actor: Actor) -> Iterator[str]:
    """Yield what differs from CALLERS."""
    status, listed, working = CALLERS[actor.name if actor.name in CALLERS else _kind(actor)]
    before = all_rows()
    response, difference = exchange(actor, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, before)
    if response.status_code != status or (status == 401) != ("WWW-Authenticate" in response.headers):
        yield f"tools/list → {response.status_code}"
    shown = {tool["name"] for tool in response.json()["result"]["tools"]} if status == 200 else set()
    if shown != listed or difference.changes:
        yield f"listed {sorted(shown ^ listed)}"
    for name, rule in TOOLS.items():
        data = fill(rule.data, scenario.values(scenario.home))
        response, difference = exchange(actor, data, before)
        result = response.json().get("result", {}) if response.status_code == 200 else {}
        works = bool(result) and not result["isError"]
        if response.status_code != status or works != (name in working):
            yield f"{name} → {response.status_code} {response.content[:300]!r}"
        if bool(difference.changes) != (works and name in WRITING):
            yield f"{name} changed {sorted(difference.tables)}"
        if difference.approvals or difference.scheduled or not difference.organizations <= actor.memberships:
            yield f"{name} approved, or changed another organization"
        if name not in listed and status == 200 and response.json()["error"]["message"] != f"Unknown tool: '{name}'":
            yield f"{name} is known"
        if actor.memberships != {scenario.home.organization.pk} or name not in working:
            yield from (
                f"{name} showed {text}" for text in _leaks(scenario, response.content.decode(), json.dumps(data))
            )


def _leaks(scenario: Scenario, shown: str, sent: str) -> list[str]:
    hidden = [scenario.home.ids["phrase"], *scenario.home.secrets]
    return [text for text in hidden if text in shown and text not in sent]


def _kind(actor: Actor) -> str:
    return {"anonymous": "no credentials", "other key": "other organization"}[actor.name]


@pytest.mark.parametrize("name", CALLERS)
def test_caller_uses_only_the_tools_of_its_key(scenario: Scenario, name: str) -> None:
    actor = caller(scenario, name)
    assert list(mistakes(scenario, actor)) == []
