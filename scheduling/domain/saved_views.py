"""The lists that a reviewer comes back to: kept under a name, theirs alone."""

from django.http import QueryDict

from accounts.exceptions import Invalid
from accounts.models import User
from scheduling.models import SavedView

MOST = 20
KNOWN = ("status", "channel", "author", "checks", "organization", "q")


def save_view(user: User, name: str, query: str) -> SavedView:
    """Keep the filters of `query`, the address's query, under `name`; what had that name before is replaced.

    Raises Invalid for a name or a query that cannot be kept, and beyond MOST views.
    """
    name, query = " ".join(name.split()), filters(query)
    if not 1 <= len(name) <= 60 or "\x00" in name:
        raise Invalid("Give the view a name of at most 60 characters.")
    if not query or len(query) > 1000:
        raise Invalid("Choose a filter or search for something first: there is nothing to keep.")
    others = SavedView.objects.filter(user=user).exclude(name=name)
    if others.count() >= MOST:
        raise Invalid(f"You keep {MOST} views already: delete one first.")
    view, _new = SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query})
    return view


def delete_view(user: User, view_id: int) -> None:
    """Delete one of the person's views; another's is left alone."""
    SavedView.objects.filter(user=user, pk=view_id).delete()


def saved_views(user: User) -> list[SavedView]:
    """Return the person's views by name."""
    return list(SavedView.objects.filter(user=user).order_by("name"))


def filters(query: str) -> str:
    """Return the part of an address's query that narrows a list down, in one order, so that two can be compared."""
    given, plain = QueryDict(query), QueryDict(mutable=True)
    for name in KNOWN:
        if given.get(name):
            plain[name] = given[name]
    return plain.urlencode()
