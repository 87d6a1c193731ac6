"""Superpower templates (auto-replies) in the admin."""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.admin.base import BaseAdmin, DomainForm
from accounts.domain.actors import Actor
from accounts.models import Role
from posts.domain import superpowers
from posts.models import SuperpowerTemplate

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
