"""The people of the demo (T7)."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Role
from dynamo.demo.seed import load_credentials, seed
from dynamo.management.commands.demo import WELCOME
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.embedded


def test_demo_prints_an_author_a_reviewer_and_an_administrator_t7(
    sandbox: SandboxControl, db: None, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    seed()
    people = load_credentials()
    printed = WELCOME.format(**people, admin="", sandbox="", api="", file="", logs="")
    roles = {"author": (Role.EDITOR, False), "reviewer": (Role.VIEWER, True), "administrator": (Role.ADMIN, False)}
    for name, expected in roles.items():
        person = people[name]
        membership = Membership.objects.get(user__username=person["username"])
        assert (membership.role, membership.may_review) == expected
        assert any(line.split()[:2] == [name, person["username"]] for line in printed.splitlines())
        assert person["password"] in printed
        assert Client().login(**person)
