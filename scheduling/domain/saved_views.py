"""Saved filters of the list of posts, private to a person."""

from django.http import QueryDict

from accounts.exceptions import Invalid
from accounts.models import User
from scheduling.models import SavedView

MOST = 20
KNOWN = ("status", "channel", "author", "checks", "organization", "q")


def save_view(user: User, name: str, query: str) -> SavedView:
    """Save the filters of the query string `query` under `name`, replacing a view of that name.

    Raises Invalid for an invalid name or query, and beyond MOST views.
    """
    name, query = " ".join(name.split()), filters(query)
    if not 1 <= len(name) <= 60 or "\x00" in name:
        raise Invalid("Give the view a name of at most 60 characters.")
    if not query or len(query) > 1000:
        raise Invalid("Choose a filter or a search first: there is nothing to save.")
    others = SavedView.objects.filter(user=user).exclude(name=name)
    if others.count() >= MOST:
        raise Invalid(f"You have {MOST} saved views: delete one first.")
    view, _new = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query})
    return view


def delete_view(user: User, view_id: int) -> None:
    SavedView.objects.filter(user=user, pk=view_id).delete()


def saved_views(user: User) -> list[SavedView]:
    return list(SavedView.objects.filter(user=user).order_by("name"))


def filters(query: str) -> str:
    """Return the filters of a query string in a fixed order, so that two can be compared."""
    given, plain = QueryDict(query), QueryDict(mutable=True)
    for name in KNOWN:
        if given.get(name):
            plain[name] = given[name]
    return plain.urlencode()
