"""The API reference: Swagger UI and the description, for people who are signed in."""

import json
import re
from collections.abc import Callable

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.api import openapi
from accounts.models import Organization, Role, User

PAGE, SCRIPT, FILE = "/admin/api/", "/admin/api/?script=", "/admin/api/openapi.json"


@pytest.mark.parametrize("role", Role.values)
def test_every_member_may_read_it(
    role: Role, make_member: Callable[..., User], organization: Organization, signed_in: Callable[[User], Client]
) -> None:
    desk = signed_in(make_member("member", organization, role))
    for path in (PAGE, SCRIPT, FILE):
        assert (desk.get(path).status_code, desk.head(path).status_code, desk.post(path).status_code) == (200, 200, 405)
    assert f'href="{PAGE}" aria-current="page"' in desk.get(PAGE).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PAGE, SCRIPT, FILE])
def test_a_signed_out_person_is_redirected_to_the_login_page(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/?next=/admin/api/")


def test_an_inactive_person_is_redirected_to_the_login_page(viewer: User, signed_in: Callable[[User], Client]) -> None:
    desk = signed_in(viewer)
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    assert {desk.get(path).status_code for path in (PAGE, SCRIPT, FILE)} == {302}


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


def test_the_description_equals_the_generated_one(viewer: User, signed_in: Callable[[User], Client]) -> None:
    answer = signed_in(viewer).get(FILE)
    assert answer.json() == openapi.generate_schema() == json.loads(openapi.FILE.read_text(encoding="utf-8"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="openapi.json"'
