"""Everybody tries every door: who is let in is who the table names, and nothing else is seen or changed by anybody."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.db import transaction

from tests.security import endpoints
from tests.security.access_matrix import ACTIONS, ROUTES, VARIANTS, Rule
from tests.security.actors import SAFE, Caller, everybody
from tests.security.cross_tenant_requests import QUESTIONS
from tests.security.db_diff import Difference, Rows, rows, watched
from tests.security.fixtures import Side, Stage, absent, raise_stage

DECIDING = {"reviewer", "outsider"}  # each in their organization
COMPARING = ("nobody", "key", "reviewer", "administrator", "superuser")  # for others the same code answers
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
FORMS = ("GET", "POST", "PUT")  # to the desk HEAD and OPTIONS are a GET, and PATCH and DELETE a PUT: no POST
MANAGED = {  # what a superuser changes: organizations and people, and what is their own
    "accounts.Organization", "accounts.Membership", "accounts.User", "accounts.Invitation", "accounts.SecondFactor",
    "scheduling.SavedView",
}  # fmt: skip
TRACES = {"accounts.AuditEvent", "admin.LogEntry", "sessions.Session"}


@pytest.fixture
def stage(db: None, sandbox: Any, seat: Any, settings: Any, caplog: pytest.LogCaptureFixture) -> Stage:
    settings.API_RATE_PER_MINUTE = settings.API_RATE_PER_ADDRESS = 0
    caplog.set_level(logging.CRITICAL)  # thousands of refusals, each with its line
    return raise_stage(sandbox, seat)


@dataclass
class Visit:
    """One call and what came of it."""

    route: str
    rule: Rule
    caller: Caller
    method: str
    path: str
    body: dict[str, Any] | None
    trespass: bool = False  # a form of one's own that names what is another organization's
    status: int = 0
    location: str = ""
    said: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    changed: Difference = field(default_factory=lambda: Difference({}))

    @property
    def let_in(self) -> bool:
        if self.status >= 400:
            return self.status == 503 and self.route == "readyz"  # no worker runs here, and it says so
        turned_away = self.location.startswith("/admin/login/?") or self.location == "/admin/"
        return not turned_away or self.route == "admin/login/"

    def __str__(self) -> str:
        return f"{self.caller.name}: {self.method} {self.path} → {self.status}"


def pay(visit: Visit, before: Rows) -> Visit:
    """Send the call, keep what came of it, and leave the database as it was."""
    with transaction.atomic():
        with watched() as watch:
            answer = visit.caller.send(visit.method, visit.path, visit.body)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if watch.wrote:
            visit.changed = Difference.between(before, rows())
            if visit.caller.signed is not None:
                visit.changed = visit.changed.without_use_of(visit.caller.side.key.pk)
        transaction.set_rollback(True)
    visit.status, visit.location = answer.status_code, answer.headers.get("Location", "")
    visit.said = content.decode(errors="replace")
    visit.headers, visit.questions = dict(answer.headers), watch.questions
    return visit


def address(route: str, rule: Rule, things: dict[str, str]) -> str:
    path = f"/{rule.path}" if rule.path else endpoints.filled(route.partition("#")[0], things.get(rule.to, "1"))
    return path + rule.ask.format(**things)


def body_of(rule: Rule, side: Side, stage: Stage) -> dict[str, Any]:
    return rule.send(side, stage) if callable(rule.send) else rule.send


def all_doors() -> dict[str, Rule]:
    """Return the rules of the routes and of the bulk actions: those are a POST to the list's address."""
    listed = {}
    for name, list_address in endpoints.actions().items():
        rule = ACTIONS[name]
        ticked = {"action": name.split()[-1]}

        def send(side: Side, stage: Stage, rule: Rule = rule, ticked: dict[str, str] = ticked) -> dict[str, Any]:
            return {**ticked, "_selected_action": side.things[rule.to], **body_of(rule, side, stage)}

        listed[f"{list_address} {name.split()[-1]}"] = replace(rule, path=list_address.strip("/") + "/", send=send)
    return {**{route: ROUTES[route] for route in sorted(set(endpoints.routes()))}, **VARIANTS, **listed}


def visits(stage: Stage, caller: Caller, route: str, rule: Rule) -> Iterator[Visit]:
    """Yield each call that the caller makes at a door: at things of home, and at lists with its own."""
    side = stage.home if rule.to else caller.side
    given = body_of(rule, side, stage)
    path = address(route, rule, side.things)
    for method in METHODS if path.startswith("/v1") else FORMS:
        if not caller.reads and method in SAFE:
            continue
        yield Visit(route, rule, caller, method, path, None if method in SAFE else given)
    if not rule.to and rule.may("POST"):
        theirs = stage.other if side is stage.home else stage.home
        yield Visit(route, rule, caller, "POST", path, body_of(rule, theirs, stage), trespass=True)


def unexpected(visit: Visit, stage: Stage) -> Iterator[str]:
    """Yield what is wrong with what came of a call."""
    rule, caller, may = visit.rule, visit.caller, visit.caller.name in visit.rule.may(visit.method)
    judged = not visit.trespass and not (visit.method == "OPTIONS" and not visit.said)
    if visit.status >= 500 and not visit.let_in:
        yield "failed"
    listed = bool(rule.may(visit.method))
    sees = caller.name in rule.get and not listed  # a method that the door does not know may show what a GET shows
    if visit.let_in and not may and not sees and judged:
        yield "was let in"
    if not visit.let_in and may and visit.method != "HEAD" and judged:
        yield "was refused"
    changed = visit.changed
    if changed.changes and (visit.method in SAFE or not may):
        yield f"changed {sorted(changed.tables)}"
    if may and visit.method not in SAFE and not changed.changes and not rule.quiet and judged:
        yield "changed nothing"
    if caller.name == "superuser":
        if not changed.tables <= MANAGED | TRACES:
            yield f"a superuser changed {sorted(changed.tables)}"
    elif not rule.bearer and not changed.owners <= ({caller.side.organization.pk} if caller.belongs else set()):
        yield f"changed rows of another organization: {sorted(changed.tables)}"
    yield from _approved(visit)
    yield from _leaks(visit, stage)


def _approved(visit: Visit) -> Iterator[str]:
    caller, changed = visit.caller, visit.changed
    own = visit.rule.decides and visit.method == "POST" and caller.name in DECIDING
    if (changed.approvals or changed.scheduled) and not own:
        yield "approved something"
    if any(one["reviewer_id"] != getattr(caller.user, "pk", None) for one in changed.approvals):
        yield "approved in another's name"


def _leaks(visit: Visit, stage: Stage) -> Iterator[str]:
    caller = visit.caller
    strangers = [one for one in (stage.home, stage.other) if one is not caller.side or not caller.belongs]
    manages = caller.name == "superuser" and any(
        f"/{name}/" in visit.route for name in ("organization", "membership", "rules", "user", "autocomplete", "you")
    )
    marks = [] if manages or visit.rule.bearer else [mark for one in strangers for mark in one.marks]
    marks += [*stage.home.secrets, *stage.other.secrets]
    sent = f"{visit.path} {visit.body}"
    seen = f"{visit.said} {visit.headers}"
    for mark in marks:
        if mark in seen and mark not in sent:
            yield f"showed {mark!r}"


def hint(kind: str, names: set[str]) -> str:
    lines = "\n".join(f'    "{name}": Rule(get=…, post=…, to="…", send={{…}}),' for name in sorted(names))
    return f"not classified: add a line for each to {kind} in tests/security/access_matrix.py:\n{lines}"


def test_every_door_is_classified() -> None:
    missing = set(endpoints.routes()) - ROUTES.keys()
    assert not missing, hint("ROUTES", missing)
    missing = endpoints.actions().keys() - ACTIONS.keys()
    assert not missing, hint("ACTIONS", missing)
    gone = (ROUTES.keys() - set(endpoints.routes())) | (ACTIONS.keys() - endpoints.actions().keys())
    assert not gone, f"tests/security/access_matrix.py speaks of what there is no more: {sorted(gone)}"


def test_each_door_opens_for_whom_it_should_and_shows_nothing_to_others(stage: Stage) -> None:
    callers, before = everybody(stage), rows()
    wrong: list[str] = []
    tried, let_in = Counter[str](), Counter[tuple[str, str]]()
    for route, rule in all_doors().items():
        for caller in callers:
            for visit in visits(stage, caller, route, rule):
                pay(visit, before)
                wrong += [f"{visit}: {one}" for one in unexpected(visit, stage)]
                tried[route] += 1
                may = caller.name in rule.may(visit.method)
                let_in[route, caller.name] |= (visit.let_in and may) << (visit.method not in SAFE)
    assert rows() == before
    print(table(tried, let_in, [one.name for one in callers]))
    print(f"{len(tried)} doors, {len(callers)} callers, {tried.total():,} calls, {len(wrong)} unexpected")
    assert not wrong, "\n".join(wrong)


def table(tried: Counter[str], let_in: Counter[tuple[str, str]], names: list[str]) -> str:
    """Return who was let in where: r for reading, w for writing."""
    width = max(map(len, tried))
    lines = [" ".join([" " * width, "calls", *names])]
    for route, count in tried.items():
        marks = [("·", "r", "w", "rw")[let_in[route, name]].center(len(name)) for name in names]
        lines.append(" ".join([route.ljust(width), f"{count:5}", *marks]).rstrip())
    return "\n".join(lines)


TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|name="turn" value="[0-9]+"')


def alike(visit: Visit, things: dict[str, str]) -> tuple[Any, ...]:
    """Return all that a caller can tell of the answer, with the names of the things in place of their ids."""
    said, headers = TOKEN.sub("", visit.said), dict(visit.headers)
    for name in ("x-request-id", "Content-Length", "Set-Cookie", "Expires"):
        headers.pop(name, None)
    told = f"{sorted(headers.items())}"
    for value in sorted(things.values(), key=len, reverse=True):
        # A small number is an id in an address, a form's value or JSON alone: pictures are 22 wide as well.
        id_alone = (
            rf"(?:(?<=[/=])|(?<=value=\")|(?<=:\")){value}(?=[/&?\"'])" if value.isdecimal() else re.escape(value)
        )
        said, told = (re.sub(id_alone, "<thing>", text) for text in (said, told))
    return visit.status, told, said, visit.questions


def differing(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return where two answers part, and how they go on from there."""
    left, right = (repr(side) for side in (one, other))
    at = next((place for place, pair in enumerate(zip(left, right, strict=False)) if len(set(pair)) > 1), 0)
    return f"{left[max(0, at - 40) : at + 60]!r} and {right[max(0, at - 40) : at + 60]!r}"


def test_another_organizations_thing_is_answered_like_one_that_does_not_exist(stage: Stage) -> None:
    """Status, headers, every byte, and the statements that the database was asked, which is where time goes."""
    before, compared, wrong = rows(), 0, []
    ghost = replace(stage.other, things=absent(stage.other.things))
    for route, rule in all_doors().items():
        for caller in everybody(stage) if rule.to and not rule.bearer else ():
            manages = caller.name == "superuser" and rule.get >= {"superuser"}
            if caller.name not in COMPARING or manages:
                continue
            for method in ("GET", *(one for one in METHODS[3:] if rule.may(one))):
                answers = [
                    alike(pay(Visit(route, rule, caller, method, address(route, rule, side.things),
                                    body_of(rule, side, stage)), before), side.things)
                    for side in (stage.other, ghost)
                ]  # fmt: skip
                compared += 1
                if answers[0] != answers[1]:
                    wrong.append(f"{caller.name}: {method} {route}: {differing(*answers)}")
    print(f"{compared:,} pairs of answers compared, {len(wrong)} differ")
    assert compared > 300
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_reference_to_another_organizations_thing_reads_like_one_to_nothing(stage: Stage, question: Any) -> None:
    before, ghost = rows(), replace(stage.other, things=absent(stage.other.things))
    caller = next(one for one in everybody(stage) if one.name == question.who)
    answers = []
    for theirs in (stage.other, ghost):
        path, body = question.ask(stage.home, theirs, stage)
        visit = pay(Visit(path, Rule(), caller, question.method, path, body), before)
        assert not visit.changed.owners - {stage.home.organization.pk}
        assert not list(_leaks(visit, stage))
        answers.append(alike(visit, theirs.things))
    assert answers[0] == answers[1], differing(*answers)
    own_path, own_body = question.ask(stage.home, stage.home, stage)
    own = pay(Visit(own_path, Rule(), caller, question.method, own_path, own_body), before)
    assert alike(own, stage.home.things) != answers[0], "a question that is answered alike for one's own tells nothing"
