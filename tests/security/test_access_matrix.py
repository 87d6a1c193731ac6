"""Every actor requests every URL: the rules say who is let in, and no other actor sees or changes anything."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.db import transaction
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import clock
from accounts.models import User
from tests.security.access_matrix import CROSS_TENANT_REQUESTS, RULES, Rule, fill
from tests.security.db_diff import Difference, all_rows, captured_sql, rows_after
from tests.security.fixtures import ACTORS, READING, Actor, Scenario, absent_ids

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
ADMIN_METHODS = ("GET", "POST", "PUT")  # the admin treats HEAD and OPTIONS as GET, and PATCH and DELETE as PUT
SUPERUSER_TABLES = {  # organizations, users, and what is the superuser's own
    "accounts.Organization", "accounts.Membership", "accounts.User", "accounts.Invitation", "accounts.TotpDevice",
    "scheduling.SavedView", "accounts.AuditEvent", "scheduling.Event", "scheduling.Notification", "admin.LogEntry",
    "sessions.Session",
}  # fmt: skip
SUPERUSER_PAGES = re.compile("/(organization|membership|policy|user|autocomplete|account)/")
CSRF_OR_TURN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|name="revision" value="[0-9]+"')


def urls(patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "") -> Iterator[str]:
    """Yield every URL of the URL configuration."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        own = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", str(pattern.pattern)).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from urls(pattern.url_patterns, prefix + own)
        else:
            yield prefix + own


def path_of(url: str, rule: Rule, ids: dict[str, str]) -> str:
    path = rule.path.format(**ids) or re.sub(r"<(?:\w+:)?\w+>", ids.get(rule.to, "1"), url.partition("#")[0])
    return f"/{path}{rule.query.format(**ids)}"


class Exchange:
    """A request, its answer, and what it changed in the database, which is left as it was.

    `foreign`: the request is a form of one's own page that names a thing of another organization.
    """

    def __init__(
        self, rule: Rule, actor: Actor, method: str, path: str, data: dict[str, Any], *, foreign: bool = False
    ):
        self.rule, self.actor, self.method, self.path, self.data = rule, actor, method, path, data
        self.foreign = foreign
        self.allowed = actor.name in rule.allowed(method)
        before = ROWS[0]
        with transaction.atomic():
            with captured_sql() as statements:
                answer = actor.send(method, path, data)
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            self.difference = Difference(before, rows_after(statements, before))
            if actor.signed is not None:
                self.difference.ignore_use_of(actor.signed.key.pk)
            transaction.set_rollback(True)
        self.queries = [sql for sql in statements if sql.startswith("SELECT")]
        self.status, self.headers, self.body = (
            answer.status_code,
            dict(answer.headers),
            content.decode(errors="replace"),
        )

    @property
    def let_in(self) -> bool:
        if self.status >= 400:
            return self.status == 503 and self.path == "/readyz"  # no worker runs here
        if self.path == "/mcp" and self.method == "POST":
            answer = json.loads(self.body)
            return "result" in answer and not answer["result"].get("isError")
        location = self.headers.get("Location", "")
        refused = location.startswith("/admin/login/?") or location == "/admin/"
        return not refused or self.path == "/admin/login/" or self.rule.bearer

    def mistakes(self, scenario: Scenario) -> Iterator[str]:
        """Yield what contradicts the rule."""
        rule, actor, difference = self.rule, self.actor, self.difference
        judged = not self.foreign and not (self.method == "OPTIONS" and not self.body)
        # A method that the URL does not implement may show what a GET shows.
        shows = actor.name in rule.get and not rule.allowed(self.method)
        if self.status >= 500 and not self.let_in:
            yield "failed"
        if judged and self.let_in and not self.allowed and not shows:
            yield "was let in"
        if judged and not self.let_in and self.allowed and self.method != "HEAD":
            yield "was refused"
        if difference.changes and (self.method in READING or not self.allowed):
            yield f"changed {sorted(difference.tables)}"
        if judged and self.allowed and self.method not in READING and not difference.changes and not rule.unchanged:
            yield "changed nothing"
        yield from self.forbidden_changes()
        yield from self.leaks(scenario)

    def forbidden_changes(self) -> Iterator[str]:
        """Yield the changes that no rule can permit."""
        rule, actor, difference = self.rule, self.actor, self.difference
        if actor.name == "superuser":
            if not difference.tables <= SUPERUSER_TABLES:
                yield f"changed as a superuser {sorted(difference.tables)}"
        elif not rule.bearer and not difference.organizations <= actor.memberships:
            yield f"changed rows of another organization: {sorted(difference.tables)}"
        may_approve = rule.approves and self.method == "POST" and actor.name in {"reviewer", "outsider"}
        if (difference.approvals or difference.scheduled) and not may_approve:
            yield "approved a post"
        if any(row["reviewer_id"] != getattr(actor.user, "pk", None) for row in difference.approvals):
            yield "approved in the name of another user"

    def leaks(self, scenario: Scenario) -> Iterator[str]:
        """Yield the secrets, and the things of other organizations, that the answer shows and the request does not."""
        tenants = (scenario.home, scenario.other)
        hidden = [text for tenant in tenants for text in tenant.secrets]
        if not self.rule.bearer and not (self.actor.name == "superuser" and SUPERUSER_PAGES.search(self.path)):
            foreign = [tenant for tenant in tenants if tenant.organization.pk not in self.actor.memberships]
            hidden += [text for tenant in foreign for text in tenant.private]
        seen, sent = f"{self.body} {self.headers}", f"{self.path} {self.data}"
        yield from (f"showed {text!r}" for text in hidden if text in seen and text not in sent)

    def visible(self, ids: dict[str, str]) -> tuple[Any, ...]:
        """Return all that the caller can tell of the answer, and the queries, with a placeholder for the ids."""
        body = CSRF_OR_TURN.sub("", self.body)
        varying = {"x-request-id", "Content-Length", "Set-Cookie", "Expires"}
        headers = str(sorted((name, value) for name, value in self.headers.items() if name not in varying))
        for value in sorted(ids.values(), key=len, reverse=True):
            # A small number is an id only in a URL, a form's value or JSON: images are 22 wide as well.
            pattern = (
                rf"(?:(?<=[/=])|(?<=value=\")|(?<=:\")){value}(?=[/&?\"'])" if value.isdecimal() else re.escape(value)
            )
            body, headers = re.sub(pattern, "<id>", body), re.sub(pattern, "<id>", headers)
        return self.status, headers, body, self.queries


ROWS: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _unchanged(scenario: Scenario) -> Iterator[None]:
    """Read the rows that every request is compared with, and check that none left a change behind."""
    ROWS[:] = [all_rows()]
    yield
    assert all_rows() == ROWS[0]


def test_every_url_has_a_rule() -> None:
    missing, gone = set(urls()) - RULES.keys(), {url.partition("#")[0] for url in RULES} - set(urls())
    hint = "\n".join(f'    "{url}": Rule(get=…, post=…, to="…", data={{…}}),' for url in sorted(missing))
    assert not missing, f"add a rule for each to RULES in tests/security/access_matrix.py:\n{hint}"
    assert not gone


def test_there_are_no_bulk_actions() -> None:
    """A bulk action is a POST to the URL of a list, so the matrix would not see it."""
    request: Any = RequestFactory().get("/admin/")
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    actions = {str(model): model_admin.get_actions(request) for model, model_admin in admin.site._registry.items()}
    assert not any(actions.values()), "send them in tests/security/test_access_matrix.py, too"


@pytest.mark.parametrize("name", ACTORS)
@pytest.mark.parametrize("url", RULES)
def test_actor_is_let_in_only_where_the_rule_allows(scenario: Scenario, url: str, name: str, record_property) -> None:
    rule, actor = RULES[url], scenario.actors[name]
    tenant = scenario.home if rule.to else actor.tenant
    path, data = path_of(url, rule, tenant.ids), fill(rule.data, scenario.values(tenant))
    methods = METHODS if path.startswith(("/v1", "/mcp")) else ADMIN_METHODS
    exchanges = [
        Exchange(rule, actor, method, path, data) for method in methods if actor.reads or method not in READING
    ]
    if not rule.to and rule.post:
        other = scenario.other if tenant is scenario.home else scenario.home
        exchanges.append(Exchange(rule, actor, "POST", path, fill(rule.data, scenario.values(other)), foreign=True))
    let_in = {exchange.method in READING for exchange in exchanges if exchange.let_in and exchange.allowed}
    mark = "r" * (True in let_in) + "w" * (False in let_in)
    record_property("access", (url, name, mark or "·", len(exchanges)))
    mistakes = [
        f"{name}: {exchange.method} {exchange.path} → {exchange.status}: {mistake}"
        for exchange in exchanges
        for mistake in exchange.mistakes(scenario)
    ]
    assert not mistakes, "\n".join(mistakes)


# The same code answers the other actors.
@pytest.mark.parametrize(
    ("url", "name"),
    [
        (url, name)
        for url, rule in RULES.items()
        if rule.to and not rule.bearer
        for name in ("anonymous", "key", "reviewer", "administrator", "superuser")
        if not (name == "superuser" and "superuser" in rule.get)  # a superuser manages all organizations
    ],
)
def test_thing_of_another_organization_is_answered_like_an_absent_one(scenario: Scenario, url: str, name: str) -> None:
    """Equal are the status, the headers, every byte, and the queries, on which the time depends."""
    rule, other = RULES[url], scenario.other
    data = fill(rule.data, scenario.values(other))
    for method in ("GET", *(method for method in METHODS[3:] if rule.allowed(method))):
        with time_machine.travel(clock.now(), tick=False):
            answers = [
                Exchange(rule, scenario.actors[name], method, path_of(url, rule, ids), data)
                for ids in (other.ids, absent_ids(other.ids))
            ]
        assert answers[0].visible(other.ids) == answers[1].visible(absent_ids(other.ids)), method


@pytest.mark.parametrize("what", CROSS_TENANT_REQUESTS)
def test_reference_to_another_organization_is_answered_like_an_absent_one(scenario: Scenario, what: str) -> None:
    def exchange(ids: dict[str, str]) -> Exchange:
        name, method, path, data = CROSS_TENANT_REQUESTS[what]
        values = scenario.values(scenario.home, other=ids)
        return Exchange(Rule(), scenario.actors[name], method, path.format(**values), fill(data, values))

    with time_machine.travel(clock.now(), tick=False):  # a page states ages in minutes
        foreign, absent, own = (
            exchange(ids) for ids in (scenario.other.ids, absent_ids(scenario.other.ids), scenario.home.ids)
        )
    assert foreign.difference.organizations <= {scenario.home.organization.pk}
    assert not list(foreign.leaks(scenario))
    shown = foreign.visible(scenario.other.ids)
    assert shown == absent.visible(absent_ids(scenario.other.ids))
    assert shown != own.visible(scenario.home.ids), "an answer that is the same for the own thing shows nothing"
