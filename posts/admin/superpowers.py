"""Superpower templates (auto-replies) in the admin, and the description of a superpower in sentences."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin

from accounts import clock, formatting
from accounts.admin.base import BaseAdmin, DomainForm
from accounts.domain.actors import Actor
from accounts.models import Role
from posts.domain import superpowers
from posts.models import SuperpowerTemplate


def describe_superpower(superpower: Any) -> list[str]:
    """Return one sentence for each thing that the superpower does. Takes any JSON: references are not validated."""
    if not isinstance(superpower, dict):
        return []
    return list(_sentences(superpower))


def superpower_title(superpower: Any) -> str:
    if not isinstance(superpower, dict):
        return ""
    name = superpower.get("name") or superpower.get("creativeTemplateName") or "Superpower"
    tag = str(superpower.get("hashtag") or "").lstrip("#")
    return f"{name} #{tag}" if tag else str(name)


def expires(superpower: Any) -> datetime | None:
    """Return when the superpower ends, None without a valid time."""
    at = superpower.get("expirationDate") if isinstance(superpower, dict) else None
    if not isinstance(at, int | float) or isinstance(at, bool):
        return None
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def has_expired(superpower: Any) -> bool:
    end = expires(superpower)
    return end is not None and end <= clock.now()


def _sentences(superpower: dict[str, Any]) -> Iterator[str]:
    if superpower.get("active") is False:
        yield "Switched off: no replies."
    if end := expires(superpower):
        when = f"{formatting.format_long(end, ZoneInfo('UTC'))} UTC"
        yield f"Expired on {when}: no more replies." if has_expired(superpower) else f"Until {when}."
    groups = _objects(superpower.get("conditionGroups"))
    for group in groups:
        when = _when(group)
        for kind, how in (("publicReplies", "reply in public"), ("privateReplies", "send a private message")):
            texts = [f"“{item['text']}”" for item in _objects(group.get(kind)) if item.get("text")]
            if texts:
                share = group.get("publicRepliesProbability" if kind == "publicReplies" else "probability")
                yield f"{when}, {how}{_share(share)}: {' or '.join(texts)}"
        if group.get("autoLike"):
            yield f"{when}, like the comment{_share(group.get('autoLikeProbability'))}."
    if not groups:
        yield "Replies to every comment as the template defines."


def _when(group: dict[str, Any]) -> str:
    words = [
        f"“{value}”"
        for condition in _objects(group.get("conditions"))
        for value in condition.get("values") or []
        if isinstance(value, str | int)
    ]
    if not words or words == ["“any”"]:
        return "When someone comments"
    return f"When someone comments {' or '.join(words)}"


def _share(probability: Any) -> str:
    if not isinstance(probability, int | float) or probability >= 1:
        return ""
    return f" ({probability:.0%} of the time)"


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


ONE_PER_LINE = "One per line."


class SuperpowerForm(DomainForm):
    """Edits the first group of conditions. Further groups, and fields that the form does not have, are kept."""

    name = forms.CharField(max_length=200)
    hashtag = forms.CharField(max_length=200, help_text="Unique within the organization.")
    active = forms.BooleanField(required=False, initial=True)
    words = forms.CharField(
        label="When someone comments",
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=f"{ONE_PER_LINE} Leave empty for any comment.",
    )
    public = forms.CharField(
        label="Reply in public", required=False, widget=forms.Textarea({"rows": 3}), help_text=ONE_PER_LINE
    )
    private = forms.CharField(
        label="Send a private message", required=False, widget=forms.Textarea({"rows": 3}), help_text=ONE_PER_LINE
    )
    like = forms.BooleanField(label="Like the comment", required=False)

    def __init__(self, *args: Any, row: SuperpowerTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.document: dict[str, Any] = dict(row.document) if row else {}
        groups = self.document.get("conditionGroups") or [{}]
        self.group: dict[str, Any] = dict(groups[0])
        self.further = list(groups[1:])
        if row is not None:
            conditions = self.group.get("conditions") or []
            values = [value for condition in conditions for value in condition.get("values") or []]
            self.initial = {
                **self.initial,
                "name": row.name,
                "hashtag": self.document.get("hashtag", ""),
                "active": self.document.get("active", True),
                "words": "\n".join(values) if values != ["any"] else "",
                "public": "\n".join(reply.get("text") or "" for reply in self.group.get("publicReplies") or []),
                "private": "\n".join(reply.get("text") or "" for reply in self.group.get("privateReplies") or []),
                "like": bool(self.group.get("autoLike")),
            }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not (data.get("public") or data.get("private")):
            self.add_error("public", "Write at least one public or private reply.")
        return data

    def save(self, actor: Actor) -> tuple[SuperpowerTemplate, str]:
        data = self.cleaned_data
        defaults = {"name": "everyone", "probability": 1, "publicRepliesProbability": 1, "autoLikeProbability": 1}
        group = {
            **defaults,
            **self.group,
            "autoLike": data["like"],
            "conditions": self._conditions(_lines(data["words"]) or ["any"]),
            "publicReplies": self._replies("publicReplies", "PUBLIC", _lines(data["public"])),
            "privateReplies": self._replies("privateReplies", "PRIVATE", _lines(data["private"])),
        }
        document = {
            "templateType": "CONDITIONAL",
            "conditionalTemplateType": "GENERAL",
            **self.document,
            "name": data["name"],
            "hashtag": data["hashtag"],
            "active": data["active"],
            "conditionGroups": [group, *self.further],
        }
        template = superpowers.write(actor, organization=self.organization, document=document, template=self.row)
        return template, f"{template.name} is saved. Posts that already use it are not changed."

    def _conditions(self, words: list[str]) -> list[dict[str, Any]]:
        before = self.group.get("conditions") or [{"conditionType": "USER_ACTION", "userActionType": "COMMENTED"}]
        return [{**before[0], "values": words}]

    def _replies(self, kind: str, scope: str, texts: list[str]) -> list[dict[str, Any]]:
        before = self.group.get(kind) or []
        return [
            {**(before[place] if place < len(before) else {"scope": scope}), "text": text}
            for place, text in enumerate(texts)
        ]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@admin.register(SuperpowerTemplate)
class SuperpowerTemplateAdmin(BaseAdmin):
    """Editors write templates; every member sees a description of each."""

    edit_role = Role.EDITOR
    form_class = SuperpowerForm
    add_title = "New superpower"
    ordering = ("name",)
    search_fields = ("name", "lookup_hashtag")
    list_select_related = ("organization",)
