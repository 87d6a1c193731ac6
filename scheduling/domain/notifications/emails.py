"""Notification e-mails in plain text. The subject quotes one cleaned line of the caption."""

import smtplib
import unicodedata
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from accounts import formatting
from accounts.domain.organization_policy import describe
from accounts.models import Membership, User
from posts.models import Channel, ChannelState, ChannelType
from scheduling.domain import channel_health, two_person_approval
from scheduling.domain.notifications.exceptions import DeliveryFailed, NotificationObsolete
from scheduling.domain.notifications.recipients import (
    FOR_ADMINISTRATORS,
    FOR_REVIEWERS,
    members_with_email,
    superusers_with_email,
)
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, NoticeKind, Notification, NotificationDelivery, ScheduledPost

K = NoticeKind
CHANNEL_STATES: dict[str, ChannelState] = {
    K.RECONNECT: ChannelState.NEEDS_RECONNECT,
    K.BLOCKED: ChannelState.BLOCKED,
    K.DEAUTHORIZED: ChannelState.DISCONNECTED,
}
LONGEST_TITLE, LONGEST_QUOTE = 70, 700
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SUBJECTS: dict[str, str] = {
    K.OVERWRITTEN: "Changed after your edit: {title}",
    K.SUBMITTED: "Waits for approval: {title}",
    K.REJECTED: "Rejected: {title}",
    K.APPROVED: "Approved: {title}",
    K.PUBLISHED: "Published: {title}",
    K.FAILED: "Failed: {title}",
    K.UNKNOWN: "Please check whether it was published: {title}",
    K.UNAPPROVED: "Due {away}, not approved: {title}",
    K.RECONNECT: "Needs reconnecting: {channel}",
    K.BLOCKED: "Blocked by the platform: {channel}",
    K.DEAUTHORIZED: "Disconnected: {channel}",
    K.TOKEN_EXPIRES: "Access token expires {date}: {channel}",
    K.DATA_ACCESS_EXPIRES: "Data access expires {date}: {channel}",
    K.PERMISSIONS_LOST: "Permissions missing: {channel}",
    K.RULES: "The organization settings have changed",
    K.WEBHOOK_STOPPED: "Webhook stopped: {host}",
    K.HELD: "Publishing is held",
    K.PAUSED: "Publishing is paused",
    K.REVERTED: "Reverted after approval: {title}",
    K.DELETED: "Deleted after approval: {title}",
    "SECOND": "Waits for a second approval: {title}",
    "BOTH": "Failed on one channel, please check another: {title}",
}
OPENINGS: dict[str, str] = {
    K.OVERWRITTEN: "The API key {by} changed “{title}”, which you edited last. This is what it contains now:",
    K.SUBMITTED: "{by} submitted “{title}” for approval.",
    K.REJECTED: "{by} rejected “{title}”:",
    K.APPROVED: "{by} approved “{title}”. It is published at the scheduled time.",
    K.PUBLISHED: "“{title}” was published.",
    K.FAILED: "“{title}” was not published on every channel. A reviewer decides what happens next.",
    K.UNKNOWN: "It is unknown whether “{title}” was published. It is not sent again until a reviewer has checked.",
    K.UNAPPROVED: "“{title}” is due {away} and {missing}. Without an approval it is not published.",
    K.RECONNECT: "{channel} needs to be connected again. Until then nothing is published on it.",
    K.BLOCKED: "The platform blocked {channel} by its policy. Nothing is published on it until it is resumed.",
    K.DEAUTHORIZED: "{channel} was disconnected by Facebook. Nothing is published on it until it is connected again.",
    K.TOKEN_EXPIRES: "The access token of {channel} expires on {date}. From then on nothing is published on it, unless "
    "an administrator reconnects it under Channels before.",
    K.DATA_ACCESS_EXPIRES: "The access to the data of {channel} expires on {date}. From then on its posts and comments "
    "cannot be read, unless an administrator reconnects it under Channels before.",
    K.PERMISSIONS_LOST: "The access token of {channel} lacks permissions: {permissions}. An administrator reconnects "
    "it under Channels and leaves every permission of the dialog switched on.",
    K.RULES: "{by} changed the settings of your organization. From now on:",
    K.WEBHOOK_STOPPED: "{host} answered 410 Gone to a notification. The webhook is inactive, and nothing is sent to it "
    "until an administrator activates it again.",
    K.HELD: "The database was probably restored from a backup. Nothing is published until the operator of this "
    "installation has compared it with the platforms, so that no post is published twice. Scheduled posts wait.",
    K.PAUSED: "{by} paused publishing. A post that is still paused when the late limit has passed after its scheduled "
    "time fails and needs a new approval.",
    K.REVERTED: "{by} reverted “{title}”, which was approved. It is not published without a new approval.",
    K.DELETED: "{by} deleted “{title}”, which was approved. It is not published.",
    "SECOND": "{by} approved “{title}” as the first of two. It is published once another reviewer approves the same "
    "content.",
    "BOTH": "“{title}” failed on one channel; its status on another is unknown. Check it before retrying.",
}


def send_email(delivery: NotificationDelivery) -> None:
    """Send the notification to its person. Raises DeliveryFailed, or NotificationObsolete."""
    email = build_email(delivery)
    try:
        email.send()
    except smtplib.SMTPServerDisconnected:
        raise DeliveryFailed("The mail server closed the connection.", timed_out=True) from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryFailed(f"The mail server answered {error.smtp_code}.", timed_out=False) from None
    except smtplib.SMTPException as error:
        raise DeliveryFailed(f"The mail server did not accept it ({type(error).__name__}).", timed_out=False) from None
    except OSError as error:
        raise DeliveryFailed(f"The mail server does not answer ({type(error).__name__}).", timed_out=True) from None


def build_email(notification_delivery: NotificationDelivery) -> EmailMessage:
    """Return the e-mail, built from the present state of its post. Raises NotificationObsolete."""
    notice = notification_delivery.notice
    members = members_with_email().filter(user=notification_delivery.user_id, organization=notice.organization_id)
    member = members.select_related("user").first()
    user = member.user if member else _superuser(notification_delivery)
    if user is None:
        raise NotificationObsolete("This person has left the organization, is inactive or has no e-mail address.")
    post, deliveries = _post(notice)
    captions = filter(None, (single_line(delivery.caption) for delivery in deliveries))
    title = single_line(notice.details.get("title", "")) or next(captions, "Post without a caption")
    scheduled_for = post.scheduled_for if post else None
    half_approved = post is not None and two_person_approval.pending_first_approval(post) is not None
    values = {
        "title": title,
        "away": formatting.relative(scheduled_for).replace("\xa0", " ") if scheduled_for else "",
        "channel": single_line(notice.channel.name) if notice.channel else "",
        "by": single_line(str((notice.details.get("by") or {}).get("name") or "Dynamo")),
        "host": single_line(str(notice.details.get("host", ""))),
        "date": str(notice.details.get("date", "")),
        "permissions": ", ".join(notice.details.get("permissions", [])),
        "missing": "has only one of two approvals" if half_approved else "is not approved",
    }
    text = "BOTH" if notice.both else notice.kind
    if notice.details.get("first"):
        text = "SECOND"
    parts = [f"Hello {user.first_name or user.get_username()},", OPENINGS[text].format(**values)]
    parts += _corrections(notice)
    parts += _middle(notice, post, deliveries, user)
    parts += [_link(notice), _foot(notice, user, member)]
    return EmailMessage(
        subject=f"[{single_line(notice.organization.name) if member else 'Dynamo'}] {SUBJECTS[text].format(**values)}",
        body="\n\n".join(parts).encode("utf-8", "replace").decode(),
        to=[user.email],
        headers={
            "Auto-Submitted": "auto-generated",
            "Message-ID": make_msgid(domain=urlsplit(settings.ADMIN_URL).hostname or "localhost"),
        },
    )


def _superuser(delivery: NotificationDelivery) -> User | None:
    """Return the recipient of a hold who is a superuser and no member of the notification's organization."""
    if delivery.notice.kind != K.HELD or delivery.user_id is None:
        return None
    return superusers_with_email().filter(pk=delivery.user_id).first()


def single_line(text: str) -> str:
    """Return the first line of `text` that is not blank, without control characters, cut to LONGEST_TITLE."""
    for line in text.encode("utf-8", "replace").decode().splitlines():
        kept = "".join(" " if unicodedata.category(item) in {"Cc", "Zl", "Zp"} else item for item in line)
        kept = " ".join("".join(item for item in kept if item not in BIDI).split())
        if kept:
            return kept if len(kept) <= LONGEST_TITLE else f"{kept[: LONGEST_TITLE - 1].rstrip()}…"
    return ""


def _post(notice: Notification) -> tuple[ScheduledPost | None, list[Delivery]]:
    """Return the post and its deliveries. Raises NotificationObsolete when there is nothing left to do."""
    if notice.post_id is None:
        _check_channel(notice)
        return None, []
    post = ScheduledPost.objects.for_wire().filter(pk=notice.post_id, organization=notice.organization_id).first()
    if notice.kind == K.DELETED or (notice.kind == K.REVERTED and post is None):
        return None, []
    if post is None:
        raise NotificationObsolete("The post was deleted.")
    if notice.details.get("first"):
        if two_person_approval.pending_first_approval(post) is None:
            raise NotificationObsolete("It was decided or changed in the meantime.")
    elif notice.kind == K.APPROVED and post.approval_id is None:
        raise NotificationObsolete("The approval was taken back in the meantime.")
    elif notice.kind == K.OVERWRITTEN and post.last_edited_by_user_id == notice.details["overwritten"]:
        raise NotificationObsolete("The person has edited it again since.")
    elif notice.kind == K.REVERTED and post.approval_id is not None:
        raise NotificationObsolete("It was approved again in the meantime.")
    elif notice.kind in {K.SUBMITTED, K.UNAPPROVED} and post.status != Status.WAITING_FOR_APPROVAL:
        raise NotificationObsolete("It was decided in the meantime.")
    return post, list(post.deliveries.all())


def _check_channel(notice: Notification) -> None:
    """Raise NotificationObsolete when the notification's channel, if any, is no longer as it was."""
    if notice.channel and notice.channel.state != CHANNEL_STATES.get(notice.kind, ChannelState.CONNECTED):
        raise NotificationObsolete("The state of the channel has changed since.")
    if not channel_health.is_current(notice):
        raise NotificationObsolete("The channel was connected again since.")


def _middle(notice: Notification, post: ScheduledPost | None, deliveries: list[Delivery], reader: User) -> list[str]:
    if rules := notice.details.get("rules"):
        return ["\n".join(f"  {line}" for line in describe(rules))]
    if post is None:
        return [quote(str(notice.details.get("reason") or ""))] if notice.details.get("reason") else []
    if notice.kind == K.REJECTED:
        return [quote(str(notice.details.get("notes") or ""))]
    if notice.kind in {K.PUBLISHED, K.FAILED, K.UNKNOWN}:
        return ["\n".join(f"  {_name(delivery.channel)}: {_outcome(delivery)}" for delivery in deliveries)]
    names = ", ".join(_name(delivery.channel) for delivery in deliveries)
    facts = f"  Publish on: {_when(post, reader)}\n  Channels: {names}"
    if reason := notice.details.get("reason"):
        facts = f"{quote(str(reason))}\n\n{facts}"
    if notice.kind == K.APPROVED:
        return [facts, *(_captions(deliveries) if notice.details.get("corrections") else [])]
    brief = [f"Note for the reviewer:\n\n{quote(post.brief)}"] if post.brief else []
    return [facts, *_captions(deliveries), *brief]


def _corrections(notice: Notification) -> list[str]:
    """Return a sentence for each correction that the approval covers."""
    sentences = []
    for item in notice.details.get("corrections", []):
        channels = ", ".join(single_line(name) for name in item["channels"])
        sentences.append(
            f"{single_line(item['by'])} corrected the caption on {channels}. The approval covers the corrected text."
        )
    return sentences


def _captions(deliveries: list[Delivery]) -> list[str]:
    """Return the captions, each once, under the names of its channels when there are several."""
    channels: dict[str, list[str]] = {}
    for delivery in deliveries:
        channels.setdefault(delivery.caption.strip(), []).append(_name(delivery.channel))
    if len(channels) == 1:
        return [quote(caption) for caption in channels if caption]
    return [f"{', '.join(names)}:\n\n{quote(caption)}" for caption, names in list(channels.items())[:3] if caption]


def quote(text: str) -> str:
    """Return the text as a quotation, cut to LONGEST_QUOTE."""
    cut = text.strip() if len(text.strip()) <= LONGEST_QUOTE else f"{text.strip()[:LONGEST_QUOTE].rstrip()} …"
    return "\n".join(f"> {line}".rstrip() for line in cut.splitlines())


def _outcome(delivery: Delivery) -> str:
    settled = delivery.state in {DeliveryState.PUBLISHED, DeliveryState.FAILED, DeliveryState.UNKNOWN}
    outcome = delivery.get_state_display() if settled else "pending"
    details = delivery.permalink if delivery.state == DeliveryState.PUBLISHED else delivery.error_message
    return f"{outcome}. {details}" if details else outcome


def _when(post: ScheduledPost, reader: User) -> str:
    if post.scheduled_for is None:
        return "time not chosen yet"
    zone = formatting.user_timezone(reader)
    utc = formatting.in_utc(post.scheduled_for, zone)
    return f"{formatting.format_long(post.scheduled_for, zone)} ({zone.key}{', ' + utc if utc else ''})"


def _name(channel: Channel) -> str:
    return f"{single_line(channel.name)} ({'Facebook' if channel.type == ChannelType.FB_PAGE else 'Instagram'})"


def _link(notice: Notification) -> str:
    if notice.kind == K.RULES:
        label, path = "Settings", reverse("admin_policy", args=[notice.organization_id])
    elif notice.kind in {K.HELD, K.PAUSED}:
        label, path = "Dashboard", reverse("admin:index")
    elif notice.kind == K.WEBHOOK_STOPPED:
        label, path = "Webhooks", reverse("admin:scheduling_webhook_changelist")
    elif notice.kind == K.DELETED:
        label, path = "Posts", reverse("admin:scheduling_scheduledpost_changelist")
    elif notice.post_id is not None:
        label, path = "Open the post", reverse("admin:scheduling_scheduledpost_review", args=[notice.post_id])
    else:
        label, path = "Channels", reverse("admin:posts_channel_changelist")
    return f"{label}:\n{settings.ADMIN_URL}{path}"


def _foot(notice: Notification, user: User, member: Membership | None) -> str:
    organization = single_line(notice.organization.name)
    if member is None:
        return "-- \nYou receive this because you manage this installation."
    if user.pk in notice.details.get("approvers", []):
        why = "you approved this post"
    elif notice.kind in FOR_REVIEWERS and member.may_review:
        why = f"you review the posts of {organization}"
    elif notice.kind in FOR_ADMINISTRATORS:
        why = f"you administer {organization}"
    else:
        why = "you wrote or edited this post"
    choose = settings.ADMIN_URL + reverse("admin:scheduling_notification_mine")
    return f"-- \nYou receive this because {why}. Notification settings:\n{choose}"
