"""The approval form sent again, after a change or by another user, approves nothing."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.test import Client

from accounts.domain import actors
from accounts.models import User
from scheduling.domain import drafts, review
from scheduling.models import Approval, ScheduledPost
from tests.helpers import AdminClient

pytestmark = pytest.mark.django_db


class Form:
    """What a browser sends when its user presses Approve: the address, the fields and the cookies."""

    def __init__(self, reviewer: User, post: ScheduledPost) -> None:
        self.post, self.site = post, AdminClient(reviewer).review(post)
        form = self.site.form("approve")
        self.address, self.fields = form.action, dict(form.fields)
        self.cookies = self.site.client.cookies.output(header="", sep=";")

    def send(self, client: Client | None = None, **fields: str) -> Any:
        """Send it as it was, or from another browser."""
        if client is None:
            client = Client(enforce_csrf_checks=True)
            client.cookies = SimpleCookie(self.cookies)
        return client.post(self.address, {**self.fields, **fields})

    def scheduled(self) -> bool:
        return ScheduledPost.objects.filter(pk=self.post.pk, status="SCHEDULED").exists()


@pytest.fixture
def form(reviewer: User, make_waiting: Callable[..., ScheduledPost]) -> Form:
    return Form(reviewer, make_waiting())


def test_form_approves_once(form: Form) -> None:
    assert (form.send().status_code, form.scheduled()) == (302, True)
    assert form.send().status_code == 302
    assert Approval.objects.count() == 1


def test_form_after_an_edit_approves_nothing(form: Form, key) -> None:
    drafts.edit(actors.api_key_actor(key), form.post, changes={"media": f"{form.post.media}?v=2"})
    assert form.send().status_code == 200
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)


@pytest.mark.parametrize("edited", [True, False])
def test_used_form_does_not_approve_after_a_revert(form: Form, key, edited: bool) -> None:
    form.send()
    actor, post = actors.api_key_actor(key), ScheduledPost.objects.get(pk=form.post.pk)
    review.revert(actor, post)
    if edited:
        drafts.edit(actor, post, changes={"media": f"{form.post.media}?v=2"})
    review.submit(actor, post)
    answer = form.send().content.decode()  # after an edit, the media check of the new content still runs
    assert edited or "since you opened it" in answer
    assert (form.scheduled(), Approval.objects.filter(revoked_at=None).count()) == (False, 0)


@pytest.mark.parametrize("how", ["logout", "password change"])
def test_form_of_an_ended_session_leads_to_the_login(form: Form, reviewer: User, how: str) -> None:
    if how == "logout":
        form.site.client.post("/admin/logout/", {"csrfmiddlewaretoken": form.fields["csrfmiddlewaretoken"]})
    else:
        reviewer.set_password("another one altogether")
        reviewer.save(update_fields=["password"])
    assert form.send().headers["Location"].startswith("/admin/login/")
    assert not form.scheduled()


def test_form_of_a_reviewer_without_the_right_is_refused(form: Form, reviewer: User) -> None:
    reviewer.memberships.update(may_review=False)
    assert (form.send().status_code, form.scheduled()) == (403, False)


def test_form_with_the_token_of_another_session_is_refused(form: Form, author: User) -> None:
    foreign = AdminClient(author).review(form.post).page.forms[0].fields["csrfmiddlewaretoken"]
    assert (form.send(csrfmiddlewaretoken=foreign).status_code, form.scheduled()) == (403, False)
    assert (form.send(csrfmiddlewaretoken="").status_code, form.scheduled()) == (403, False)


def test_form_of_another_user_is_refused(form: Form, author: User, viewer: User, outsider: User) -> None:
    for user, status in ((author, 403), (viewer, 403), (outsider, 404)):
        site = AdminClient(user).open("/admin/")
        token = site.page.forms[0].fields["csrfmiddlewaretoken"]
        assert form.send(site.client, csrfmiddlewaretoken=token).status_code == status
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)


def test_form_sent_to_another_post_approves_neither(form: Form, make_waiting) -> None:
    other = make_waiting(media=f"{form.post.media}?v=3")
    form.address = form.address.replace(str(form.post.pk), str(other.pk))
    form.send()
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)
