"""What is wrong with a connected channel at the platform: each problem in one sentence with the place to fix it.

`channel_checks` stores what these sentences are made of. People are notified of expiry 14, 7 and 1 days ahead, and of
permissions that were lost.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery

from accounts import clock
from posts.graph import error_codes
from posts.graph.errors import PermissionDenied
from posts.models import Channel, ChannelState
from scheduling.models import ChannelCheck, Delivery, DeliveryState, NoticeKind, Notification

DAYS_AHEAD = (1, 7, 14)
REMINDERS: dict[NoticeKind, str] = {
    NoticeKind.TOKEN_EXPIRES: "expires_at",
    NoticeKind.DATA_ACCESS_EXPIRES: "data_access_expires_at",
}
# By the platform's subcode of the last refusal: the cause, and where a person fixes it.
CAUSES: dict[int, str] = {
    1404078: "The Page needs Page Publishing Authorization: a person who manages it completes it at Facebook, in the "
    "settings of the Page under Page publishing authorisation. Reconnecting does not help.",
    4854002: "A person who manages the account has to confirm their identity at Facebook (facebook.com/id). "
    "Reconnecting does not help.",
    1885183: "The Meta app is in development mode: the operator switches it to Live in the App Dashboard of "
    "developers.facebook.com. Until then only people with a role in the app see its posts.",
}
RESTRICTED = (
    "A person who manages the account sees the reason at the platform: for a Page under Page quality, for Instagram "
    "under Account status. Afterwards an administrator resumes the channel under Channels."
)


class Problem(NamedTuple):
    """`name` is that of the check on the review page; `text` is the sentence, which names the channel."""

    name: str
    text: str


def problems(channel: Channel, check: ChannelCheck | None, last_error: str = "") -> Iterator[Problem]:
    """Yield the problems of a channel. `last_error` is the error code of its last post, empty if it was published."""
    name = channel.name
    if channel.state == ChannelState.BLOCKED:
        yield Problem("channel", f"{name} is restricted by the platform. {RESTRICTED}")
    if channel.state != ChannelState.CONNECTED:
        return
    if cause := cause_of(last_error):
        yield Problem("channel.cause", f"{name}: the last post was refused. {cause}")
    if check is None:
        return
    if check.missing_permissions:
        lost = ", ".join(check.missing_permissions)
        yield Problem(
            "channel.permissions",
            f"{name}: the access token lacks {lost}. An administrator reconnects it under Channels and leaves every "
            "permission of the dialog switched on.",
        )
    for kind, what in ((NoticeKind.TOKEN_EXPIRES, "access token"), (NoticeKind.DATA_ACCESS_EXPIRES, "data access")):
        at = getattr(check, REMINDERS[kind])
        if at is not None and at - clock.now() <= timedelta(days=DAYS_AHEAD[-1]):
            verb = "expires" if at > clock.now() else "expired"
            yield Problem(
                f"channel.{REMINDERS[kind]}",
                f"{name}: the {what} {verb} on {day(at)}. An administrator reconnects it under Channels.",
            )
    if (
        check.quota_total
        and (check.quota_used or 0) >= check.quota_total
        and clock.now() - check.at < timedelta(days=1)
    ):
        yield Problem(
            "channel.quota",
            f"{name}: {check.quota_used} of {check.quota_total} posts of 24 hours were published. The platform takes "
            "the next one when the oldest is a day old: reschedule what is due before.",
        )


def cause_of(label: str) -> str:
    """Return the cause of a stored error code such as "200/1404078" that reconnecting does not fix; else empty."""
    subcode = label.partition("/")[2]
    return CAUSES.get(int(subcode), "") if subcode.isdecimal() else ""


def is_permission(label: str) -> bool:
    """Whether a stored error code stands for a missing permission."""
    code, _, subcode = label.partition("/")
    if not code.lstrip("-").isdecimal():
        return label == PermissionDenied.__name__
    row = error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)
    return row is not None and issubclass(row.kind, PermissionDenied)


def problems_of(channels: Iterable[Channel]) -> list[tuple[Channel, list[Problem]]]:
    """Return the channels that have problems, with these, in two queries."""
    by_id = {channel.pk: channel for channel in channels}
    checks = ChannelCheck.objects.in_bulk(list(by_id))
    errors = last_errors(by_id)
    found = [(channel, list(problems(channel, checks.get(pk), errors.get(pk, "")))) for pk, channel in by_id.items()]
    return [(channel, rows) for channel, rows in found if rows]


def last_errors(channel_ids: Iterable[int]) -> dict[int, str]:
    """Return by channel the error code of its last settled post, empty when that was published."""
    latest = Delivery.objects.filter(
        channel=OuterRef("pk"), state__in=[DeliveryState.PUBLISHED, DeliveryState.FAILED]
    ).order_by("-id")
    rows = Channel.objects.filter(pk__in=list(channel_ids)).annotate(last=Subquery(latest.values("error_code")[:1]))
    return dict(rows.exclude(last=None).values_list("pk", "last"))


def remind() -> int:
    """Create the notifications of tokens and data access that expire soon; return how many.

    One for each of DAYS_AHEAD and expiry date: a channel that is first seen five days ahead gets that of seven days.
    """
    now = clock.now()
    created: list[Notification] = []
    for kind, column in REMINDERS.items():
        soon = {f"{column}__gt": now, f"{column}__lte": now + timedelta(days=DAYS_AHEAD[-1])}
        rows = ChannelCheck.objects.filter(**soon, channel__state=ChannelState.CONNECTED)
        for check in rows.filter(channel__organization__active=True).select_related("channel"):
            at: datetime = getattr(check, column)
            days = next(days for days in DAYS_AHEAD if at - now <= timedelta(days=days))
            created.append(
                Notification(
                    organization_id=check.channel.organization_id,
                    kind=kind,
                    channel=check.channel,
                    details={"date": day(at), "days": days},
                    dedupe_key=f"{kind}:{check.channel_id}:{at.date()}:{days}",
                    created_at=now,
                )
            )
    known = Notification.objects.filter(dedupe_key__in=[row.dedupe_key for row in created])
    keys = set(known.values_list("dedupe_key", flat=True))
    new = [row for row in created if row.dedupe_key not in keys]
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def permissions_changed(channel: Channel, before: ChannelCheck | None, missing: list[str]) -> None:
    """Create the notification of permissions that are missing now and were not at the check before."""
    if not set(missing) - set(before.missing_permissions if before else []):
        return
    now = clock.now()
    Notification.objects.create(
        organization_id=channel.organization_id,
        kind=NoticeKind.PERMISSIONS_LOST,
        channel=channel,
        details={"permissions": missing},
        dedupe_key=f"{NoticeKind.PERMISSIONS_LOST}:{channel.pk}:{now.timestamp()}",
        created_at=now,
    )


def is_current(notice: Notification) -> bool:
    """Whether the notification of a channel's token still describes it. True for every other kind."""
    check = ChannelCheck.objects.filter(channel=notice.channel_id).first() if notice.channel_id else None
    if notice.kind == NoticeKind.PERMISSIONS_LOST:
        return check is not None and bool(check.missing_permissions)
    column = REMINDERS.get(NoticeKind(notice.kind))
    if column is None:
        return True
    at: Any = getattr(check, column, None)
    return at is not None and day(at) == notice.details.get("date")


def day(at: datetime) -> str:
    """Return the day in UTC: 5 December 2026."""
    return f"{at.day} {at:%B %Y}"
