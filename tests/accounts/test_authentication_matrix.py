"""What is decided of a key in one process holds in every other one, from the very next request on."""

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
from tests.api_client import stamp
from tests.services.browser import Browser
from tests.services.processes import ProcessGroup

pytestmark = [pytest.mark.embedded, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_revoked_rotated_and_expired_keys_are_refused_by_every_process_at_once(
    processes: ProcessGroup,
    admin_member: User,
    make_key: Callable[..., ApiKey],
    organization: Organization,
    tmp_path: Path,
) -> None:
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    key = make_key(organization, admin_member)
    brief = make_key(organization, admin_member, "brief", expires_at=clock.now() + timedelta(hours=2))
    here, there = (processes.web(DYNAMO_WEB_WORKERS="1", DYNAMO_CLOCK_FILE=str(ahead))[1] for _ in range(2))

    def asked(web: str, key: ApiKey, secret: str) -> int:
        date = stamp(clock.now() + timedelta(seconds=float(ahead.read_text())))
        headers = {"x-api-key": key.pk, "x-date": date, "x-signature": sign(secret, date)}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{web}/v1/channels", headers=headers), timeout=20) as a:
                return int(a.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    first, short = key.secret, brief.secret  # type: ignore[attr-defined]
    assert [asked(web, key, first) for web in (here, there)] == [200, 200]
    # The desk's process knows no quick hashes.
    typed = admin_member.raw_password  # type: ignore[attr-defined]
    User.objects.filter(pk=admin_member.pk).update(password=make_password(typed, hasher=PBKDF2PasswordHasher()))
    desk = Browser()
    desk.sign_in(f"{here}/admin/", admin_member.get_username(), typed)

    def pressed(what: str, **typed: str) -> str:
        desk.open(f"{here}/admin/accounts/apikey/{key.pk}/{what}/")
        return desk.send(next(form for form in desk.forms() if "logout" not in form.action), typed)

    found = re.search(r'id="key-secret">([^<]+)<', pressed("rotate", overlap="1"))
    assert found
    second = found[1]
    assert [asked(there, key, secret) for secret in (first, second)] == [200, 200]

    ahead.write_text("3601")  # the overlap is over
    assert [asked(web, key, secret) for web in (there, here) for secret in (first, second)] == [403, 200] * 2
    assert asked(there, brief, short) == 200

    pressed("revoke")
    assert [asked(web, key, second) for web in (there, here)] == [403, 403]

    ahead.write_text("7201")
    assert [asked(web, brief, short) for web in (there, here)] == [403, 403]
