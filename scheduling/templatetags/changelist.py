"""Template tags for change lists and forms: names, tables, values, pagination and empty lists."""

from collections.abc import Iterator
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
from scheduling.admin.review_context import user_name
from scheduling.templatetags.formatting import local_time

register = template.Library()


class ListName(NamedTuple):
    """Title of a list, and its singular and plural."""

    title: str
    singular: str
    plural: str


# Where the interface uses another name than the model.
NAMES = {
    "scheduledpost": ListName("Posts", "post", "posts"),
    "publishedpost": ListName("Published", "published post", "published posts"),
    "superpowertemplate": ListName("Superpowers", "superpower", "superpowers"),
    "user": ListName("Accounts", "account", "accounts"),
    "membership": ListName("People", "member", "members"),
    "auditevent": ListName("Activity log", "event", "events"),
    "apikey": ListName("API keys", "API key", "API keys"),
}
EMPTY = {
    "scheduledpost": "No posts yet.",
    "publishedpost": "No published posts yet. They appear when a channel is synced.",
    "superpowertemplate": "No superpowers yet. A superpower (auto-replies) answers comments automatically.",
    "channel": "No channels connected yet. Nothing can be published without one.",
    "apikey": "No API keys yet. An agent needs one to submit drafts.",
    "webhook": "No webhooks yet. A webhook notifies another system about events.",
    "notification": "No notifications yet.",
    "membership": "No members yet.",
    "organization": "No organizations yet. Create the first one: everything belongs to an organization.",
    "auditevent": "No audit events yet.",
}
# Breadcrumbs: lists that are reached from another list.
PARENTS = {
    "accounts.User": ["accounts.Membership"],
    "accounts.Organization": ["accounts.Membership"],
    "scheduling.Webhook": ["scheduling.Notification"],
}


def name(opts: "Options[Any]") -> ListName:
    plural = str(opts.verbose_name_plural)
    return NAMES.get(opts.model_name or "", ListName(capfirst(plural), str(opts.verbose_name), plural))


@register.filter
def list_name(opts: "Options[Any]") -> str:
    return name(opts).title


@register.filter
def crumbs(opts: "Options[Any]") -> list[dict[str, str]]:
    """Return `name` and `url` of the lists from the top down to the model's own."""
    lists = [*(apps.get_model(label)._meta for label in PARENTS.get(opts.label, [])), opts]
    return [
        {"name": name(each).title, "url": reverse(f"admin:{each.app_label}_{each.model_name}_changelist")}
        for each in lists
    ]


@register.simple_tag(takes_context=True)
def row_url(context: template.Context, cl: ChangeList, row: Any) -> str:
    """Return the URL of the row's page; blank when the user may not open it."""
    model_admin: Any = cl.model_admin
    return cl.url_for_result(row) if model_admin.may_open(context["request"], row) else ""


@register.simple_tag(takes_context=True)
def table_of(context: template.Context, cl: ChangeList) -> dict[str, Any]:
    """Return `headings` and `rows` of a stock list. A cell is (heading, value, URL of the row or an empty string)."""
    headings = [{**result_header, "text": capfirst(str(result_header["text"]))} for result_header in result_headers(cl)]
    return {"headings": headings, "rows": [list(_cells(context, cl, row, headings)) for row in cl.result_list]}


def _cells(
    context: template.Context, cl: ChangeList, row: Any, headings: list[dict[str, Any]]
) -> Iterator[tuple[str, Any, str]]:
    for column, heading in zip(cl.list_display, headings, strict=True):
        field, attribute, value = lookup_field(column, row, cl.model_admin)
        empty = getattr(attribute, "empty_value_display", "none")
        text = format_value(context, field, row, value, empty)
        yield heading["text"], text, row_url(context, cl, row) if column in (cl.list_display_links or ()) else ""


@register.simple_tag(takes_context=True)
def read_only(context: template.Context, readonly_field: AdminReadonlyField) -> Any:
    row = readonly_field.form.instance
    field, attribute, value = lookup_field(readonly_field.field["field"], row, readonly_field.model_admin)
    return format_value(context, field, row, value, getattr(attribute, "empty_value_display", "never"))


def format_value(context: template.Context, field: "Field[Any, Any] | None", row: Any, value: Any, empty: str) -> Any:
    """Return a value for display: times in the reader's zone, yes or no, names of users and choices."""
    if field is not None and field.is_relation:
        value = getattr(row, field.name)
    if value is None or value == "":
        return empty
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local_time(context, value)
    if isinstance(value, User):
        return user_name(value)
    if field is not None and getattr(field, "choices", None):
        return getattr(row, f"get_{field.name}_display")()
    return value


@register.simple_tag
def list_pages(cl: ChangeList) -> dict[str, str]:
    """Return `text` ("1 to 50 of 90 posts") and the query strings of the `previous` and `next` page."""
    number, per_page = cl.page_num, cl.list_per_page
    first, last = (number - 1) * per_page + 1, min(number * per_page, cl.result_count)
    total = f"more than {cl.result_count - 1:,}" if getattr(cl.paginator, "more", False) else f"{cl.result_count:,}"
    names = name(cl.opts)
    text = f"{total} {names.singular if cl.result_count == 1 else names.plural}" if cl.result_count else ""
    if cl.result_count > per_page:
        text = f"{first:,} to {last:,} of {text}"
    return {
        "text": text,
        "previous": cl.get_query_string({"p": number - 1}) if number > 1 else "",
        "next": cl.get_query_string({"p": number + 1}) if last < cl.result_count else "",
    }


@register.inclusion_tag("dynamo/empty.html")
def empty_list_message(cl: ChangeList) -> dict[str, Any]:
    """Render the message for an empty list, or for a search or filter without results."""
    if not (cl.query or cl.get_filters_params() or cl.params):
        return {"message": EMPTY.get(cl.opts.model_name or "", "Nothing here yet."), "filtered": False}
    condition = f"matches “{cl.query}”" if cl.query else "matches these filters"
    return {"message": f"No {name(cl.opts).singular} {condition}.", "filtered": True}
