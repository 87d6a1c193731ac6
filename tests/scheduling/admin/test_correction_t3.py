"""The page on which a reviewer corrects captions and approves the corrected content."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.domain import actors
from accounts.models import AuditEvent, Organization, Role, User
from scheduling.admin import unsent_input
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from tests.helpers import POSTS, AdminClient, fresh

CORRECTED = "Olá from the <corrected> Casa do Sol\n\nTable 4"


@pytest.fixture
def permitted(organization: Organization) -> Organization:
    organization.reviewers_may_correct = True
    organization.save()
    return organization


def page(post: Any) -> str:
    return f"{POSTS}{post.pk}/correct/"


def caption(post: Any, channel: Any) -> str:
    return str(post.deliveries.get(channel=channel).caption)


def test_reviewer_corrects_sees_the_difference_and_approves(
    permitted, make_waiting, reviewer: User, facebook, instagram
) -> None:
    post = make_waiting()
    name = f"caption-{facebook.public_id}"
    site = AdminClient(reviewer).review(post)
    assert page(post) in site.page.links
    site.open(page(post)).press(preview="1", **{name: CORRECTED.replace("\n", "\r\n")})
    html = site.answer.content.decode()
    assert f'data-path="channels.{facebook.public_id}.caption"' in html
    assert f'data-path="channels.{instagram.public_id}.caption"' not in html
    assert "<del>Casa" in html or "<ins>" in html
    assert "&lt;corrected&gt;" in html
    assert AuditEvent.objects.filter(verb="correct").count() == 0
    assert fresh(post).status == "WAITING_FOR_APPROVAL"

    site.press(approve="1")
    assert site.answer.status_code == 302
    now = fresh(post)
    assert (now.status, now.approval.reviewer, caption(now, facebook)) == ("SCHEDULED", reviewer, CORRECTED)
    assert now.approval.checks
    history = site.follow().review(post).text
    assert "corrected the captions" in history
    assert site.offers("undo")
    site.press("undo")
    assert caption(fresh(post), facebook) == caption(post, instagram).replace(instagram.name, facebook.name)


def test_double_click_answers_like_the_first_click(permitted, make_waiting, reviewer: User, facebook) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).open(page(post))
    site.press(preview="1", **{f"caption-{facebook.public_id}": CORRECTED})
    again = dict(site.form().fields)
    site.press(approve="1")
    answer = site.client.post(page(post), {**again, "approve": "1"})
    assert answer.status_code == 302
    assert AuditEvent.objects.filter(verb="correct").count() == 1


def test_page_of_a_post_that_changed_is_refused_and_keeps_the_typed_captions(
    permitted, make_waiting, reviewer: User, key, facebook
) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).open(page(post))
    site.press(preview="1", **{f"caption-{facebook.public_id}": CORRECTED})
    texts = {facebook.public_id: ChannelText(facebook.type, "Rewritten by the author")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": texts})
    site.press(approve="1")
    assert "Nothing was approved" in site.text
    assert "Rewritten by the author" in site.text
    assert site.form().fields[f"caption-{facebook.public_id}"] == CORRECTED
    assert (fresh(post).status, caption(post, facebook)) == ("WAITING_FOR_APPROVAL", "Rewritten by the author")
    site.press(preview="1").press(approve="1")
    assert (fresh(post).status, caption(post, facebook)) == ("SCHEDULED", CORRECTED)


@pytest.mark.parametrize(("typed", "message"), [("", "a caption is missing"), (None, "No caption was changed")])
def test_refused_captions_are_shown_on_the_form(
    typed, message, permitted, make_waiting, reviewer: User, facebook
) -> None:
    post = make_waiting(channels=[facebook])
    fields = {} if typed is None else {f"caption-{facebook.public_id}": typed}
    site = AdminClient(reviewer).open(page(post)).press(preview="1", **fields)
    assert message in site.text
    assert "approve" not in site.form().fields
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


def test_time_in_the_past_is_refused_with_the_difference(permitted, make_waiting, reviewer: User, facebook) -> None:
    post = make_waiting(channels=[facebook])
    site = AdminClient(reviewer).open(page(post))
    site.press(preview="1", **{f"caption-{facebook.public_id}": CORRECTED}).press(approve="1", when="2020-01-01T10:00")
    assert "Choose a time in the future." in site.text
    assert (fresh(post).status, caption(fresh(post), facebook) == CORRECTED) == ("WAITING_FOR_APPROVAL", False)
    later = (post.scheduled_for + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    site.press(approve="1", when=later)
    assert (fresh(post).status, fresh(post).scheduled_for.strftime("%Y-%m-%dT%H:%M")) == ("SCHEDULED", later)


@pytest.mark.parametrize("why", ["policy off", "author", "editor"])
def test_others_are_refused(why, organization, make_waiting, make_member, reviewer: User, facebook) -> None:
    organization.reviewers_may_correct = why != "policy off"
    organization.save()
    user, actor = reviewer, None
    if why == "author":
        user = make_member("writer", organization, Role.EDITOR, may_review=True)
        actor = actors.user_actor(user)
    elif why == "editor":
        user = make_member("writer", organization, Role.EDITOR)
    post = make_waiting(actor=actor, channels=[facebook])
    site = AdminClient(user).review(post)
    assert page(post) not in site.page.links
    fields = {f"caption-{facebook.public_id}": CORRECTED, "revision": str(post.revision)}
    fields["digest"] = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("pk").digest
    assert AdminClient(user).open(page(post)).answer.status_code == 403
    site.open("/admin/account/time-zone/")
    for step in ("approve", "preview"):
        assert site.send(page(post), **fields, **{step: "1"}).status_code == 403
        site.open("/admin/account/time-zone/")
    assert (fresh(post).status, caption(fresh(post), facebook)) == ("WAITING_FOR_APPROVAL", caption(post, facebook))
    assert not AuditEvent.objects.filter(verb="correct").exists()


def test_captions_typed_in_an_expired_session_are_kept(permitted, make_waiting, reviewer: User, facebook) -> None:
    post, browser = make_waiting(channels=[facebook]), Client()
    answer = browser.post(page(post), {f"caption-{facebook.public_id}": CORRECTED, "preview": "1"})
    assert answer.url == f"/admin/login/?next={page(post)}"
    site = AdminClient(reviewer)
    site.client.cookies[unsent_input.COOKIE] = browser.cookies[unsent_input.COOKIE].value
    assert "kept below" not in site.review(post).text
    assert site.open(page(post)).form().fields[f"caption-{facebook.public_id}"] == CORRECTED


def test_captions_of_a_page_from_before_a_new_login_are_kept_a22(permitted, make_waiting, reviewer: User, facebook):
    post = make_waiting(channels=[facebook])
    site, elsewhere = AdminClient(reviewer).open(page(post)), AdminClient(reviewer).open("/admin/")
    site.client.cookies = elsewhere.client.cookies
    site.press(**{f"caption-{facebook.public_id}": CORRECTED, "preview": "1"})
    assert (site.answer.status_code, page(post) in site.page.links) == (403, True)
    assert site.open(page(post)).form().fields[f"caption-{facebook.public_id}"] == CORRECTED
