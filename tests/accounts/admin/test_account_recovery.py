"""Forgotten passwords, resets by an administrator, sign-in by e-mail, and joining (T6)."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from celery import current_app
from django import forms
from django.core import mail
from django.test import Client

from accounts import clock
from accounts.admin.reauthentication import SECRET_FIELDS
from accounts.domain import mfa
from accounts.log_formatter import redact
from accounts.models import AuditEvent, Membership, Organization, Role, TotpDevice, User
from tests.accounts.admin.test_login import LOGIN, code_of, enrol, is_in, sign_in
from tests.helpers import AdminClient

RESET = "/admin/password_reset/"
NEW = {"new_password1": "another-passphrase", "new_password2": "another-passphrase"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run the worker's task at once. Returns the arguments of all messages."""
    messages: list[Any] = []
    current_app.loader.import_default_modules()

    def run(name: str, *, args: list[Any], **_: Any) -> None:
        messages.append(args)
        current_app.tasks[name](*args)

    monkeypatch.setattr(current_app, "send_task", run)
    return messages


def ask(email: str, capture: Any, **headers: str) -> Any:
    browser = Client(**headers)
    with capture(execute=True):
        return browser.post(RESET, {"email": email})


def mailed_link() -> str:
    matched = re.search(r"http://[^/]+(/admin/password_reset/\S+)", mail.outbox[-1].body)
    assert matched
    return matched[1]


def test_forgotten_password_is_replaced_by_the_mailed_link_once_t6(
    reviewer: User, sent: list[Any], django_capture_on_commit_callbacks: Any, signed_in: Callable[[User], Client]
) -> None:
    session = signed_in(reviewer)
    codes = enrol(reviewer)
    ask("Reviewer@Example.com", django_capture_on_commit_callbacks)
    assert (mail.outbox[0].to, reviewer.raw_password in mail.outbox[0].body) == ([reviewer.email], False)  # type: ignore[attr-defined]
    link = mailed_link()
    assert redact(f"GET {link}").endswith("[cut]/")

    browser = Client()
    assert browser.get(link).status_code == 200
    assert "too short" in browser.post(link, {"new_password1": "x", "new_password2": "x"}).content.decode()
    assert is_in(session)
    assert browser.post(link, NEW).url == LOGIN

    assert (browser.get(link).status_code, browser.post(link, NEW).status_code) == (410, 410)
    assert not is_in(session)
    page = sign_in(reviewer, "another-passphrase")[1]
    assert page.url.startswith(f"{LOGIN}code/")  # the second factor stays
    assert len(codes) == 10
    assert sign_in(reviewer)[1].status_code == 200  # the old password
    assert AuditEvent.objects.filter(verb="user.change", actor_id=str(reviewer.pk)).count() == 1
    assert "was changed" in mail.outbox[-1].subject


def test_reset_answers_alike_for_every_address_t6(
    reviewer: User, outsider: User, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=outsider.pk).update(is_active=False)
    answers = [
        ask(email, django_capture_on_commit_callbacks, REMOTE_ADDR=f"192.0.2.{number}")
        for number, email in enumerate([reviewer.email, outsider.email, "absent@example.com"])
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert [len(args[0]) for args in sent] == [1, 0, 0]  # a message each time
    assert [message.to for message in mail.outbox] == [[reviewer.email]]


def test_reset_link_expires_and_cannot_be_forged_t6(
    reviewer: User, author: User, sent: list[Any], django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    ask(reviewer.email, django_capture_on_commit_callbacks)
    link = mailed_link()
    _, uid, token = link.strip("/").rsplit("/", 2)
    ask(author.email, django_capture_on_commit_callbacks)
    other = mailed_link().strip("/").rsplit("/", 2)[1]
    forged = [(other, token), (uid, f"{token[:-1]}x"), (uid, "x"), ("%00", token), ("____", token), ("OTk5", token)]
    for bad in map("/".join, forged):
        assert Client().post(f"{RESET}{bad}/", NEW).status_code == 410, bad
    with time_machine.travel(clock.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 2), tick=True):
        assert Client().post(link, NEW).status_code == 410
    assert is_in(sign_in(reviewer)[0])


def test_reset_requests_are_limited_by_mailbox_and_by_address_t6(
    reviewer: User, sent: list[Any], django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    settings.PASSWORD_RESETS_PER_HOUR = 2
    with time_machine.travel(clock.now(), tick=False):
        for number in range(4):
            answer = ask(reviewer.email, django_capture_on_commit_callbacks, REMOTE_ADDR=f"192.0.2.{number}")
            assert answer.status_code == 200
        assert len(mail.outbox) == 2
        others = [ask(f"{number}@example.com", django_capture_on_commit_callbacks) for number in range(11)]
    statuses = [answer.status_code for answer in others]
    assert statuses == [200] * 10 + [429]


def test_person_signs_in_by_email_as_well_as_username_t6(reviewer: User, author: User, settings: Any) -> None:
    def by_email(password: str) -> Any:
        return Client().post(LOGIN, {"username": "Reviewer@example.com", "password": password})

    assert by_email(reviewer.raw_password).status_code == 302  # type: ignore[attr-defined]
    # A username comes before an address, and an address of two accounts is none.
    User.objects.filter(pk=author.pk).update(username="Reviewer@example.com")
    assert by_email(reviewer.raw_password).status_code == 200  # type: ignore[attr-defined]
    User.objects.filter(pk=author.pk).update(username="author", email="REVIEWER@example.com")
    assert by_email(reviewer.raw_password).status_code == 200  # type: ignore[attr-defined]
    User.objects.filter(pk=author.pk).update(email="author@example.com")
    # Guesses under either name count for the account.
    for number in range(settings.AXES_FAILURE_LIMIT):
        answer = by_email("guess") if number % 2 else sign_in(reviewer, "guess")[1]
    assert answer.status_code == 429
    assert (sign_in(reviewer)[1].status_code, by_email("guess").status_code) == (429, 429)


def reset(admin: AdminClient, user: User, **typed: str) -> Any:
    page = f"/admin/accounts/membership/{Membership.objects.filter(user=user).first().pk}/recovery/"  # type: ignore[union-attr]
    if admin.open(page).answer.status_code != 200:
        return admin.answer
    form = admin.form()
    form.fields.pop("sign_out", None)
    return admin.press(**typed).answer


def test_admin_resets_password_and_second_factor_of_a_colleague_t6(
    admin_member: User, reviewer: User, signed_in: Callable[[User], Client], sent: list[Any]
) -> None:
    session = signed_in(reviewer)
    enrol(reviewer)
    admin = AdminClient(admin_member)
    assert reset(admin, reviewer).status_code == 200  # nothing was chosen
    answer = reset(admin, reviewer, reset_mfa="on", reset_password="on")
    assert answer.status_code == 302
    assert (mfa.get_mfa(reviewer), is_in(session)) == (None, False)
    assert sign_in(reviewer)[1].status_code == 200  # the old password
    assert [message.to for message in mail.outbox] == [[reviewer.email]] * 2
    link = mailed_link()
    assert link not in admin.open(admin.answer.url).answer.content.decode()
    assert Client().post(link, NEW).url == LOGIN
    assert is_in(sign_in(reviewer, "another-passphrase")[0])
    by = AuditEvent.objects.filter(actor_id=str(admin_member.pk)).order_by("id").values_list("verb", flat=True)
    assert list(by) == ["user.second_factor_off", "user.change"]


@pytest.mark.parametrize("who", ["superuser", "of another organization", "oneself", "by an editor"])
def test_admin_cannot_reset_accounts_that_are_not_theirs_alone_t6(
    who: str, admin_member: User, reviewer: User, author: User, other_organization: Organization
) -> None:
    enrol(reviewer)
    target, actor = reviewer, admin_member
    if who == "superuser":
        User.objects.filter(pk=reviewer.pk).update(is_superuser=True)
    elif who == "of another organization":
        Membership.objects.create(user=reviewer, organization=other_organization, role=Role.VIEWER)
    elif who == "oneself":
        target = admin_member
    else:
        actor = author
    answer = reset(AdminClient(actor), target, reset_mfa="on", reset_password="on", sign_out="on")
    assert answer.status_code == 403
    assert mfa.get_mfa(reviewer) is not None
    assert (len(mail.outbox), is_in(sign_in(author)[0])) == (0, True)


def test_admin_resets_password_after_reauthentication_t6(
    admin_member: User, reviewer: User, sent: list[Any], settings: Any
) -> None:
    admin = AdminClient(admin_member)
    with time_machine.travel(clock.now() + timedelta(seconds=settings.REAUTHENTICATE_AFTER + 1), tick=True):
        assert reset(admin, reviewer, reset_password="on", sign_out="on").status_code == 403
        admin.press("recovery", proof=admin_member.raw_password)  # type: ignore[attr-defined]
    assert admin.answer.status_code == 302
    assert mailed_link()
    assert sign_in(reviewer)[1].status_code == 200  # the old password


def test_every_password_field_is_known_to_reauthentication_t6() -> None:
    """The page that asks for the credential repeats what was posted, except these fields."""

    def subclasses(form: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
        for subclass in form.__subclasses__():
            yield from (subclass, *subclasses(subclass))

    import_module("dynamo.urls")  # which imports every view
    fields = [item for form in subclasses(forms.BaseForm) for item in getattr(form, "base_fields", {}).items()]
    secret = {name for name, field in fields if isinstance(field.widget, forms.PasswordInput)}
    assert {"token", "new_password1"} <= secret <= SECRET_FIELDS


def test_admin_needs_a_recent_login_and_the_required_factor_t6(
    admin_member: User, reviewer: User, organization: Organization, settings: Any
) -> None:
    enrol(reviewer)
    admin = AdminClient(admin_member)
    with time_machine.travel(clock.now() + timedelta(seconds=settings.REAUTHENTICATE_AFTER + 1), tick=True):
        assert reset(admin, reviewer, reset_mfa="on").status_code == 403
        assert "Confirm your identity" in admin.text
    organization.require_mfa = True
    organization.save()
    assert "requires two-factor authentication" in reset(admin, reviewer, reset_mfa="on").content.decode()
    assert TotpDevice.objects.filter(user=reviewer).exists()
    enrol(admin_member)
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        answer = reset(admin, reviewer, reset_mfa="on", proof=code_of(admin_member))
    assert answer.status_code == 302
    assert mfa.get_mfa(reviewer) is None
