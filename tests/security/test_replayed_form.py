"""The form that approves, sent again: by the wrong hands, at the wrong time, it schedules nothing."""

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
    """What a browser sent when its person pressed Approve: the address, the fields and the cookies."""

    def __init__(self, reviewer: User, post: ScheduledPost) -> None:
        self.post, self.desk = post, AdminClient(reviewer).review(post)
        form = self.desk.form("approve")
        self.address, self.fields = form.action, dict(form.fields)
        self.cookies = self.desk.client.cookies.output(header="", sep=";")

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


def test_the_form_itself_approves_once(form: Form) -> None:
    assert (form.send().status_code, form.scheduled()) == (302, True)
    again = form.send()
    assert "another user changed this post" in again.content.decode()
    assert Approval.objects.count() == 1


def test_after_an_edit_it_shows_the_difference_instead(form: Form, key: Any) -> None:
    drafts.edit(actors.api_key_actor(key), form.post, changes={"media": f"{form.post.media}?v=2"})
    assert form.send().status_code == 200
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)


def test_once_used_it_does_not_approve_what_was_written_after_a_revert(form: Form, key: Any) -> None:
    form.send()
    actor, post = actors.api_key_actor(key), ScheduledPost.objects.get(pk=form.post.pk)
    review.revert(actor, post)
    drafts.edit(actor, post, changes={"media": f"{form.post.media}?v=2"})
    review.submit(actor, post)
    form.send()
    assert (form.scheduled(), Approval.objects.filter(revoked_at=None).count()) == (False, 0)


def test_once_used_it_does_not_approve_the_very_same_after_a_revert(form: Form, key: Any) -> None:
    form.send()
    actor = actors.api_key_actor(key)
    review.submit(actor, review.revert(actor, ScheduledPost.objects.get(pk=form.post.pk)))
    answer = form.send()
    assert "since you opened it" in answer.content.decode()
    assert (form.scheduled(), Approval.objects.filter(revoked_at=None).count()) == (False, 0)


def test_after_its_person_signed_out_it_leads_to_the_login(form: Form) -> None:
    form.desk.client.post("/admin/logout/", {"csrfmiddlewaretoken": form.fields["csrfmiddlewaretoken"]})
    assert form.send().headers["Location"].startswith("/admin/login/")
    assert not form.scheduled()


def test_after_its_person_changed_the_password_it_leads_to_the_login(form: Form, reviewer: User) -> None:
    reviewer.set_password("another one altogether")
    reviewer.save(update_fields=["password"])
    assert form.send().headers["Location"].startswith("/admin/login/")
    assert not form.scheduled()


def test_after_its_person_lost_the_right_it_is_refused(form: Form, reviewer: User) -> None:
    reviewer.memberships.update(may_review=False)
    assert (form.send().status_code, form.scheduled()) == (403, False)


def test_with_the_token_of_another_session_it_is_refused(form: Form, author: User) -> None:
    foreign = AdminClient(author).review(form.post).page.forms[0].fields["csrfmiddlewaretoken"]
    assert (form.send(csrfmiddlewaretoken=foreign).status_code, form.scheduled()) == (403, False)
    assert (form.send(csrfmiddlewaretoken="").status_code, form.scheduled()) == (403, False)


def test_in_other_hands_it_is_refused(form: Form, author: User, viewer: User, outsider: User) -> None:
    for user, status in ((author, 403), (viewer, 403), (outsider, 404)):
        desk = AdminClient(user).open("/admin/")
        token = desk.page.forms[0].fields["csrfmiddlewaretoken"]
        assert form.send(desk.client, csrfmiddlewaretoken=token).status_code == status
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)


def test_sent_to_another_posts_address_it_approves_neither(form: Form, make_waiting: Callable[..., Any]) -> None:
    other = make_waiting(media=f"{form.post.media}?v=3")
    form.address = form.address.replace(str(form.post.pk), str(other.pk))
    form.send()
    assert (form.scheduled(), Approval.objects.count()) == (False, 0)
