"""Organization settings."""

from typing import Any

import pytest

from accounts.domain import organization_policy
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, Forbidden
from accounts.models import AuditEvent, Organization, User
from scheduling.domain.notifications import emails, recipients
from scheduling.models import Notification, NotificationDelivery
from tests.accounts.admin.test_login import enrol
from tests.helpers import AdminClient

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/membership/"


def page(organization: Organization) -> str:
    return f"/admin/policy/{organization.pk}/"


def stored_policy(organization: Organization) -> dict[str, bool]:
    return organization_policy.get_policy(Organization.objects.get(pk=organization.pk))


def test_admin_changes_settings_event_and_notification_are_created(
    admin_member: User, reviewer: User, author: User, organization: Organization
) -> None:
    desk = AdminClient(admin_member).open(PEOPLE)
    assert "/admin/policy/" in desk.page.links
    desk.open("/admin/policy/").follow().press(second_approver="on", allow_self_approval="on")
    assert "Two different reviewers have to approve the same content." in desk.follow().text
    assert [name for name, on in stored_policy(organization).items() if on] == [
        "second_approver",
        "allow_self_approval",
    ]
    event = AuditEvent.objects.get(verb="organization.change")
    assert (event.organization_id, event.actor_id) == (organization.pk, str(admin_member.pk))
    assert event.details["changed"] == {"second_approver": [False, True], "allow_self_approval": [False, True]}

    recipients.fan_out()
    notification = Notification.objects.get()
    assert (notification.kind, list(NotificationDelivery.objects.values_list("user", flat=True))) == (
        "RULES",
        [reviewer.pk],
    )
    email = emails.build_email(NotificationDelivery.objects.select_related("notice").get())
    assert "Reviewers can approve what they wrote themselves." in email.body
    assert f"/admin/policy/{organization.pk}/" in email.body
    desk.press()
    assert (AuditEvent.objects.count(), "Nothing was changed" in desk.follow().text) == (1, True)


def test_other_members_and_other_organizations_admins_are_refused(
    admin_member: User, reviewer: User, author: User, outsider: User, organization: Organization,
    other_organization: Organization,
) -> None:  # fmt: skip
    wanted, known = {"second_approver": True}, stored_policy(organization)
    refused = [(user, other_organization) for user in (admin_member, reviewer, author, outsider)]
    for user, place in [*refused, (reviewer, organization), (author, organization), (outsider, organization)]:
        with pytest.raises(Forbidden):
            organization_policy.update_policy(user_actor(user), place, wanted=wanted, known=known, verified=True)
    assert (stored_policy(organization), stored_policy(other_organization)) == (known, known)
    assert AuditEvent.objects.count() == 0


def test_change_in_old_session_needs_reauthentication(
    admin_member: Any, organization: Organization, settings: Any
) -> None:
    desk = AdminClient(admin_member).open(page(organization))
    settings.REAUTHENTICATE_AFTER = -1
    desk.press(second_approver="on")
    assert (desk.answer.status_code, stored_policy(organization)["second_approver"]) == (403, False)
    settings.REAUTHENTICATE_AFTER = 60
    desk.press(str(organization.pk), proof=admin_member.raw_password)
    assert stored_policy(organization)["second_approver"]


def test_require_mfa_cannot_be_turned_off_with_a_password_alone(admin_member: User, organization: Organization) -> None:
    Organization.objects.update(require_mfa=True)
    desk = AdminClient(admin_member).open(page(organization)).press(require_mfa="")
    assert ("requires two-factor authentication" in desk.text, stored_policy(organization)["require_mfa"]) == (
        True,
        True,
    )
    enrol(admin_member)
    wanted = {"require_mfa": False}
    now = stored_policy(organization)
    organization_policy.update_policy(user_actor(admin_member), organization, wanted=wanted, known=now, verified=True)
    assert not stored_policy(organization)["require_mfa"]


def test_concurrent_change_is_a_conflict(admin_member: User, organization: Organization) -> None:
    desk = AdminClient(admin_member).open(page(organization))
    Organization.objects.update(second_approver=True)
    desk.press(require_full_signature="on")
    assert "Another administrator has changed these settings" in desk.text
    assert stored_policy(organization) | {"second_approver": False} == dict.fromkeys(organization_policy.RULES, False)
    with pytest.raises(Conflict):
        organization_policy.update_policy(user_actor(admin_member), organization, wanted={}, known={}, verified=False)
