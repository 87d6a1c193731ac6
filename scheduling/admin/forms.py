"""The form for creating and editing a post."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.db import transaction
from django.db.models import Q

from accounts import formatting
from accounts.admin.base import DomainForm
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, DomainError, StaleVersion
from posts.admin.superpower_description import superpower_title
from posts.domain import media_store
from posts.graph.media import VIDEO_BYTES, MediaUnavailable
from posts.models import Channel, ChannelState, MediaFile, PostType, SuperpowerTemplate
from scheduling.admin import post_history
from scheduling.domain import drafts, review
from scheduling.domain.drafts import Changes, ChannelText, Medium
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Delivery, MediaItem, MediaType, ScheduledPost

MOST_MEDIA = 10  # of one post
ALT_TEXT = 1000  # characters
KEEP = "keep"  # choice: the post's superpower, which differs from every template
# By code of the violation. The API's messages name its fields instead.
MESSAGES = {
    "scheduledFor.missing": "Choose a date and time.",
    "scheduledFor.past": "Choose a time in the future.",
    "media.url": "Paste a full link that starts with https://.",
    "mediaType.missing": "Instagram needs an image or a video: choose the media type.",
}


def in_words_of_the_form(error: DomainError) -> DomainError:
    """Replace the messages that name fields of the API. Changes and returns the error."""
    for detail in error.details if isinstance(error.details, list) else []:
        words = MESSAGES.get(detail.get("code"), detail["message"])
        if error.message == detail["message"]:
            error.message = words
        detail["message"] = words
    return error


MEDIA_FIELDS = {"media_url", "upload", "media_type", "alt_text"}


def _field_name(name: str, number: int) -> str:
    """Return the name of a field of the medium with this number."""
    return name if number == 1 and name in MEDIA_FIELDS else f"{name}-{number}"


class ChannelFields(NamedTuple):
    channel: Channel
    chosen: forms.BoundField
    caption: forms.BoundField
    superpower: forms.BoundField


class MediaFields(NamedTuple):
    """The fields of one of several media; those of the first stand with the fields of the post."""

    number: int
    item: MediaItem | None
    media_url: forms.BoundField
    upload: forms.BoundField
    media_type: forms.BoundField
    alt_text: forms.BoundField
    position: forms.BoundField
    remove: forms.BoundField


def alt_text_field(initial: str = "") -> forms.CharField:
    return forms.CharField(
        label="Alternative text",
        max_length=ALT_TEXT,
        required=False,
        strip=False,
        initial=initial,
        widget=forms.Textarea({"rows": 2}),
        help_text="What the image shows, for people who do not see it.",
    )


class PostForm(DomainForm):
    """Creates or edits a post; `submit` in the data also submits it for approval.

    The fields of the second to tenth medium have the number of the medium in their names: `media_url-2`.
    """

    type = forms.ChoiceField(choices=PostType.choices, initial=PostType.POST)
    media_url = forms.CharField(
        label="Image or video link", max_length=2048, required=False, strip=True, help_text="A public https:// link."
    )
    upload = forms.FileField(
        label="Or choose or drop a file",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput({"accept": "image/*,video/*"}),
        help_text="An image or a video. It replaces the link.",
    )
    media_type = forms.ChoiceField(
        label="Media type", choices=[("", "Detect automatically"), *MediaType.choices], required=False
    )
    alt_text = alt_text_field()
    is_ai_generated = forms.BooleanField(
        label="Made with AI", required=False, help_text="Instagram shows a label. Facebook has none."
    )
    scheduled_for = forms.CharField(
        label="Publish on", max_length=40, required=False, widget=forms.DateTimeInput({"type": "datetime-local"})
    )
    brief = forms.CharField(
        label="Note for the reviewer (internal)",
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text="Why this post, where its facts are from, what could go wrong. Never published.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    post_id = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid4)  # of a new post

    def __init__(self, *args: Any, row: ScheduledPost | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.zone = formatting.user_timezone(self.reader)
        hint = formatting.repeated_hour_hint(row.scheduled_for if row else None, self.zone)
        self.fields["scheduled_for"].help_text = f"In your time zone, {self.zone.key}.{hint}"
        self.before: dict[str, Delivery] = {}
        if row is not None:
            del self.fields["post_id"]
            deliveries = row.deliveries.select_related("channel")
            self.before = {delivery.channel.public_id: delivery for delivery in deliveries}
            self.initial = {
                **self.initial,
                "type": row.type,
                "media_url": row.media or "",
                "alt_text": row.items[0].alt_text if row.items else row.alt_text,
                "is_ai_generated": row.is_ai_generated,
                "media_type": row.media_type or "",
                "scheduled_for": formatting.as_input(row.scheduled_for, self.zone),
                "brief": row.brief or "",
                "version": row.version,
            }
        self.items_before = row.items if row else []
        self.order: list[int] = []  # the numbers of the media in the order in which they are saved
        for number in range(1, MOST_MEDIA + 1):
            self._add_media_fields(number)
        selectable = Q(public_id__in=self.before) | ~Q(state=ChannelState.DISCONNECTED)
        channels = Channel.objects.filter(selectable, organization=self.organization)
        self.channels = list(channels.order_by("name", "public_id"))
        templates = SuperpowerTemplate.objects.filter(organization=self.organization).order_by("name")
        self.templates = {str(template.pk): template for template in templates}
        for channel in self.channels:
            self._add_channel_fields(channel)

    def _add_media_fields(self, number: int) -> None:
        before = self._item_before(number)
        if number > 1:
            self.fields[f"media_url-{number}"] = forms.CharField(
                label="Image or video link", max_length=2048, required=False, initial=before.media if before else ""
            )
            self.fields[f"upload-{number}"] = forms.FileField(
                label="Or choose a file",
                required=False,
                allow_empty_file=True,
                widget=forms.FileInput({"accept": "image/*,video/*"}),
            )
            self.fields[f"media_type-{number}"] = forms.ChoiceField(
                label="Media type",
                choices=[("", "Detect automatically"), *MediaType.choices],
                required=False,
                initial=(before.media_type or "") if before else "",
            )
            self.fields[f"alt_text-{number}"] = alt_text_field(before.alt_text if before else "")
        self.fields[f"position-{number}"] = forms.IntegerField(
            label="Position", required=False, min_value=1, max_value=MOST_MEDIA, initial=number
        )
        self.fields[f"remove-{number}"] = forms.BooleanField(label="Remove", required=False)

    def _item_before(self, number: int) -> MediaItem | None:
        return self.items_before[number - 1] if number <= len(self.items_before) else None

    def by_medium(self) -> Iterator[MediaFields]:
        for number in range(1, MOST_MEDIA + 1):
            names = ("media_url", "upload", "media_type", "alt_text", "position", "remove")
            fields = (self[_field_name(name, number)] for name in names)
            yield MediaFields(number, self._item_before(number), *fields)

    @property
    def has_several(self) -> bool:
        """Whether the post has several media, or the input has."""
        typed = any(self.data.get(f"media_url-{number}") for number in range(2, MOST_MEDIA + 1))
        return bool(self.items_before) or typed

    def _add_channel_fields(self, channel: Channel) -> None:
        before = self.before.get(channel.public_id)
        choices = [(key, superpower_title(template.as_wire())) for key, template in self.templates.items()]
        initial = ""
        if before and before.superpower:
            initial = str(before.superpower.get("creativeTemplateId"))
            template = self.templates.get(initial)
            if template is None or before.superpower != template.as_wire():
                initial = KEEP
                choices.insert(0, (KEEP, f"{superpower_title(before.superpower)} (unchanged)"))
        self.fields[f"on-{channel.public_id}"] = forms.BooleanField(
            label=channel.name, required=False, initial=before is not None
        )
        self.fields[f"caption-{channel.public_id}"] = forms.CharField(
            label="Caption",
            required=False,
            strip=False,
            widget=forms.Textarea({"rows": 6}),
            initial=before.caption if before else "",
        )
        self.fields[f"superpower-{channel.public_id}"] = forms.ChoiceField(
            label="Superpower (auto-replies)", choices=[("", "None"), *choices], required=False, initial=initial
        )

    def by_channel(self) -> Iterator[ChannelFields]:
        for channel in self.channels:
            names = (f"{part}-{channel.public_id}" for part in ("on", "caption", "superpower"))
            yield ChannelFields(channel, *(self[name] for name in names))

    def clean_scheduled_for(self) -> datetime | None:
        """Return the time in UTC; with an untouched field exactly the stored time, whose seconds it does not show."""
        shown = self.row.scheduled_for if self.row else None
        try:
            return formatting.from_input(self.cleaned_data["scheduled_for"], self.zone, shown=shown)
        except formatting.InvalidLocalTime as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Store the files, and replace each by its row."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for number in range(1, MOST_MEDIA + 1):
            name = _field_name("upload", number)
            try:
                data[name] = self._store_upload(data.get(name))
            except forms.ValidationError as error:
                self.add_error(name, error)
        return data

    def _store_upload(self, upload: Any) -> MediaFile | None:
        if not upload:
            return None
        if upload.size > VIDEO_BYTES:
            raise forms.ValidationError(f"The file is larger than {VIDEO_BYTES // 1024**2} MiB.")
        try:
            return media_store.store(self.organization, upload)
        except MediaUnavailable as error:
            raise forms.ValidationError(f"{error}.") from None

    def changes(self) -> Changes:
        data = self.cleaned_data
        return {
            **self._media_changes(),
            "type": data["type"],
            "is_ai_generated": data["is_ai_generated"],
            "scheduled_for": data["scheduled_for"],
            "brief": self._brief(),
            "channels": {
                channel.public_id: self._channel_text(channel)
                for channel in self.channels
                if data[f"on-{channel.public_id}"]
            },
        }

    def _media_changes(self) -> Changes:
        """Return the media in the order of their positions: several as items, one as `media`."""
        numbers = [
            number
            for number in range(1, MOST_MEDIA + 1)
            if not self._value("remove", number) and (self._value("upload", number) or self._value("media_url", number))
        ]
        self.order = sorted(numbers, key=lambda number: (self._value("position", number) or MOST_MEDIA, number))
        media = [self._medium(number) for number in self.order]
        if len(media) > 1:
            return {"media_items": media, "alt_text": ""}
        only = media[0] if media else Medium("", self._value("media_type", 1) or None, self._alt_text(1))
        return {
            "media": only.url or None,
            "media_type": only.media_type,
            "media_items": None,
            "alt_text": only.alt_text,
        }

    def _value(self, name: str, number: int) -> Any:
        return self.cleaned_data[_field_name(name, number)]

    def _medium(self, number: int) -> Medium:
        stored: MediaFile | None = self._value("upload", number)
        url = media_store.stable_url(stored) if stored else str(self._value("media_url", number))
        media_type = stored.kind if stored else self._value("media_type", number) or None
        return Medium(url, media_type, self._alt_text(number))

    def _alt_text(self, number: int) -> str:
        """Return the text with the line breaks that it had, if it was not changed otherwise."""
        item = self._item_before(number)
        before = item.alt_text if item else self.row.alt_text if self.row and number == 1 else ""
        typed = str(self._value("alt_text", number)).replace("\r\n", "\n")
        return before if before.replace("\r\n", "\n") == typed else typed

    def _brief(self) -> str | None:
        brief = str(self.cleaned_data["brief"]).replace("\r\n", "\n")
        before = self.row.brief if self.row else None
        return before if (before or "").replace("\r\n", "\n").strip() == brief else brief or None

    def _channel_text(self, channel: Channel) -> ChannelText:
        before = self.before.get(channel.public_id)
        # Browsers send CRLF, which must not be published. An untouched caption keeps its line breaks.
        caption = str(self.cleaned_data[f"caption-{channel.public_id}"]).replace("\r\n", "\n")
        if before and before.caption.replace("\r\n", "\n") == caption:
            caption = before.caption
        chosen = self.cleaned_data[f"superpower-{channel.public_id}"]
        superpower = {"creativeTemplateId": chosen} if chosen else None
        if before and chosen == KEEP:
            superpower = before.superpower
        return ChannelText(channel.type, caption, superpower)

    def save(self, actor: Actor) -> tuple[ScheduledPost, str]:
        """Create or edit the post and, with `submit`, submit it in the same transaction."""
        submit = "submit" in self.data
        with transaction.atomic():
            post = self._store(actor, submit=submit)
            if submit and post.status in {Status.DRAFT, Status.REJECTED}:
                review.submit(actor, post)
        return post, "Saved and submitted for approval." if submit else "Saved."

    def _store(self, actor: Actor, *, submit: bool) -> ScheduledPost:
        """Create or edit the post, or return it if the user has sent this form before, such as by a double click."""
        data, changes, row = self.cleaned_data, self.changes(), self.row
        try:
            if row is None:
                return drafts.create(
                    actor, organization=self.organization, changes=changes, submit=submit, post_id=data["post_id"]
                )
            return drafts.edit(actor, row, changes=changes, expected_version=data["version"])
        except (StaleVersion, Conflict):
            posts = ScheduledPost.objects.select_related("organization").filter(organization=self.organization)
            saved = posts.filter(pk=row.pk if row else data["post_id"]).first()
            if saved is None or not post_history.last_event_of(self.reader, saved, {"create", "edit", "submit"}):
                raise
            if saved.status not in EDITABLE or drafts.would_change(actor, saved, changes):
                raise
            return saved

    def add_domain_error(self, error: DomainError) -> None:
        """Show the error. After an edit conflict, update the hidden version so that saving again overwrites."""
        if not isinstance(error, StaleVersion):
            super().add_domain_error(in_words_of_the_form(error))
            return
        version = ScheduledPost.objects.filter(pk=self.row.pk).values_list("version", flat=True).first()
        self.data = {**dict(self.data.items()), "version": str(version or "")}
        self.add_error(
            None,
            "Another user changed this post while you were editing. Your changes are still in the form: "
            "compare them with the post, then save again to overwrite the other change.",
        )

    def field_at(self, path: list[Any]) -> str | None:
        """Return the form field for an API path such as `channels`, channel id, `superpower`."""
        names = {
            "scheduledFor": "scheduled_for",
            "mediaType": "media_type",
            "media": "media_url",
            "type": "type",
            "altText": "alt_text",
        }
        if len(path) == 3 and path[0] == "mediaItems":
            fields = {"url": "media_url", "mediaType": "media_type", "altText": "alt_text"}
            return _field_name(fields[path[2]], self.order[path[1]])
        if len(path) >= 2 and path[0] == "channels" and f"caption-{path[1]}" in self.fields:
            return f"superpower-{path[1]}" if "superpower" in path else f"caption-{path[1]}"
        return names.get(str(path[0])) if path else None
