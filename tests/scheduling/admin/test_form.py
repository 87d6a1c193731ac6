"""The form for posts: time zones, preserved text, edit conflicts."""

from datetime import UTC, datetime, timedelta

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Organization, User
from posts.domain import superpowers
from posts.models import Channel
from scheduling.domain import drafts
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.helpers import POSTS, AdminClient
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
