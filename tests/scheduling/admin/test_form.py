"""The form for posts: time zones, preserved text, edit conflicts."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Organization, User
from posts.domain import superpowers
from posts.models import Channel
from scheduling.domain import drafts
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.helpers import POSTS, AdminClient, fresh
from tests.scheduling.api.vectors import SUPERPOWER


def fields_for(channel: Channel, **more: str) -> dict[str, str]:
    return {f"on-{channel.public_id}": "on", f"caption-{channel.public_id}": "Bom dia\r\n\r\n☕ ", **more}


def test_new_draft_keeps_text_and_converts_local_time(
    author: User, facebook: Channel, instagram: Channel, organization: Organization
) -> None:
    User.objects.filter(pk=author.pk).update(time_zone="America/Sao_Paulo")
    template = superpowers.write(actors.user_actor(author), organization=organization, document=SUPERPOWER)
    fields = fields_for(facebook, media_url="not even a url", scheduled_for="2027-07-01T09:30")
    fields[f"superpower-{facebook.public_id}"] = str(template.pk)

    site = AdminClient(author).open(f"{POSTS}add/").press(**fields)

    post = ScheduledPost.objects.get()
    assert site.answer.url == f"{POSTS}{post.pk}/review/"
    assert (post.status, post.media, post.media_type) == (Status.DRAFT, "not even a url", None)
    assert post.scheduled_for == datetime(2027, 7, 1, 12, 30, tzinfo=UTC)
    delivery = post.deliveries.get()
    assert (delivery.channel, delivery.caption) == (facebook, "Bom dia\n\n☕ ")
    assert delivery.superpower == template.as_wire()
    assert AuditEvent.objects.get(verb="create").actor_name == "author"


def test_invalid_post_is_not_submitted_and_keeps_input(author: User, facebook: Channel) -> None:
    site = AdminClient(author).open(f"{POSTS}add/")
    site.press(**fields_for(facebook, media_url="ftp://example.com/x.jpg", submit="1"))
    assert ScheduledPost.objects.count() == 0
    assert "Please fix the marked fields" in site.text
    fields = site.form().fields
    assert fields["media_url"] == "ftp://example.com/x.jpg"
    assert fields[f"caption-{facebook.public_id}"].replace("\r\n", "\n") == "Bom dia\n\n☕ "
    assert fields[f"on-{facebook.public_id}"] == "on"


def test_save_unchanged_form_changes_nothing(make_draft, author: User) -> None:
    post = make_draft(scheduled_for=clock.now() + timedelta(hours=3, microseconds=123))
    AdminClient(author).open(f"{POSTS}{post.pk}/change/").press()
    stored = ScheduledPost.objects.get()
    assert (stored.version, stored.scheduled_for) == (post.version, post.scheduled_for)
    assert not AuditEvent.objects.filter(verb="edit").exists()


def test_edit_keeps_inline_superpower(make_draft, author: User, facebook: Channel, key) -> None:
    inline = {**SUPERPOWER, "hashtag": "mine", "unknown": {"kept": True}}
    channels = {facebook.public_id: drafts.ChannelText(facebook.type, "Hello", inline)}
    post = make_draft(channels=channels)
    site = AdminClient(author).open(f"{POSTS}{post.pk}/change/")
    site.press(**{f"caption-{facebook.public_id}": "Hello again"})
    delivery = ScheduledPost.objects.get().deliveries.get()
    assert (delivery.caption, delivery.superpower) == ("Hello again", inline)


def test_edit_conflict_keeps_input_and_can_overwrite(make_draft, author: User, facebook: Channel) -> None:
    post = make_draft(channels=[facebook])
    caption = f"caption-{facebook.public_id}"
    first, second = (AdminClient(author).open(f"{POSTS}{post.pk}/change/") for _ in range(2))
    first.press(**{caption: "first"})
    second.press(**{caption: "second"})
    assert ScheduledPost.objects.get().deliveries.get().caption == "first"
    assert "Another user changed this post while you were editing" in second.text
    assert second.form().fields[caption] == "second"
    second.press()
    assert ScheduledPost.objects.get().deliveries.get().caption == "second"


def test_form_ignores_status_fields(make_draft, author: User) -> None:
    post = make_draft()
    site = AdminClient(author).open(f"{POSTS}{post.pk}/change/")
    names = {name for name in site.form().fields if "-" not in name}
    given = {"type", "media_url", "upload", "media_type", "alt_text", "scheduled_for", "brief"}
    assert names == {"csrfmiddlewaretoken", "version", *given}
    site.press(status="SCHEDULED", approval="1", task_id=str(post.pk))
    assert ScheduledPost.objects.get().status == Status.DRAFT


def test_scheduled_post_cannot_be_edited(make_scheduled, author: User, facebook: Channel) -> None:
    post = make_scheduled()
    AdminClient(author).open(f"{POSTS}{post.pk}/change/").press(**{f"caption-{facebook.public_id}": "sneaky"})
    assert not post.deliveries.filter(caption="sneaky").exists()


@pytest.mark.parametrize("button", [{}, {"submit": "1"}])
def test_second_click_of_a_new_post_makes_no_second_one_a22(
    author: User, facebook: Channel, button: dict[str, str]
) -> None:
    site = AdminClient(author).open(f"{POSTS}add/")
    form = {**site.form().fields, f"on-{facebook.public_id}": "on", f"caption-{facebook.public_id}": "Olá"}
    form |= {"media_url": "https://www.example.com/menu", "scheduled_for": "2031-06-02T10:00", **button}
    answers = [site.client.post(site.url, form) for _ in range(2)]
    post = ScheduledPost.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [f"{POSTS}{post.pk}/review/"] * 2
    assert post.status == ("WAITING_FOR_APPROVAL" if button else "DRAFT")

    changed = site.client.post(site.url, {**form, f"caption-{facebook.public_id}": "Another"})
    assert (changed.status_code, "was saved already" in changed.content.decode()) == (200, True)
    assert ScheduledPost.objects.get().deliveries.get().caption == "Olá"


@pytest.mark.parametrize("button", [{}, {"submit": "1"}])
def test_second_click_of_an_edit_is_saved_a22(
    make_draft, author: User, key, facebook: Channel, button: dict[str, str]
) -> None:
    post = make_draft(channels=[facebook])
    first, second = (AdminClient(author).open(f"{POSTS}{post.pk}/change/") for _ in range(2))
    typed = {f"caption-{facebook.public_id}": "Boa tarde", **button}
    for site in (first, second):
        assert site.press(**typed).answer.status_code == 302
    assert fresh(post).version == post.version + 1
    assert fresh(post).status == ("WAITING_FOR_APPROVAL" if button else "DRAFT")

    third = AdminClient(author).open(f"{POSTS}{post.pk}/change/")
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"brief": "From the agent"})
    assert third.press(brief="Mine").answer.status_code == 200
    assert fresh(post).brief == "From the agent"
