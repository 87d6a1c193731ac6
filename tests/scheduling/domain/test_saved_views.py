"""Saved views."""

import pytest

from accounts.exceptions import Invalid
from accounts.models import User
from scheduling.domain import saved_views

pytestmark = pytest.mark.django_db


def test_save_view_stores_filters_and_replaces_by_name(reviewer: User) -> None:
    saved_views.save_view(reviewer, "  Next   week ", "p=3&q=soup&status=SCHEDULED&next=//evil.example&status=DRAFT")
    assert [(saved_view.name, saved_view.query) for saved_view in saved_views.saved_views(reviewer)] == [
        ("Next week", "status=DRAFT&q=soup")
    ]
    saved_views.save_view(reviewer, "Next week", "author=key-dk_1")
    assert [saved_view.query for saved_view in saved_views.saved_views(reviewer)] == ["author=key-dk_1"]


def test_save_view_with_invalid_input_raises_invalid(reviewer: User) -> None:
    names, queries = ("", "x" * 61, "a\x00"), ("", "p=2", f"q={'x' * 999}")
    for name, query in [*((name, "q=x") for name in names), *(("fine", query) for query in queries)]:
        with pytest.raises(Invalid):
            saved_views.save_view(reviewer, name, query)
    for number in range(saved_views.MOST):
        saved_views.save_view(reviewer, f"View {number}", "q=x")
    with pytest.raises(Invalid, match="delete one first"):
        saved_views.save_view(reviewer, "One more", "q=x")
    saved_views.save_view(reviewer, "View 3", "q=y")  # replacing adds none
