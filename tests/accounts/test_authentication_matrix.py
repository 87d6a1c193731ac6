"""Changes of a key made in one process apply to the next request in every other one."""

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from accounts import clock
from accounts.domain.request_signatures import sign
from accounts.models import ApiKey, Organization, User
from tests.helpers import stamp
from tests.services.browser import Browser
from tests.services.processes import ProcessGroup

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_revoked_rotated_and_expired_keys_are_refused_by_every_process(
    processes: ProcessGroup,
    admin_member: User,
    make_key: Callable[..., ApiKey],
    organization: Organization,
    tmp_path: Path,
) -> None:
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    key = make_key(organization, admin_member)
    short_lived = make_key(organization, admin_member, "short_lived", expires_at=clock.now() + timedelta(hours=2))
    here, there = (processes.web(DYNAMO_WEB_WORKERS="1", DYNAMO_CLOCK_FILE=str(ahead))[1] for _ in range(2))

    def asked(web: str, key: ApiKey, secret: str) -> int:
        date = stamp(clock.now() + timedelta(seconds=float(ahead.read_text())))
        headers = {"x-api-key": key.pk, "x-date": date, "x-signature": sign(secret, date)}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{web}/v1/channels", headers=headers), timeout=20) as a:
                return int(a.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    first, short = key.secret, short_lived.secret  # type: ignore[attr-defined]
    assert [asked(web, key, first) for web in (here, there)] == [200, 200]
    # The web process does not use the fast hasher of the tests.
    typed = admin_member.raw_password  # type: ignore[attr-defined]
    User.objects.filter(pk=admin_member.pk).update(password=make_password(typed, hasher=PBKDF2PasswordHasher()))
    browser = Browser()
    browser.sign_in(f"{here}/admin/", admin_member.get_username(), typed)

    def pressed(what: str, **typed: str) -> str:
        browser.open(f"{here}/admin/accounts/apikey/{key.pk}/{what}/")
        return browser.send(next(form for form in browser.forms() if "logout" not in form.action), typed)

    matched = re.search(r'id="key-secret">([^<]+)<', pressed("rotate", overlap="1"))
    assert matched
    second = matched[1]
    assert [asked(there, key, secret) for secret in (first, second)] == [200, 200]

    ahead.write_text("3601")  # the overlap is over
    assert [asked(web, key, secret) for web in (there, here) for secret in (first, second)] == [403, 200] * 2
    assert asked(there, short_lived, short) == 200

    pressed("revoke")
    assert [asked(web, key, second) for web in (there, here)] == [403, 403]

    ahead.write_text("7201")
    assert [asked(web, short_lived, short) for web in (there, here)] == [403, 403]
