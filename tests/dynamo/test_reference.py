"""The page about the API: all of the description, for whoever is signed in, and commands that work as pasted."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from drf_spectacular.generators import EndpointEnumerator

from accounts.api.schema import described
from accounts.models import ApiKey, Organization, Role, User
from dynamo import openapi
from dynamo.reference import curl, guide
from dynamo.reference.page import contents, description
from posts.models import Channel

PAGE = "/admin/api/"
SIGNING = ("x-api-key", "x-date", "x-signature")
# Prints what curl would be told, in place of sending it.
STUB = """curl() { for one in "$@"; do printf '%s\\0' "$one"; done; printf '\\1\\0'; }\n"""
OPERATIONS = list(openapi.operations(description()))


@pytest.fixture
def page(viewer: User, signed_in: Callable[[User], Client]) -> str:
    answer = signed_in(viewer).get(PAGE)
    assert answer.status_code == 200
    return str(answer.content.decode())


def examples(one: Any) -> Iterator[dict[str, Any]]:
    """Yield every example, wherever it stands."""
    if isinstance(one, dict):
        yield from one["examples"].values() if isinstance(one.get("examples"), dict) else ()
        for below in one.values():
            yield from examples(below)


def test_it_shows_every_operation_with_its_parameters_and_examples(page: str) -> None:
    text = unescape(re.sub(r"<[^>]+>", "", page))
    for path, method, said in OPERATIONS:
        assert f"{method.upper()} {path}" in text
        assert said["summary"] in text
        for one in said.get("parameters", []):
            assert one["name"] in text
        for one in examples(said):
            assert one["summary"] in text or one["summary"] == next(examples(said))["summary"]
    drawn = [one for group in contents()["groups"] for one in group.operations]
    assert len(drawn) == len(OPERATIONS)
    assert {f"#{one.anchor}" for one in drawn} <= set(re.findall(r'href="(#[^"]+)"', page))


def test_every_link_within_leads_somewhere_and_no_two_places_share_a_name(page: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', page)) - set(names) == set()


def test_it_takes_nothing_from_elsewhere_and_runs_nothing_inline(page: str) -> None:
    assert re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!/static/)[^"]*"', page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\son\w+=\"", page) == []


def test_every_step_of_the_lifecycle_is_said_and_leads_to_its_operation(page: str) -> None:
    assert {one.name for one in guide.steps()} == set(guide.WHO)
    assert all(f'id="{one.anchor}"' in page for one in guide.steps() if one.anchor)


@pytest.mark.parametrize("role", Role.values)
def test_every_member_may_read_it(
    role: Role, make_member: Callable[..., User], organization: Organization, signed_in: Callable[[User], Client]
) -> None:
    desk = signed_in(make_member("member", organization, role))
    assert (desk.get(PAGE).status_code, desk.head(PAGE).status_code, desk.post(PAGE).status_code) == (200, 200, 405)
    assert f'href="{PAGE}" aria-current="page"' in desk.get(PAGE).content.decode()
    file = desk.get(f"{PAGE}openapi.json")
    assert file.headers["Content-Disposition"] == 'attachment; filename="openapi.json"'
    assert file.json() == {**description(), "servers": [{"url": "http://testserver"}]}


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PAGE, f"{PAGE}openapi.json"])
def test_a_stranger_is_sent_to_sign_in(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={path}")


def sent(script: str, key: ApiKey) -> list[list[str]]:
    """Run a script in a shell, with a key in place of the placeholders; return what each curl in it is told."""
    secret = key.secret  # type: ignore[attr-defined]  the fixture keeps it there
    script = script.replace("your-key-id", key.pk).replace("your-secret", secret)
    done = subprocess.run(["bash", "-c", STUB + script], capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    return [one.split("\0")[:-1] for one in done.stdout.decode().split("\1\0")[:-1]]


@dataclass(frozen=True)
class Told:
    """What curl was told: a request, and the headers that sign it."""

    method: str
    url: str
    query: str
    body: str
    headers: dict[str, str]

    @classmethod
    def by(cls, words: list[str]) -> "Told":
        """Read curl's options, as far as the page uses them."""
        rest = iter(words)
        flags: dict[str, list[str]] = {"-X": [], "-d": [], "-H": [], "": []}
        query = False
        for word in rest:
            query |= word == "-G"
            if word in {"-X", "-d", "-H"}:
                flags[word].append(next(rest))
            elif word not in {"-G", "-sS"}:
                flags[""].append(word)
        (url,), data = flags[""], "&".join(flags["-d"])
        method = (flags["-X"] or ["POST" if data and not query else "GET"])[0]
        headers = dict(one.split(": ", 1) for one in flags["-H"])
        url, _, asked = url.removeprefix("http://testserver/v1").partition("?")
        return cls(method, url, data if query else asked, "" if query else data, headers)

    def sent(self, **changes: str) -> Any:
        """Send it, without another signature than its own."""
        one = replace(self, **changes)
        headers = {name: value for name, value in one.headers.items() if name != "content-type"}
        kind = one.headers.get("content-type", "")
        target = f"/v1{one.url}{'?' if one.query else ''}{one.query}"
        return Client().generic(one.method, target, one.body, kind, headers=headers)

    def as_example(self) -> tuple[Any, ...]:
        """Return the request as examples have it."""
        extra = {name: value for name, value in self.headers.items() if name not in {*SIGNING, "content-type"}}
        return self.method, self.url, dict(parse_qsl(self.query)), json.loads(self.body or "null"), extra


def first_examples() -> Iterator[tuple[Any, ...]]:
    """Yield the requests of the examples that the page shows as commands."""
    for path, _, method, view in EndpointEnumerator().get_api_endpoints():
        told = described(view.cls, method)
        url = path.removeprefix("/v1").replace("{post_id}", told.named[1])
        good = [one for one in told.examples if one.status < 400] or list(told.examples[:1])
        for one in good if told.body else good[:1]:
            yield method, url, dict(good[0].query), one.body, dict(good[0].headers)


def test_the_commands_are_the_examples_and_work_as_pasted(page: str, key: ApiKey, facebook: Channel) -> None:
    blocks = [unescape(re.sub(r"<[^>]+>", "", one)) for one in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    define = next(one for one in blocks if one.startswith("API="))
    fully = next(one for one in blocks if one.startswith("signed_fully()"))
    calls = [one for one in blocks if one.startswith("signed ")]
    more = 'signed_fully POST /v1/scheduled-posts \'{"brief": "Olá 👋"}\'\n'
    first, *others, read, written = map(Told.by, sent("\n".join([define, *calls, fully, more]), key))
    assert first.sent().json() == [{"id": facebook.wire_id, "type": "FB_PAGE", "name": facebook.name}]
    assert sorted((one.as_example() for one in others), key=repr) == sorted(first_examples(), key=repr)
    assert all("ignature" not in one.sent().content.decode() for one in others)
    assert read.sent().json() == []
    assert written.sent().json()["brief"] == "Olá 👋"
    assert written.sent(body='{"brief": "Another"}').json() == {"message": "Invalid signature"}


def test_the_python_that_it_shows_signs(key: ApiKey, facebook: Channel) -> None:
    shown: dict[str, Any] = {}
    exec(curl.PYTHON, shown)  # noqa: S102  our own, as a client would
    headers = shown["headers"](key.pk, key.secret)  # type: ignore[attr-defined]
    assert Client().get("/v1/channels", headers=headers).status_code == 200


def test_the_known_answers_are_those_of_the_documents() -> None:
    documents = (openapi.FILE.parent / "signing.md").read_text(encoding="utf-8")
    assert [one for *_, one in guide.facts()["full"]] == re.findall(r"^\d\. `(\w{64})`$", documents, re.MULTILINE)
    assert [line[-1] for line in guide.facts()["plain"]] == [
        "110418366cccf7fa2be30b16e3d6552c2286a09ad944e6d2defaf3dc15858cec",
        "b6022713a9a5a1c6f9ace05ab7ee103276cbb03a800adcec4ac7b6176e2ef905",
        "0d4666c4aa41baa87a7f5a7ff2aa1fbbf5c4bad63382343128fb5ed9940640e2",
    ]
