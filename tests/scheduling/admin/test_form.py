"""The author's form: through the domain, in the author's time zone, and nothing typed is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Organization, User
from posts.domain import superpowers
from posts.models import Channel
from scheduling.domain import drafts
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.admin_client import POSTS, Desk

GREETER = {
    "name": "Greeter",
    "hashtag": "hello",
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "conditionGroups": [{"publicReplies": [{"scope": "PUBLIC", "text": "Thanks!"}]}],
}


def typed(channel: Channel, **more: str) -> dict[str, str]:
    return {f"on-{channel.public_id}": "on", f"caption-{channel.public_id}": "Bom dia\r\n\r\n☕ ", **more}


def test_a_new_draft_keeps_every_character_and_the_authors_instant(
    author: User, facebook: Channel, instagram: Channel, organization: Organization
) -> None:
    User.objects.filter(pk=author.pk).update(time_zone="America/Sao_Paulo")
    template = superpowers.write(actors.user_actor(author), organization=organization, document=GREETER)
    fields = typed(facebook, media_url="not even a url", scheduled_for="2027-07-01T09:30")
    fields[f"superpower-{facebook.public_id}"] = str(template.pk)

    desk = Desk(author).open(f"{POSTS}add/").press(**fields)

    post = ScheduledPost.objects.get()
    assert desk.answer.url == f"{POSTS}{post.pk}/review/"
    assert (post.status, post.media, post.media_type) == (Status.DRAFT, "not even a url", None)
    assert post.scheduled_for == datetime(2027, 7, 1, 12, 30, tzinfo=UTC)
    delivery = post.deliveries.get()
    assert (delivery.channel, delivery.caption) == (facebook, "Bom dia\n\n☕ ")
    assert delivery.superpower == template.as_wire()
    assert AuditEvent.objects.get(verb="create").actor_name == "author"


def test_what_is_not_publishable_is_not_submitted_and_stays_typed(author: User, facebook: Channel) -> None:
    desk = Desk(author).open(f"{POSTS}add/")
    desk.press(**typed(facebook, media_url="ftp://example.com/x.jpg", submit="1"))
    assert ScheduledPost.objects.count() == 0
    assert "Not saved: look at the marked fields." in desk.text
    fields = desk.form().fields
    assert fields["media_url"] == "ftp://example.com/x.jpg"
    assert fields[f"caption-{facebook.public_id}"].replace("\r\n", "\n") == "Bom dia\n\n☕ "
    assert fields[f"on-{facebook.public_id}"] == "on"


def test_saving_an_untouched_form_changes_nothing(make_draft: Any, author: User) -> None:
    post = make_draft(scheduled_for=clock.now() + timedelta(hours=3, microseconds=123))
    Desk(author).open(f"{POSTS}{post.pk}/change/").press()
    stored = ScheduledPost.objects.get()
    assert (stored.version, stored.scheduled_for) == (post.version, post.scheduled_for)
    assert not AuditEvent.objects.filter(verb="edit").exists()


def test_an_inline_superpower_survives_an_edit(make_draft: Any, author: User, facebook: Channel, key: Any) -> None:
    inline = {**GREETER, "hashtag": "mine", "unknown": {"kept": True}}
    channels = {facebook.public_id: drafts.ChannelText(facebook.type, "Hello", inline)}
    post = make_draft(channels=channels)
    desk = Desk(author).open(f"{POSTS}{post.pk}/change/")
    desk.press(**{f"caption-{facebook.public_id}": "Hello again"})
    delivery = ScheduledPost.objects.get().deliveries.get()
    assert (delivery.caption, delivery.superpower) == ("Hello again", inline)


def test_two_people_who_edit_at_once_are_told(make_draft: Any, author: User, facebook: Channel) -> None:
    post = make_draft(channels=[facebook])
    caption = f"caption-{facebook.public_id}"
    first, second = (Desk(author).open(f"{POSTS}{post.pk}/change/") for _ in range(2))
    first.press(**{caption: "first"})
    second.press(**{caption: "second"})
    assert ScheduledPost.objects.get().deliveries.get().caption == "first"
    assert "Somebody changed this post while you were writing" in second.text
    assert second.form().fields[caption] == "second"
    second.press()
    assert ScheduledPost.objects.get().deliveries.get().caption == "second"


def test_the_form_offers_no_state_and_takes_none(make_draft: Any, author: User) -> None:
    post = make_draft()
    desk = Desk(author).open(f"{POSTS}{post.pk}/change/")
    names = {name for name in desk.form().fields if "-" not in name}
    assert names == {"csrfmiddlewaretoken", "type", "media_url", "media_type", "scheduled_for", "brief", "version"}
    desk.press(status="SCHEDULED", approval="1", task_id=str(post.pk))
    assert ScheduledPost.objects.get().status == Status.DRAFT


def test_a_scheduled_post_cannot_be_edited(make_scheduled: Any, author: User, facebook: Channel) -> None:
    post = make_scheduled()
    desk = Desk(author).open(f"{POSTS}{post.pk}/change/").press(**{f"caption-{facebook.public_id}": "sneaky"})
    assert "Cannot update a SCHEDULED post" in desk.text
    assert not post.deliveries.filter(caption="sneaky").exists()
