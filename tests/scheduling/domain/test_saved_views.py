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
    for name, query in (
        ("", "q=x"),
        ("x" * 61, "q=x"),
        ("a\x00", "q=x"),
        ("fine", ""),
        ("fine", "p=2"),
        ("fine", f"q={'x' * 999}"),
    ):
        with pytest.raises(Invalid):
            saved_views.save_view(reviewer, name, query)
    for number in range(saved_views.MOST):
        saved_views.save_view(reviewer, f"View {number}", "q=x")
    with pytest.raises(Invalid, match="delete one first"):
        saved_views.save_view(reviewer, "One more", "q=x")
    saved_views.save_view(reviewer, "View 3", "q=y")  # replacing adds none


def test_views_of_another_person_are_not_accessible(reviewer: User, author: User) -> None:
    view = saved_views.save_view(reviewer, "Mine", "q=x")
    saved_views.delete_view(author, view.pk)
    assert (saved_views.saved_views(author), saved_views.saved_views(reviewer)) == ([], [view])
    saved_views.delete_view(reviewer, view.pk)
    assert saved_views.saved_views(reviewer) == []
