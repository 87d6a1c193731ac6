"""Invitations and members: changed by admins of the organization only, never by themselves."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail, signing
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import clock
from accounts.domain import identities, invitations, memberships
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import AuditEvent, Invitation, Membership, Organization, Role, User
from posts.models import Channel

MEMBERS = "/admin/accounts/membership/"
NEW = {"username": "rita", "first_name": "Rita", "password": "a-long-passphrase", "again": "a-long-passphrase"}
WHOM = {"email": "Rita@Example.com", "role": "VIEWER", "may_review": "on", "reach": "all"}


@pytest.fixture
def boss(signed_in: Callable[[User], Client], admin_member: User) -> Client:
    return signed_in(admin_member)


def invite(boss: Client, **typed: Any) -> str:
    """Invite through the form and return the path of the mailed link."""
    boss.post(f"{MEMBERS}invite/", {**WHOM, **typed})
    return link_in(str(mail.outbox[-1].body))


def link_in(text: str) -> str:
    matched = re.search(rf"{settings.ADMIN_URL}(/admin/invitation/[^<\s]+)", text)
    assert matched, text
    return matched[1]


def invite_without_mail(boss: Client, settings: Any, **typed: Any) -> str:
    """Invite where no mail goes out and return the path of the link that the page shows."""
    settings.MAIL_GOES_OUT = False
    return link_in(boss.post(f"{MEMBERS}invite/", {**WHOM, **typed}).content.decode())


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))


def test_invitation_creates_account_and_membership(boss: Client, facebook: Channel) -> None:
    link = invite(boss, reach="some", channels=[facebook.public_id])
    assert (mail.outbox[0].to, link in mail.outbox[0].body) == (["rita@example.com"], True)
    assert link.split("/")[3] not in boss.get(MEMBERS).content.decode()

    guest = Client(enforce_csrf_checks=True)
    assert "Casa do Sol" in guest.get(link).content.decode()
    assert guest.post(link, NEW).status_code == 403
    token = guest.cookies["csrftoken"].value
    weak = guest.post(link, {**NEW, "password": "rita", "again": "rita", "csrfmiddlewaretoken": token})
    assert "too short" in weak.content.decode()
    hidden = guest.post(link, {**NEW, "username": "ana@example.com", "csrfmiddlewaretoken": token})
    assert "without @" in hidden.content.decode()
    assert guest.post(link, {**NEW, "csrfmiddlewaretoken": token}).url == "/admin/"
    assert guest.get("/admin/").status_code == 200  # joining signs in (T6)

    rita = User.objects.get(username="rita")
    assert (rita.email, rita.is_staff, rita.is_superuser) == ("rita@example.com", True, False)
    membership = Membership.objects.get(user=rita)
    assert (membership.role, membership.may_review, membership.review_channels) == (
        "VIEWER",
        True,
        [facebook.public_id],
    )
    assert Client().login(username="rita", password=NEW["password"])
    assert verbs() == ["invitation.send", "invitation.accept"]


def test_invitation_link_works_once_until_it_expires(boss: Client, settings: Any) -> None:
    link = invite(boss)
    forged = signing.dumps(str(Invitation.objects.get().pk), salt="another")
    for bad in (link[:-3] + "xx/", f"/admin/invitation/{forged}/", "/admin/invitation/x/"):
        assert Client().post(bad, NEW).status_code == 410
    with time_machine.travel(clock.now() + timedelta(seconds=settings.INVITATION_LIFE + 1), tick=True):
        assert Client().post(link, NEW).status_code == 410
    assert not User.objects.filter(username="rita").exists()
    Client().post(link, NEW)
    assert Client().post(link, {**NEW, "username": "rita2"}).status_code == 410
    Membership.objects.filter(user__username="rita").delete()
    assert Client().post(link, {**NEW, "username": "rita2"}).status_code == 410
    assert not User.objects.filter(username="rita2").exists()


def test_invitation_revoked_or_replaced_or_of_former_admin_gets_410(boss: Client, admin_member: User) -> None:
    first, second = invite(boss), invite(boss)
    assert (Client().get(first).status_code, Client().get(second).status_code) == (410, 200)
    waiting = Invitation.objects.get(revoked_at=None)
    boss.get(f"{MEMBERS}invited/{waiting.pk}/revoke/")
    assert Client().get(second).status_code == 200
    boss.post(f"{MEMBERS}invited/{waiting.pk}/revoke/")
    assert Client().get(second).status_code == 410
    third = invite(boss)
    Membership.objects.filter(user=admin_member).update(role=Role.EDITOR)
    assert Client().get(third).status_code == 410


def test_invitation_of_existing_user_needs_their_session(
    boss: Client, outsider: User, viewer: User, signed_in: Callable[[User], Client], organization: Organization
) -> None:
    link = invite(boss, email=outsider.email)
    anonymous = Client()
    assert "Sign in" in anonymous.get(link).content.decode()
    anonymous.post(link, NEW)
    assert not User.objects.filter(username="rita").exists()

    browser = signed_in(viewer)
    browser.post(link)
    assert Invitation.objects.get().accepted_at is None

    browser = signed_in(outsider)
    browser.get(link)
    assert not Membership.objects.filter(user=outsider, organization=organization).exists()
    browser.post(link)
    assert Membership.objects.get(user=outsider, organization=organization).may_review


def test_admin_changes_and_removes_another_member(boss: Client, viewer: User, facebook: Channel) -> None:
    membership = Membership.objects.get(user=viewer)
    page = f"{MEMBERS}{membership.pk}/"
    boss.get(f"{page}change/")
    boss.get(f"{page}delete/")
    some = {"role": "EDITOR", "may_review": "on", "reach": "some"}
    boss.post(f"{page}change/", {**some, "channels": [facebook.public_id]})
    membership.refresh_from_db()
    assert (membership.role, membership.may_review, membership.review_channels) == (
        "EDITOR",
        True,
        [facebook.public_id],
    )
    assert facebook.name in boss.get(MEMBERS).content.decode()
    boss.post(f"{page}delete/")
    assert not Membership.objects.filter(user=viewer).exists()
    assert verbs() == ["membership.change", "membership.remove"]


@pytest.mark.parametrize("reach", ["", "some", "none"])
def test_reviewer_without_choice_of_channels_is_refused(
    reach: str, boss: Client, viewer: User, facebook: Channel
) -> None:
    membership = Membership.objects.get(user=viewer)
    page = f"{MEMBERS}{membership.pk}/change/"
    assert 'name="reach" value="all" checked' not in boss.get(page).content.decode()
    typed = {"role": "VIEWER", "may_review": "on", "reach": reach}
    for address in (page, f"{MEMBERS}invite/"):
        answer = boss.post(address, {**typed, "email": "new@example.com"})
        assert (answer.status_code, "wrong" in answer.content.decode()) == (200, True)
    assert (Membership.objects.get(user=viewer).may_review, Invitation.objects.count()) == (False, 0)
    boss.post(page, {**typed, "reach": "all", "channels": [facebook.public_id]})
    assert Membership.objects.get(user=viewer).review_channels is None
    for nothing in ({}, {"reach": "some"}):
        boss.post(page, {"role": "VIEWER", **nothing})
        now = Membership.objects.get(user=viewer)
        assert (now.may_review, now.review_channels) == (False, None)


@pytest.mark.parametrize("who", ["author", "reviewer", "outsider", "admin_member"])
def test_members_cannot_change_themselves_or_other_organizations(
    who: str, request: pytest.FixtureRequest, organization: Organization, viewer: User, other_facebook: Channel
) -> None:
    user = request.getfixturevalue(who)
    own = Membership.objects.get(user=user)
    own.role, own.may_review = Role.ADMIN, True
    with pytest.raises(Forbidden):
        memberships.save(user_actor(user), own)
    with pytest.raises(Forbidden):
        memberships.remove(user_actor(user), Membership.objects.get(pk=own.pk))
    with pytest.raises(Forbidden):
        memberships.save(user_actor(user), Membership(organization=organization, user=user, role=Role.ADMIN))
    other = Membership.objects.get(user=viewer)
    other.may_review = True
    if who != "admin_member":
        with pytest.raises(Forbidden):
            memberships.save(user_actor(user), other)
        with pytest.raises(Forbidden):
            invitations.invite(user_actor(user), organization=organization, email="x@example.com", role="ADMIN")
    else:
        other.review_channels = [other_facebook.public_id]
        with pytest.raises(Invalid):
            memberships.save(user_actor(user), other)
        rival = other_facebook.organization
        with pytest.raises(Forbidden):
            invitations.invite(user_actor(user), organization=rival, email="x@example.com", role="VIEWER")
        moved = Membership.objects.get(user=viewer)
        moved.user = user
        with pytest.raises(Forbidden):
            memberships.save(user_actor(user), moved)
    assert AuditEvent.objects.count() == 0
    assert Invitation.objects.count() == 0


def test_last_admin_cannot_be_removed_or_demoted(
    admin_member: User, make_member: Callable[..., User], organization: Organization, viewer: User
) -> None:
    second = make_member("second", organization, Role.ADMIN)
    theirs, mine = Membership.objects.get(user=second), Membership.objects.get(user=admin_member)
    memberships.remove(user_actor(admin_member), theirs)
    User.objects.filter(pk=viewer.pk).update(is_superuser=True)
    root = user_actor(User.objects.get(pk=viewer.pk))
    with pytest.raises(Conflict):
        memberships.remove(root, mine)
    mine.role = Role.VIEWER
    with pytest.raises(Conflict):
        memberships.save(root, mine)
    assert Membership.objects.get(user=admin_member).role == Role.ADMIN


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("America/Sao_Paulo", "America/Sao_Paulo"), ("", "Europe/Lisbon"), ("Mars/Olympus", "Europe/Lisbon")],
)
def test_joining_takes_the_time_zone_of_the_browser_or_the_organization_t2(
    boss: Client, organization: Organization, sent: str, kept: str
) -> None:
    page = f"/admin/policy/{organization.pk}/time-zone/"
    assert boss.post(page, {"time_zone": "nowhere"}).status_code == 200
    assert boss.post(page, {"time_zone": "Europe/Lisbon"}).status_code == 302
    Client().post(invite(boss), {**NEW, "time_zone": sent})
    assert User.objects.get(username="rita").time_zone == kept
    assert AuditEvent.objects.get(verb="organization.change").details == {
        "changed": {"time_zone": ["UTC", "Europe/Lisbon"]}
    }


def test_person_sets_their_own_time_zone_t2(viewer: User, signed_in: Callable[[User], Client]) -> None:
    browser = signed_in(viewer)
    page = "/admin/account/time-zone/"
    assert browser.post(page, {"time_zone": "../etc/passwd"}).status_code == 200
    browser.get(f"{page}?time_zone=Asia/Tokyo")
    assert User.objects.get(pk=viewer.pk).time_zone == "UTC"
    assert browser.post(page, {"time_zone": "Asia/Tokyo"}).status_code == 302
    assert User.objects.get(pk=viewer.pk).time_zone == "Asia/Tokyo"
    assert verbs() == ["user.change"]


def alike(user: User, organization: Organization) -> set[int]:
    return identities.same_person(user, [organization.pk])[organization.pk]


def test_link_is_shown_only_where_no_mail_goes_out_a13(boss: Client, settings: Any) -> None:
    page = boss.post(f"{MEMBERS}invite/", WHOM).content.decode()
    assert "/admin/invitation/" not in page
    assert len(mail.outbox) == 1
    invite_without_mail(boss, settings)
    assert len(mail.outbox) == 1


def test_member_counts_as_the_inviter_unless_the_mailbox_is_proved_a13(
    boss: Client, admin_member: User, organization: Organization, settings: Any
) -> None:
    Client().post(invite(boss), NEW)
    rita = User.objects.get(username="rita")
    assert alike(rita, organization) == {rita.pk}
    link = invite_without_mail(boss, settings, email="puppet@example.com")
    Client().post(link, {**NEW, "username": "puppet"})
    puppet = User.objects.get(username="puppet")
    assert alike(puppet, organization) == {puppet.pk, admin_member.pk} == alike(admin_member, organization)
    Membership.objects.filter(user=puppet).delete()  # what the puppet wrote stays the inviter's
    assert alike(admin_member, organization) == {puppet.pk, admin_member.pk}


def test_only_a_second_administrator_or_the_operator_confirms_a_member_a13(
    boss: Client, organization: Organization, make_member: Any, signed_in: Callable[[User], Client], settings: Any
) -> None:
    for name, role in (("puppet", "ADMIN"), ("helper", "EDITOR")):
        link = invite_without_mail(boss, settings, email=f"{name}@example.com", role=role)
        Client().post(link, {**NEW, "username": name})
    helper = Membership.objects.get(user__username="helper")
    puppet = Client()
    assert puppet.login(username="puppet", password=NEW["password"])
    page = f"{MEMBERS}{helper.pk}/confirm/"
    assert "counts as administrator" in boss.get(MEMBERS).content.decode()
    for browser in (boss, puppet):
        assert browser.get(page).status_code == 200
        browser.post(page)
        assert len(alike(helper.user, organization)) == 3
    second = signed_in(make_member("second", organization, Role.ADMIN))
    second.post(page)
    assert alike(helper.user, organization) == {helper.user_id}
    call_command("confirm_member", str(organization.pk), "puppet", stdout=StringIO())
    assert Invitation.objects.filter(identity_confirmed_at=None).count() == 0
    assert verbs().count("membership.confirm") == 2
    with pytest.raises(CommandError, match="confirmed already"):
        call_command("confirm_member", str(organization.pk), "puppet")
