"""Re-authentication and two-factor authentication when approving, rejecting and changing permissions."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.admin.api_keys import secret_fingerprint
from accounts.domain import actors, mfa
from accounts.models import AuditEvent, Invitation, Membership, Organization, User, new_key_id
from posts.domain import channels
from scheduling.admin.webhooks import fingerprint
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.notifications import webhooks
from scheduling.models import Approval
from tests.accounts.admin.test_login import code_of, enrol
from tests.helpers import POSTS, AdminClient, fresh, log_in
from tests.services.login import APP_ID, APP_SECRET, give_login
from tests.services.sandbox import PlatformAccount


@pytest.fixture
def after_limit(settings: Any) -> Any:
    """Travel past the re-authentication limit, but not past the scheduled times."""
    settings.REAUTHENTICATE_AFTER = 600
    return lambda: time_machine.travel(clock.now() + timedelta(minutes=11), tick=True)


@pytest.fixture
def other(make_member, organization: Organization) -> User:
    return make_member("other", organization, may_review=True)


def test_old_session_reauthenticates_and_keeps_input(make_waiting, reviewer, after_limit) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    with after_limit():
        site.press("reject", notes="Not “yet”,\r\nplease <wait>.")
        assert (fresh(post).status, site.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)
        site.press("reject", proof="guess")
        assert (fresh(post).status, "not your password" in site.text) == ("WAITING_FOR_APPROVAL", True)
        site.press("reject", proof=reviewer.raw_password)
        assert fresh(post).status == "REJECTED"
        assert fresh(post).notes == "Not “yet”,\nplease <wait>."

        another = make_waiting()
        site.review(another).press("approve")  # the session is authenticated again
        assert fresh(another).status == "SCHEDULED"


def test_reauthentication_needs_a_csrf_token(make_waiting, reviewer, after_limit) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    with after_limit():
        url = f"{POSTS}{post.pk}/approve/"
        digest = site.form("approve").fields["digest"]
        assert site.client.post(url, {"digest": digest, "proof": reviewer.raw_password}).status_code == 403
        assert site.press("approve").answer.status_code == 403
    assert (fresh(post).status, Approval.objects.count()) == ("WAITING_FOR_APPROVAL", 0)


def test_reauthentication_is_throttled(make_waiting, reviewer, after_limit, settings) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    with after_limit():
        site.press("approve")
        form = site.form("approve")
        answers = [
            site.client.post(form.action, {**form.fields, "proof": "guess"}).status_code
            for _ in range(settings.AXES_FAILURE_LIMIT)
        ]
        assert answers == [*[403] * (settings.AXES_FAILURE_LIMIT - 1), 429]
        assert site.client.post(form.action, {**form.fields, "proof": reviewer.raw_password}).status_code == 429
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


def test_session_without_mfa_needs_a_code(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    enrol(reviewer)
    site = AdminClient(reviewer).review(post)  # logged in without the login page's second step
    site.press("approve")
    assert (fresh(post).status, "authenticator app" in site.text) == ("WAITING_FOR_APPROVAL", True)
    site.press("approve", proof=reviewer.raw_password)  # type: ignore[attr-defined]
    assert fresh(post).status == "WAITING_FOR_APPROVAL"
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        site.press("approve", proof=code_of(reviewer))
    assert fresh(post).status == "SCHEDULED"


def test_approval_with_required_mfa_needs_setup(make_waiting, reviewer: User, organization: Organization) -> None:
    post = make_waiting()
    site = AdminClient(reviewer).review(post)
    digest = site.form("approve").fields["digest"]
    Organization.objects.filter(pk=organization.pk).update(require_mfa=True)
    site.press("approve")
    assert (fresh(post).status, site.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)
    assert "/admin/account/mfa/" in site.page.links
    assert not site.offers("approve")

    site.open("/admin/account/mfa/").press()
    site.open("/admin/account/mfa/")
    form = next(form for form in site.page.forms if not form.action)
    site.client.post("/admin/account/mfa/", {**form.fields, "code": code_of(reviewer)})
    assert mfa.get_mfa(reviewer) is not None
    site.review(post).press("approve", digest=digest)
    assert fresh(post).status == "SCHEDULED"


@pytest.mark.parametrize("what", ["issue", "access", "rotate", "channel", "resume", "webhook", "webhook/rotate"])
def test_keys_channels_and_webhooks_need_recent_authentication_a23(
    what: str, admin_member: User, organization: Organization, key: Any, facebook: Any, after_limit, sandbox, settings
) -> None:
    settings.GRAPH_APP_ID, settings.GRAPH_APP_SECRET = APP_ID, APP_SECRET
    give_login(sandbox)
    sandbox.register(PlatformAccount("FB_PAGE", "77", "New", "secret-of-the-page"))
    hook, _ = webhooks.add(
        actors.user_actor(admin_member), organization=organization, url="https://hook.example.com/", kinds=["FAILED"]
    )
    if what == "resume":
        channels.block(actors.WORKER, facebook, reason="Policy")
    keys, hooks = "/admin/accounts/apikey/", "/admin/scheduling/webhook/"
    url, data = {
        "issue": (f"{keys}add/", {"organization": organization.pk, "name": "new", "scopes": ["read"], "reach": "all",
                                  "expires_in": "", "key_id": new_key_id()}),
        "access": (f"{keys}{key.pk}/access/", {"scopes": ["read"], "reach": "all"}),
        "rotate": (f"{keys}{key.pk}/rotate/", {"overlap": "0", "known": secret_fingerprint(key)}),
        "channel": ("/admin/posts/channel/add/", {"type": "FB_PAGE", "platform_id": "77",
                                                  "token": "secret-of-the-page"}),
        "resume": (f"/admin/posts/channel/{facebook.pk}/resume/", {}),
        "webhook": (f"{hooks}{hook.pk}/change/", {"url": "https://other.example.com/", "kinds": ["FAILED"]}),
        "webhook/rotate": (f"{hooks}{hook.pk}/rotate/", {"known": fingerprint(hook)}),
    }[what]  # fmt: skip
    client = log_in(admin_member)
    before = AuditEvent.objects.count()
    with after_limit():
        answer = client.post(url, data)
        assert (answer.status_code, AuditEvent.objects.count()) == (403, before)
        assert "secret-of-the-page" not in answer.content.decode()
        answer = client.post(url, {**data, "proof": admin_member.raw_password})  # type: ignore[attr-defined]
        assert (answer.status_code in {200, 302}, AuditEvent.objects.count()) == (True, before + 1)


def test_second_approval_schedules_the_post(make_waiting, reviewer: User, other: User, organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    post = make_waiting()
    first = AdminClient(reviewer).review(post)
    assert not first.offers("publish")
    first.press("approve").review(post)
    assert ("first of two approvals" in first.text, first.offers("approve")) == (True, False)
    second = AdminClient(other).review(post)
    assert "reviewer gave the first of two approvals" in second.text
    second.press("approve")
    assert fresh(post).status == "SCHEDULED"
    Approval.objects.update(first_approval=None)  # as if it was approved before two approvals were required
    assert "It will not be published:" in second.review(post).text


def test_retry_with_two_person_approval_needs_both(make_scheduled, reviewer: User, other: User, organization) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None)
    post.deliveries.update(state="FAILED")
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    site = AdminClient(reviewer).review(post)
    assert "a retry needs two approvals" in site.text
    site.press("approve")
    assert "reviewer approved a retry on" in AdminClient(other).review(post).text
    assert fresh(post).status == "FAILED"


def test_approval_waits_for_the_media_inspection(make_waiting, reviewer: User) -> None:
    post = make_waiting(looked=False)
    site = AdminClient(reviewer).review(post)
    assert (site.offers("approve"), "The media check is still running" in site.text) == (False, True)
    queue = AdminClient(reviewer).open("/admin/scheduling/scheduledpost/?status=WAITING_FOR_APPROVAL")
    assert (queue.answer.context["pickable"], "The media check is still running" in queue.text) == (False, True)
    inspect_media(str(post.pk), post.version)
    assert site.review(post).offers("approve")


def test_old_session_cannot_set_up_mfa(make_waiting, reviewer, after_limit) -> None:
    """Otherwise an attacker at an unattended browser could enrol their own phone and pass the prompt."""
    post = make_waiting()
    site = AdminClient(reviewer).open("/admin/account/mfa/")
    with after_limit():
        site.press()
        assert (site.answer.status_code, mfa.get_pending_mfa(reviewer)) == (403, None)
        site.press("mfa", proof=reviewer.raw_password)
        assert mfa.get_pending_mfa(reviewer) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=23), tick=True):
        site.open("/admin/account/mfa/").press(code=code_of(reviewer))
        assert (site.answer.status_code, mfa.get_mfa(reviewer)) == (403, None)
        site.review(post).press("approve")
        assert (fresh(post).status, site.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)


def test_old_session_cannot_grant_approval_rights(reviewer, admin_member, outsider: User, after_limit) -> None:
    """Inviting a reviewer or changing a member grants approval rights, so it needs re-authentication too."""
    member = Membership.objects.get(user=reviewer)
    site = AdminClient(admin_member)
    with after_limit():
        site.open("/admin/accounts/membership/invite/").press(
            email="second.me@example.com", may_review="on", reach="all"
        )
        assert (site.answer.status_code, Invitation.objects.count()) == (403, 0)
        site.open(f"/admin/accounts/membership/{member.pk}/change/").press(role="ADMIN")
        assert (site.answer.status_code, Membership.objects.get(pk=member.pk).role) == (403, member.role)
        site.press("change", proof=admin_member.raw_password)
        assert Membership.objects.get(pk=member.pk).role == "ADMIN"

        User.objects.filter(pk=admin_member.pk).update(is_superuser=True)
    with time_machine.travel(clock.now() + timedelta(minutes=40), tick=True):
        before = User.objects.get(pk=outsider.pk).password
        fields = {"password1": "a-long-passphrase", "password2": "a-long-passphrase", "usable_password": "true"}
        site.open(f"/admin/accounts/user/{outsider.pk}/password/").press(**fields)
        assert (site.answer.status_code, User.objects.get(pk=outsider.pk).password) == (403, before)
        assert "a-long-passphrase" not in site.text
