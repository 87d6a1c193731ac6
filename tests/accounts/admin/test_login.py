"""Login lockout, two-device authentication, password change and sessions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.test import Client
from django_otp.oath import totp

from accounts import clock, encryption
from accounts.domain import mfa
from accounts.models import AuditEvent, TotpDevice, User

pytestmark = pytest.mark.embedded

LOGIN = "/admin/login/"


def code_of(user: User) -> str:
    """Return the current code of the user's authenticator app."""
    device = TotpDevice.objects.get(user=user)
    return f"{totp(bytes.fromhex(encryption.decrypt(device.secret_encrypted))):06d}"


def enrol(user: User) -> list[str]:
    mfa.start_enrolment(user)
    return mfa.confirm_enrolment(user, code_of(user))[1]


def a_while_later() -> Any:
    """Move on to the app's next code."""
    return time_machine.travel(clock.now() + timedelta(seconds=61), tick=True)


def sign_in(user: User, password: str | None = None, **headers: str) -> tuple[Client, Any]:
    browser = Client(**headers)
    typed = {"username": user.get_username(), "password": password or user.raw_password}  # type: ignore[attr-defined]
    return browser, browser.post(LOGIN, typed)


def is_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_too_many_wrong_passwords_lock_username_and_address(reviewer: User, author: User, settings: Any) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        _, answer = sign_in(reviewer, "guess")
    assert (answer.status_code, "Too many wrong passwords" in answer.content.decode()) == (429, True)
    assert sign_in(reviewer)[1].status_code == 429  # the right one, as good as any
    assert sign_in(author)[1].status_code == 302
    assert sign_in(reviewer, REMOTE_ADDR="192.0.2.7")[1].status_code == 302
    kept = "".join(str(row) for row in AccessAttempt.objects.values())
    assert "guess" not in kept
    with time_machine.travel(clock.now() + settings.AXES_COOLOFF_TIME + timedelta(seconds=1), tick=True):
        assert sign_in(reviewer)[1].status_code == 302


def test_lockout_behind_proxy_uses_the_last_forwarded_address(reviewer: User, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    for number in range(settings.AXES_FAILURE_LIMIT):
        sign_in(reviewer, "guess", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 203.0.113.9")
    assert sign_in(reviewer, HTTP_X_FORWARDED_FOR="10.9.9.9, 203.0.113.9")[1].status_code == 429
    assert sign_in(reviewer, HTTP_X_FORWARDED_FOR="203.0.113.9, 203.0.113.10")[1].status_code == 302
    settings.BEHIND_PROXY = False
    assert sign_in(reviewer, HTTP_X_FORWARDED_FOR="10.9.9.9, 203.0.113.9")[1].status_code == 302


def test_login_with_mfa_accepts_each_code_once(reviewer: User) -> None:
    enrol(reviewer)
    with a_while_later():
        browser, answer = sign_in(reviewer)
        assert answer.url.startswith(f"{LOGIN}code/")
        assert not is_in(browser)
        code = code_of(reviewer)
        assert browser.post(answer.url, {"code": code}).url == "/admin/"
        assert is_in(browser)

        again, answer = sign_in(reviewer)
        assert "already used" in again.post(answer.url, {"code": code}).content.decode()
        assert not is_in(again)


def test_code_page_needs_a_recent_correct_password(reviewer: User) -> None:
    enrol(reviewer)
    assert Client().post(f"{LOGIN}code/", {"code": code_of(reviewer)}).url == LOGIN
    browser, answer = sign_in(reviewer)
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
        assert browser.post(answer.url, {"code": code_of(reviewer)}).url == LOGIN
    stale, answer = sign_in(reviewer)
    reviewer.set_password("another-passphrase")
    reviewer.save()
    with a_while_later():
        assert stale.post(answer.url, {"code": code_of(reviewer)}).url == LOGIN
        assert not is_in(stale)


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_login_redirects_to_the_admin_only(reviewer: User, onward: str) -> None:
    typed = {"username": reviewer.username, "password": reviewer.raw_password, "next": onward}  # type: ignore[attr-defined]
    assert Client().post(LOGIN, typed).url == "/admin/"
    enrol(reviewer)
    with a_while_later():
        browser, _ = sign_in(reviewer)
        answer = browser.post(f"{LOGIN}code/?next={onward}", {"code": code_of(reviewer), "next": onward})
    assert answer.url == "/admin/"


def test_mfa_setup_shows_the_secret_until_confirmed_and_ends_other_sessions(
    reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    browser, other = signed_in(reviewer), signed_in(reviewer)
    browser.get("/admin/account/mfa/")
    assert not TotpDevice.objects.exists()
    browser.post("/admin/account/mfa/")
    page = browser.get("/admin/account/mfa/").content.decode()
    assert 'src="data:image/svg+xml' in page
    assert mfa.base32_secret(TotpDevice.objects.get()) in page
    assert "Invalid code" in browser.post("/admin/account/mfa/", {"code": "000000x"}).content.decode()
    assert is_in(other)

    answer = browser.post("/admin/account/mfa/", {"code": code_of(reviewer)})

    codes = answer.context["codes"]
    assert (len(codes), "no-store" in answer.headers["Cache-Control"]) == (10, True)
    assert (is_in(browser), is_in(other)) == (True, False)
    after = browser.get("/admin/account/mfa/").content.decode()
    assert not any(code in after for code in codes)
    assert "data:image" not in after

    late, page = sign_in(reviewer)
    assert late.post(page.url, {"code": codes[0].upper()}).url == "/admin/"
    later, page = sign_in(reviewer)
    assert "already used" in later.post(page.url, {"code": codes[0]}).content.decode()


def test_mfa_disable_needs_password_and_code(reviewer: User, signed_in: Callable[[User], Client]) -> None:
    codes = enrol(reviewer)
    page, browser = "/admin/account/mfa/disable/", signed_in(reviewer)
    browser.post(page, {"password": "wrong", "code": codes[0]})
    browser.post(page, {"password": reviewer.raw_password, "code": "wrong"})  # type: ignore[attr-defined]
    assert mfa.get_mfa(reviewer) is not None
    browser.post(page, {"password": reviewer.raw_password, "code": codes[0]})  # type: ignore[attr-defined]
    assert mfa.get_mfa(reviewer) is None
    assert AuditEvent.objects.filter(verb="user.second_factor_off").count() == 1


def test_sign_out_everywhere_needs_a_post_and_ends_all_sessions(
    reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    one, other = signed_in(reviewer), signed_in(reviewer)
    one.get("/admin/account/sign-out/")
    assert is_in(other)
    one.post("/admin/account/sign-out/")
    assert (is_in(one), is_in(other)) == (False, False)
    assert AuditEvent.objects.get().verb == "user.sign_out_everywhere"
    assert is_in(signed_in(reviewer))


def test_password_change_ends_other_sessions_and_is_recorded(
    reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    one, other = signed_in(reviewer), signed_in(reviewer)
    typed = {"new_password1": "a-long-passphrase", "new_password2": "a-long-passphrase"}
    one.post("/admin/password_change/", {"old_password": reviewer.raw_password, **typed})  # type: ignore[attr-defined]
    assert (is_in(one), is_in(other)) == (True, False)
    assert AuditEvent.objects.get().details == {"changed": {}, "password": "set"}


def test_password_change_counts_wrong_passwords_towards_the_lockout(
    reviewer: User, signed_in: Callable[[User], Client], settings: Any
) -> None:
    page, browser = "/admin/password_change/", signed_in(reviewer)
    typed = {"new_password1": "a-long-passphrase", "new_password2": "a-long-passphrase"}
    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = browser.post(page, {"old_password": "guess", **typed})
    assert (answer.status_code, "Too many wrong passwords" in answer.content.decode()) == (429, True)
    right = {"old_password": reviewer.raw_password, **typed}  # type: ignore[attr-defined]
    assert browser.post(page, right).status_code == 429
    assert sign_in(reviewer)[1].status_code == 429  # counted with the others
    with time_machine.travel(clock.now() + settings.AXES_COOLOFF_TIME + timedelta(seconds=1), tick=True):
        assert browser.post(page, right).status_code == 302


def test_only_superusers_reset_mfa_of_others(
    reviewer: User, admin_member: User, signed_in: Callable[[User], Client]
) -> None:
    enrol(reviewer)
    rescue = f"/admin/accounts/user/{reviewer.pk}/rescue/"
    browser = signed_in(admin_member)
    assert browser.post(rescue, {"reset_mfa": "on", "sign_out": "on"}).status_code == 403
    User.objects.filter(pk=admin_member.pk).update(is_superuser=True)
    browser.get(rescue)
    assert mfa.get_mfa(reviewer) is not None
    browser.post(rescue, {"reset_mfa": "on", "sign_out": "on"})
    assert mfa.get_mfa(reviewer) is None


def test_database_contains_no_secret_or_code_in_clear(reviewer: User, tmp_path: Any) -> None:
    codes = enrol(reviewer)
    device = TotpDevice.objects.get()
    secret = encryption.decrypt(device.secret_encrypted)
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "--output", str(dump), verbosity=0)
    text = dump.read_text()
    for text_in_clear in (secret, mfa.base32_secret(device), *codes, *(code.replace("-", "") for code in codes)):
        assert text_in_clear not in text
