"""The API reference: Swagger UI and the description, for people who are signed in."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.api import openapi
from accounts.models import User

PAGE, SCRIPT, FILE = "/admin/api/", "/admin/api/?script=", "/admin/api/openapi.json"


def test_the_page_loads_no_foreign_address_and_has_nothing_inline(
    viewer: User, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(viewer).get(PAGE).content.decode()
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]*)"', page)
    assert [item for item in loaded if not item.startswith(("/static/", SCRIPT))] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\son\w+=\"", page) == []
    files = [item.removeprefix("/static/") for item in loaded if item.startswith("/static/")]
    assert [file for file in files if finders.find(file) is None] == []


def test_the_script_takes_the_settings_that_sign(viewer: User, signed_in: Callable[[User], Client]) -> None:
    answer = signed_in(viewer).get(SCRIPT)
    assert answer.headers["Content-Type"].startswith("application/javascript")
    script = answer.content.decode()
    assert "const swaggerSettings = swaggerOptions;" in script
    assert f'url: "{FILE.replace("-", chr(92) + "u002D")}"' in script


def test_the_description_is_the_published_file(viewer: User, signed_in: Callable[[User], Client]) -> None:
    answer = signed_in(viewer).get(FILE)
    assert answer.json() == json.loads(openapi.FILE.read_text(encoding="utf-8"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="openapi.json"'


def test_description_and_guide_need_no_key(client: Client) -> None:
    description = client.get("/openapi.json")
    assert description.json() == json.loads(openapi.FILE.read_text(encoding="utf-8"))
    guide = client.get("/llms.txt")
    assert guide.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert guide.content.decode().startswith("# Dynamo's API, for agents\n\n> ")
    assert client.post("/llms.txt").status_code == 405


def test_guide_names_only_calls_of_the_description() -> None:
    guide = Path(settings.BASE_DIR, "docs", "agents.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:GET|POST|PATCH|DELETE) (/[^\s`?]+)", guide))
    paths = {re.sub(r"\{\w+\}", "{id}", path) for path in openapi.generate_schema()["paths"]}
    assert named, "no call is named"
    assert named - paths == {"/mcp"}  # not a call of the API: docs/mcp.md
