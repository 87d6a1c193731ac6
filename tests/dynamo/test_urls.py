"""URLs that Django adds and that are disabled."""

from collections.abc import Callable

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from accounts.models import User


def test_admin_redirects_to_objects_are_not_found(viewer: User, signed_in: Callable[[User], Client]) -> None:
    desk = signed_in(viewer)
    kinds = ContentType.objects.values_list("pk", flat=True)
    assert {desk.get(f"/admin/r/{kind}/1/").status_code for kind in kinds} == {404}


def test_groups_cannot_be_created(viewer: User, signed_in: Callable[[User], Client]) -> None:
    User.objects.filter(pk=viewer.pk).update(is_superuser=True)
    assert signed_in(viewer).get("/admin/auth/group/").status_code == 404


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_login_redirects_to_the_admin_only(viewer: User, onward: str) -> None:
    typed = {"username": viewer.username, "password": viewer.raw_password, "next": onward}  # type: ignore[attr-defined]
    answer = Client().post("/admin/login/", typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
