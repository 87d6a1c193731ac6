"""The trail on the desk."""

from collections.abc import Callable

from django.test import Client

from accounts.domain import trail
from accounts.domain.actors import WORKER
from accounts.models import AuditEvent, Organization, User

LIST = "/admin/accounts/auditevent/"


def test_members_read_the_trail_of_their_organizations_and_nobody_writes(
    signed_in: Callable[[User], Client],
    admin_member: User,
    organization: Organization,
    other_organization: Organization,
) -> None:
    for one, subject in ((organization, "post:ours"), (other_organization, "post:theirs")):
        trail.record(WORKER, "publish", organization_id=one.pk, subject=subject)
    ours, theirs = AuditEvent.objects.order_by("id")
    before = list(AuditEvent.objects.values())
    browser = signed_in(admin_member)
    page = browser.get(LIST).content.decode()
    assert ("post:ours" in page, "post:theirs" in page) == (True, False)
    assert "post:ours" in browser.get(f"{LIST}{ours.pk}/change/").content.decode()
    assert "post:theirs" not in browser.get(f"{LIST}?q=theirs").content.decode().replace('value="theirs"', "")
    assert browser.get(f"{LIST}{theirs.pk}/change/").status_code == 302
    for address in ("add/", f"{ours.pk}/change/", f"{ours.pk}/delete/"):
        assert browser.post(LIST + address, {"verb": "x", "post": "yes"}).status_code == 403, address
    assert list(AuditEvent.objects.values()) == before
