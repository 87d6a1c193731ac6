"""The activity log in the admin."""

import re
from typing import Any

from accounts.domain import invitations, memberships
from accounts.domain.actors import WORKER, user_actor
from accounts.models import AuditEvent, Organization, Role, User
from posts.domain import channels
from posts.models import Channel
from scheduling.domain import review
from tests.helpers import AdminClient

LIST = "/admin/accounts/auditevent/"


def test_events_are_displayed_in_words(
    make_waiting: Any, admin_member: User, reviewer: User, viewer: User, organization: Organization, facebook: Channel
) -> None:
    post = make_waiting()
    review.reject(user_actor(reviewer), post, notes="We do not shout.")
    channels.mark_needs_reconnect(WORKER, facebook, reason="The access token expired.")
    invitations.invite(user_actor(admin_member), organization=organization, email="otto@example.com", role=Role.EDITOR)
    mine = viewer.memberships.get()
    mine.role, mine.may_review = Role.EDITOR, True
    memberships.save(user_actor(admin_member), mine)
    desk = AdminClient(admin_member).open(LIST)
    for text in (
        "agent created the draft", "submitted it for approval", "rejected it", "changed the role of the member",
        "marked the channel as needing reconnection", f"Channel: {facebook.name}", "Invitation: otto@example.com",
        f"Post: {post.deliveries.first().caption[:20]}", "Waiting for approval", "Needs reconnecting",
    ):  # fmt: skip
        assert text in desk.text, text
    assert not re.search(r"WAITING_FOR|NEEDS_RECONNECT|membership\.change|[ap]\.m\.", desk.text)
    changed, rejected = (AuditEvent.objects.get(verb=verb) for verb in ("membership.change", "reject"))
    assert "Role Viewer → Editor Can approve posts no → yes" in desk.open(f"{LIST}{changed.pk}/change/").text
    desk.open(f"{LIST}{rejected.pk}/change/")
    assert "Notes We do not shout." in desk.text
    assert "State Waiting for approval → became Rejected" in desk.text.replace("→became", "→ became")
    assert "{'" not in desk.text


def test_number_of_queries_does_not_depend_on_number_of_events(
    make_draft: Any, admin_member: User, django_assert_max_num_queries: Any
) -> None:
    desk = AdminClient(admin_member)
    make_draft()
    with django_assert_max_num_queries(30) as few:
        desk.open(LIST)
    for _ in range(4):
        make_draft()
    with django_assert_max_num_queries(len(few)):
        desk.open(LIST)
