"""The author's form: one media, one instant, a caption and a superpower per channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q

from accounts import formatting
from accounts.admin.base import DomainForm
from accounts.domain.actors import Actor
from accounts.exceptions import DomainError, StaleVersion
from posts.admin.superpowers import superpower_title
from posts.models import Channel, ChannelState, PostType, SuperpowerTemplate
from scheduling.domain import drafts, review
from scheduling.domain.drafts import Changes, ChannelText
from scheduling.lifecycle import Status
from scheduling.models import Delivery, MediaType, ScheduledPost

KEEP = "keep"


@dataclass(frozen=True)
class ChannelFields:
    """A channel's part of the form, for the template."""

    channel: Channel
    chosen: forms.BoundField
    caption: forms.BoundField
    superpower: forms.BoundField


class PostForm(DomainForm):
    """Creates or edits a draft through the domain; `submit` in the data hands it to the reviewers as well."""

    type = forms.ChoiceField(choices=PostType.choices, initial=PostType.POST)
    media_url = forms.CharField(
        label="Media address", max_length=2048, required=False, strip=True, help_text="A public https address."
    )
    media_type = forms.ChoiceField(
        label="Media type", choices=[("", "As the address says"), *MediaType.choices], required=False
    )
    scheduled_for = forms.CharField(
        label="Goes out", max_length=40, required=False, widget=forms.DateTimeInput({"type": "datetime-local"})
    )
    brief = forms.CharField(
        label="Brief for the reviewer",
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text="Why this post, where its facts are from, what could go wrong. Never published.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: ScheduledPost | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.zone = formatting.user_timezone(self.reader)
        self.fields["scheduled_for"].help_text = f"In your time zone, {self.zone.key}."
        self.before: dict[str, Delivery] = {}
        if row is not None:
            self.before = {
                delivery.channel.public_id: delivery for delivery in row.deliveries.select_related("channel")
            }
            self.initial = {
                **self.initial,
                "type": row.type,
                "media_url": row.media or "",
                "media_type": row.media_type or "",
                "scheduled_for": formatting.as_input(row.scheduled_for, self.zone),
                "brief": row.brief or "",
                "version": row.version,
            }
        known = Q(pk__in=[item.channel_id for item in self.before.values()]) | ~Q(state=ChannelState.DISCONNECTED)
        self.channels = list(
            Channel.objects.filter(known, organization=self.organization).order_by("name", "public_id")
        )
        self.templates = {
            str(superpower_template.pk): superpower_template
            for superpower_template in SuperpowerTemplate.objects.filter(organization=self.organization).order_by(
                "name"
            )
        }
        for channel in self.channels:
            self._add(channel)

    def _add(self, channel: Channel) -> None:
        before = self.before.get(channel.public_id)
        choices = [("", "None"), *((key, superpower_title(one.as_wire())) for key, one in self.templates.items())]
        initial = ""
        if before and before.superpower:
            initial = self._reference(before.superpower)
            if initial == KEEP:
                choices.insert(1, (KEEP, f"{superpower_title(before.superpower)} (as it is)"))
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
            label="Superpower", choices=choices, required=False, initial=initial
        )

    def _reference(self, superpower: dict[str, Any]) -> str:
        template = self.templates.get(str(superpower.get("creativeTemplateId")))
        return str(template.pk) if template and superpower == template.as_wire() else KEEP

    def by_channel(self) -> Iterator[ChannelFields]:
        """Yield each channel with its three fields."""
        for channel in self.channels:
            names = (f"{part}-{channel.public_id}" for part in ("on", "caption", "superpower"))
            yield ChannelFields(channel, *(self[name] for name in names))

    def clean_scheduled_for(self) -> datetime | None:
        """Return the instant, exactly the stored one when the field was left alone."""
        try:
            return formatting.from_input(
                self.cleaned_data["scheduled_for"], self.zone, shown=self.row.scheduled_for if self.row else None
            )
        except formatting.InvalidLocalTime as error:
            raise forms.ValidationError(str(error)) from None

    def changes(self) -> Changes:
        """Return what was typed, in the domain's words."""
        data = self.cleaned_data
        return {
            "type": data["type"],
            "media": data["media_url"] or None,
            "media_type": data["media_type"] or None,
            "scheduled_for": data["scheduled_for"],
            "brief": self._brief(),
            "channels": {
                channel.public_id: ChannelText(
                    channel.type, self._caption(channel.public_id), self._superpower(channel.public_id)
                )
                for channel in self.channels
                if data[f"on-{channel.public_id}"]
            },
        }

    def _brief(self) -> str | None:
        typed = str(self.cleaned_data["brief"]).replace("\r\n", "\n")
        before = self.row.brief if self.row else None
        return before if (before or "").replace("\r\n", "\n").strip() == typed else typed or None

    def _caption(self, public_id: str) -> str:
        # Browsers send CRLF; the public should not get it, and an untouched caption should stay untouched.
        typed = str(self.cleaned_data[f"caption-{public_id}"]).replace("\r\n", "\n")
        before = self.before.get(public_id)
        return before.caption if before and before.caption.replace("\r\n", "\n") == typed else typed

    def _superpower(self, public_id: str) -> dict[str, Any] | None:
        chosen = self.cleaned_data[f"superpower-{public_id}"]
        if chosen == KEEP:
            return self.before[public_id].superpower
        return {"creativeTemplateId": chosen} if chosen else None

    def save(self, actor: Actor) -> tuple[ScheduledPost, str]:
        """Create or edit; with `submit`, hand over to the reviewers in the same step."""
        submit = "submit" in self.data
        if self.row is None:
            post = drafts.create(actor, organization=self.organization, changes=self.changes(), submit=submit)
            return post, _said(submit)
        with transaction.atomic():
            post = drafts.edit(actor, self.row, changes=self.changes(), expected_version=self.cleaned_data["version"])
            if submit and post.status in {Status.DRAFT, Status.REJECTED}:
                review.submit(actor, post)
        return post, _said(submit)

    def add_domain_error(self, refusal: DomainError) -> None:
        """Show what the domain said; after a collision the next save is against what stands there now."""
        if not isinstance(refusal, StaleVersion):
            super().add_domain_error(refusal)
            return
        fresh = ScheduledPost.objects.filter(pk=self.row.pk).values_list("version", flat=True).first()
        self.data = {**dict(self.data.items()), "version": str(fresh or "")}
        self.add_error(
            None,
            "Somebody changed this post while you were writing. What you typed is still below; "
            "compare it with the post, then save again to replace their change.",
        )

    def field_at(self, path: list[Any]) -> str | None:
        """Return the field for a path of the API: `channels`, its id, and the field in it."""
        names = {"scheduledFor": "scheduled_for", "mediaType": "media_type", "media": "media_url", "type": "type"}
        if len(path) >= 2 and path[0] == "channels" and f"caption-{path[1]}" in self.fields:
            return f"superpower-{path[1]}" if "superpower" in path else f"caption-{path[1]}"
        return names.get(str(path[0])) if path else None


def _said(submit: bool) -> str:  # noqa: FBT001  what the person asked for, told back
    return "Saved, and handed to the reviewers." if submit else "Saved."
