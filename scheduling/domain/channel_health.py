"""What is wrong with a connected channel at the platform: each problem in one sentence with the place to fix it.

`channel_checks` stores what these sentences are made of. People are notified of expiry 14, 7 and 1 days ahead, and of
permissions that were lost.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts import clock
from posts.domain import channel_tokens
from posts.graph import error_codes
from posts.graph.errors import PermissionDenied
from posts.models import Channel, ChannelState
from scheduling.models import ChannelCheck, Delivery, DeliveryState, NoticeKind, Notification

DAYS_AHEAD = (1, 7, 14)
AHEAD = timedelta(days=DAYS_AHEAD[-1])
QUOTA = "channel.quota"
REMINDERS: dict[NoticeKind, str] = {
    NoticeKind.TOKEN_EXPIRES: "expires_at",
    NoticeKind.DATA_ACCESS_EXPIRES: "data_access_expires_at",
}
LOG_IN_FIRST = (
    "The person who connected the channel logs in at facebook.com first and confirms what Facebook asks. Afterwards an "
    "administrator reconnects the channel under Channels."
)
# By the platform's subcode of the last refusal: the cause, and where a person fixes it.
CAUSES: dict[int, str] = {
    459: f"Facebook checks the account of a person (checkpoint). {LOG_IN_FIRST}",
    464: f"The account of a person is not confirmed at Facebook. {LOG_IN_FIRST}",
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
    """`name` is that of the check on the review page; `sentence` does not name the channel, `text` does."""

    name: str
    channel: str
    sentence: str

    @property
    def text(self) -> str:
        return f"{self.channel}: {self.sentence[0].lower()}{self.sentence[1:]}"


def problems(
    channel: Channel, check: ChannelCheck | None, last_error: str = "", *, until: datetime | None = None
) -> Iterator[Problem]:
    """Yield the problems of a channel.

    `last_error` is the error code of its last post, empty if that was published. An expiry is a problem within the
    days of DAYS_AHEAD, or before `until`.
    """
    name = channel.name
    if channel.state == ChannelState.BLOCKED:
        yield Problem("channel", name, f"Restricted by the platform. {RESTRICTED}")
    # A refusal of the token (190) is over when the channel is connected again.
    state = ChannelState.NEEDS_RECONNECT if last_error.startswith("190/") else ChannelState.CONNECTED
    if channel.state == state and (cause := cause_of(last_error)):
        yield Problem("channel.cause", name, f"The last post was refused. {cause}")
    if channel.state != ChannelState.CONNECTED or check is None:
        return
    if knows_token(channel, check):
        yield from _token_problems(channel, check, max(until or clock.now(), clock.now() + AHEAD))
    is_recent = clock.now() - check.at < timedelta(days=1)
    if is_recent and check.quota_total and (check.quota_used or 0) >= check.quota_total:
        yield Problem(
            QUOTA,
            name,
            f"{check.quota_used} of {check.quota_total} posts of 24 hours were published. The platform takes the next "
            "one when the oldest is a day old: reschedule what is due before.",
        )


def _token_problems(channel: Channel, check: ChannelCheck, until: datetime) -> Iterator[Problem]:
    if check.missing_permissions:
        lost = ", ".join(check.missing_permissions)
        yield Problem(
            "channel.permissions",
            channel.name,
            f"The access token lacks {lost}. An administrator reconnects the channel under Channels and leaves every "
            "permission of the dialog switched on.",
        )
    for column, what in (("expires_at", "access token"), ("data_access_expires_at", "data access")):
        at: datetime | None = getattr(check, column)
        if at is not None and at <= until:
            verb = "expires" if at > clock.now() else "expired"
            sentence = f"The {what} {verb} on {day(at)}. An administrator reconnects the channel under Channels."
            yield Problem(f"channel.{column}", channel.name, sentence)


def knows_token(channel: Channel, check: ChannelCheck) -> bool:
    """Whether the check describes the channel's present token."""
    return check.token_checked_at is not None and check.token_checked_at >= channel.connected_at


def cause_of(label: str) -> str:
    """Return the cause of an error code such as "200/1404078" that reconnecting alone does not fix, else empty."""
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
    """Return the channels with their problems, in two queries."""
    by_id = {channel.pk: channel for channel in channels}
    checks = ChannelCheck.objects.in_bulk(list(by_id))
    errors = last_errors(by_id)
    return [(channel, list(problems(channel, checks.get(pk), errors.get(pk, "")))) for pk, channel in by_id.items()]


def facts(channel: Channel) -> dict[str, Any]:
    """Return what the channel's page shows: the check, whether it describes the token, and the problems."""
    check = ChannelCheck.objects.filter(channel=channel).first()
    return {
        "check": check,
        "knows_token": check is not None and knows_token(channel, check),
        "configured": channel_tokens.is_configured(),
        "problems": list(problems(channel, check, last_errors([channel.pk]).get(channel.pk, ""))),
    }


def last_errors(channel_ids: Iterable[int]) -> dict[int, str]:
    """Return by channel the error code of its last settled post, empty when that was published."""
    latest = Delivery.objects.filter(
        channel=OuterRef("pk"), state__in=[DeliveryState.PUBLISHED, DeliveryState.FAILED]
    ).order_by(-F("id"))  # as the index delivery_latest has it
    rows = Channel.objects.filter(pk__in=list(channel_ids)).annotate(last=Subquery(latest.values("error_code")[:1]))
    return dict(rows.exclude(last=None).values_list("pk", "last"))


def remind() -> int:
    """Create the notifications of tokens and data access that expire soon; return how many.

    One for each of DAYS_AHEAD and expiry date: a channel that is first seen five days ahead gets that of seven days.
    """
    now = clock.now()
    due = {
        f"{kind}:{check.channel_id}:{at.date()}:{days}": (kind, check.channel, at, days)
        for kind, column in REMINDERS.items()
        for check in _expiring(column, now)
        if (at := getattr(check, column))
        for days in [next(days for days in DAYS_AHEAD if at - now <= timedelta(days=days))]
    }
    known = Notification.objects.filter(dedupe_key__in=due).values_list("dedupe_key", flat=True)
    for key in known:
        del due[key]
    created = [
        Notification(
            organization_id=channel.organization_id,
            kind=kind,
            channel=channel,
            details={"date": day(at), "days": days},
            dedupe_key=key,
            created_at=now,
        )
        for key, (kind, channel, at, days) in due.items()
    ]
    Notification.objects.bulk_create(created, ignore_conflicts=True)
    return len(created)


def _expiring(column: str, now: datetime) -> QuerySet[ChannelCheck]:
    rows = ChannelCheck.objects.filter(
        channel__state=ChannelState.CONNECTED,
        channel__organization__active=True,
        token_checked_at__gte=F("channel__connected_at"),
        **{f"{column}__gt": now, f"{column}__lte": now + AHEAD},
    )
    return rows.select_related("channel").order_by("pk")


def notify_of_lost_permissions(channel: Channel, before: ChannelCheck | None, missing: list[str]) -> None:
    """Create the notification when permissions are missing that the same token had at the check before."""
    if before is None or not knows_token(channel, before) or not set(missing) - set(before.missing_permissions):
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
    """Whether a notification of a channel's token still describes it. True for every other kind."""
    columns = {**REMINDERS, NoticeKind.PERMISSIONS_LOST: "missing_permissions"}
    if notice.kind not in columns or notice.channel is None:
        return True
    check = ChannelCheck.objects.filter(channel=notice.channel).first()
    if check is None or not knows_token(notice.channel, check):
        return False
    value: Any = getattr(check, columns[NoticeKind(notice.kind)])
    return bool(value) and (notice.kind not in REMINDERS or day(value) == notice.details.get("date"))


def day(at: date) -> str:
    """Return the day of a date, or of a time in UTC: 5 December 2026."""
    return f"{at.day} {at:%B %Y}"
