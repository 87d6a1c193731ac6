"""What people call the things that the trail speaks of by kind and id."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from accounts.models import ApiKey, Invitation, Membership, Organization, User
from posts.models import Channel, SuperpowerTemplate
from scheduling.admin.page import title_of
from scheduling.admin.webhooks import IN_WORDS
from scheduling.domain.webhooks import host
from scheduling.models import Notice, ScheduledPost, Webhook

Names = dict[str, str]
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def names(kind: str, within: set[UUID], ids: set[str]) -> Names:
    """Return the names of the organizations' things of one kind by id, without those that are gone."""
    return NAMED[kind](within, ids) if kind in NAMED else {}


def _numbers(pks: Iterable[str]) -> list[int]:
    return [int(one) for one in pks if one.isascii() and one.isdecimal()]


def _uuids(pks: Iterable[str]) -> list[UUID]:
    return [UUID(one) for one in pks if AN_ID.fullmatch(one)]


def _called(rows: Iterable[Any], words: Callable[[Any], str] = str) -> Names:
    return {str(one.pk): words(one) for one in rows}


def _person(user: User) -> str:
    return user.get_full_name() or user.get_username()


def _members(within: set[UUID], pks: set[str]) -> Names:
    rows = Membership.objects.filter(pk__in=_numbers(pks), organization__in=within).select_related("user")
    return _called(rows, lambda one: _person(one.user))


def _posts(within: set[UUID], pks: set[str]) -> Names:
    rows = ScheduledPost.objects.filter(pk__in=_uuids(pks), organization__in=within).only("id")
    return _called(rows.prefetch_related("deliveries"), title_of)


def _superpowers(within: set[UUID], pks: set[str]) -> Names:
    rows = SuperpowerTemplate.objects.filter(pk__in=_uuids(pks), organization__in=within).defer("document")
    return _called(rows, lambda one: one.name)


# How things are called, by the kind that the trail names them with: takes organizations and ids, gives names by id.
NAMED: dict[str, Callable[[set[UUID], set[str]], Names]] = {
    "post": _posts,
    "key": lambda within, pks: _called(
        ApiKey.objects.filter(pk__in=pks, organization__in=within), lambda one: one.name
    ),
    "channel": lambda within, pks: _called(
        Channel.objects.filter(pk__in=_numbers(pks), organization__in=within), lambda one: one.name
    ),
    "superpower": _superpowers,
    "organization": lambda within, pks: _called(Organization.objects.filter(pk__in=within & set(_uuids(pks)))),
    "membership": _members,
    "invitation": lambda within, pks: _called(
        Invitation.objects.filter(pk__in=_uuids(pks), organization__in=within), lambda one: one.email
    ),
    "user": lambda _, pks: _called(User.objects.filter(pk__in=_numbers(pks)), _person),
    "webhook": lambda within, pks: _called(Webhook.objects.filter(pk__in=_uuids(pks), organization__in=within), host),
    "notice": lambda within, pks: _called(
        Notice.objects.filter(pk__in=_uuids(pks), organization__in=within), lambda one: IN_WORDS.get(one.kind, one.kind)
    ),
}
