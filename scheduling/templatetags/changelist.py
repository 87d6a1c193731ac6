"""What the desk's lists share: their names, their tables and pages, and what they say when there is nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django import template
from django.apps import apps
from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field
from django.db.models.options import Options
from django.urls import reverse
from django.utils.text import capfirst

from accounts.models import User
from scheduling.templatetags.formatting import local_time

register = template.Library()


class Name(NamedTuple):
    """What people call a list, one of its rows, and several of them."""

    title: str
    one: str
    several: str


# Where the desk's word is another than the model's.
NAMES = {
    "scheduledpost": Name("Posts", "post", "posts"),
    "publishedpost": Name("Live", "live post", "live posts"),
    "superpowertemplate": Name("Superpowers", "superpower", "superpowers"),
    "user": Name("Accounts", "account", "accounts"),
    "membership": Name("People", "member", "members"),
    "auditevent": Name("Trail", "event", "events"),
    "apikey": Name("Keys", "key", "keys"),
}
EMPTY = {
    "scheduledpost": "Nobody has written a post yet.",
    "publishedpost": "Nothing is live yet, or it has not been read from the platform.",
    "superpowertemplate": "No superpower yet. A superpower answers comments by itself.",
    "channel": "No channel is connected yet. Until one is, nothing can go out.",
    "apikey": "No key yet. An agent needs one to hand in drafts.",
    "webhook": "No webhook yet. A webhook tells another system what happens here.",
    "notification": "Nobody had to be told anything yet.",
    "membership": "Nobody works here yet.",
    "organization": "There is no organization yet. Make the first: everything belongs to one.",
    "auditevent": "Nothing has happened yet. What does is told here, for good.",
}
# Lists that one comes to from another.
ABOVE = {
    "accounts.User": ["accounts.Membership"],
    "accounts.Organization": ["accounts.Membership"],
    "scheduling.Webhook": ["scheduling.Notification"],
}


def name(opts: "Options[Any]") -> Name:
    """Return the words for a model's list."""
    plural = str(opts.verbose_name_plural)
    return NAMES.get(opts.model_name or "", Name(capfirst(plural), str(opts.verbose_name), plural))


@register.filter
def list_name(opts: "Options[Any]") -> str:
    """Return what the list is called in headings, crumbs and titles."""
    return name(opts).title


@register.filter
def crumbs(opts: "Options[Any]") -> list[dict[str, str]]:
    """Return the way from the desk to the model's list, that list included: names and addresses."""
    way = [*(apps.get_model(item)._meta for item in ABOVE.get(opts.label, [])), opts]
    return [
        {"name": name(item).title, "url": reverse(f"admin:{item.app_label}_{item.model_name}_changelist")}
        for item in way
    ]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its column's heading, what it says, and where its row leads, if it does that."""

    heading: str
    words: Any
    url: str


@register.simple_tag(takes_context=True)
def table_of(context: template.Context, cl: ChangeList) -> dict[str, Any]:
    """Return the headings and the rows of a stock list, each cell in the desk's words."""
    headings = [{**result_header, "text": capfirst(str(result_header["text"]))} for result_header in result_headers(cl)]
    rows = [list(_cells(context, cl, row, headings)) for row in cl.result_list]
    return {"headings": headings, "rows": rows}


def _cells(context: template.Context, cl: ChangeList, row: Any, headings: list[dict[str, Any]]) -> Iterator[Cell]:
    for place, column in enumerate(cl.list_display):
        leads = cl.list_display_links is not None and (
            column in cl.list_display_links if cl.list_display_links else place == 0
        )
        field, attribute, value = lookup_field(column, row, cl.model_admin)
        empty = getattr(attribute, "empty_value_display", "none")
        words = format_value(context, field, row, value, empty)
        yield Cell(headings[place]["text"], words, cl.url_for_result(row) if leads else "")


@register.simple_tag(takes_context=True)
def read_only(context: template.Context, shown: AdminReadonlyField) -> Any:
    """Return what a field says that is shown and not asked for."""
    row = shown.form.instance
    field, attribute, value = lookup_field(shown.field["field"], row, shown.model_admin)
    return format_value(context, field, row, value, getattr(attribute, "empty_value_display", "never"))


def format_value(context: template.Context, field: "Field[Any, Any] | None", row: Any, value: Any, empty: str) -> Any:
    """Return a value as people read it: an instant in their time zone, yes or no, a person's name."""
    if field is not None and field.is_relation:
        value = getattr(row, field.name)
    if value is None or value == "":
        return empty
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local_time(context, value)
    if isinstance(value, User):
        return value.get_full_name() or value.get_username()
    if field is not None and getattr(field, "choices", None):
        return getattr(row, f"get_{field.name}_display")()
    return value


@register.simple_tag
def list_pages(cl: ChangeList) -> dict[str, str]:
    """Return where the pages before and after this one are, and in words which rows of how many are shown."""
    number, per_page = cl.page_num, cl.list_per_page
    first, last = (number - 1) * per_page + 1, min(number * per_page, cl.result_count)
    more = getattr(cl.paginator, "more", False)
    total = f"more than {cl.result_count - 1:,}" if more else f"{cl.result_count:,}"
    words = name(cl.opts)
    counted = f"{total} {words.one if cl.result_count == 1 else words.several}"
    return {
        "words": ""
        if not cl.result_count
        else counted
        if cl.result_count <= per_page
        else f"{first:,} to {last:,} of {counted}",
        "previous": cl.get_query_string({"p": number - 1}) if number > 1 else "",
        "next": cl.get_query_string({"p": number + 1}) if last < cl.result_count else "",
    }


@register.inclusion_tag("desk/empty.html")
def empty_list_message(cl: ChangeList) -> dict[str, Any]:
    """Say that a list is empty, and why: nothing is there, or nothing fits what was asked for."""
    narrowed = bool(cl.query or cl.get_filters_params() or cl.params)
    words = name(cl.opts)
    if narrowed:
        searched = f"No {words.one} fits “{cl.query}”" if cl.query else f"No {words.one} fits what you chose"
        return {"said": f"{searched}.", "narrowed": True}
    return {"said": EMPTY.get(cl.opts.model_name or "", "Nothing is here yet."), "narrowed": False}
