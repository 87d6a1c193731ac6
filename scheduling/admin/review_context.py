"""Context of the review page of a post. Read-only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.text import get_text_list

from accounts import clock, formatting
from accounts.admin.base import has_role
from accounts.domain.audit_log import canonical_sha256
from accounts.json_leaves import format_leaf, format_path, json_leaves
from accounts.models import Membership, Role, User
from posts.domain import media_store
from posts.models import Channel, MediaFile
from scheduling.admin import post_history
from scheduling.admin.diff import describe_changes
from scheduling.admin.permissions import load_permission_context, permissions_for
from scheduling.admin.previews import NETWORKS, channel_preview, load_preview_context
from scheduling.admin.results import engagement_counts
from scheduling.domain.content import Content, approved_content, diff_content, is_from_known_content
from scheduling.domain.correction_events import corrections_in_force
from scheduling.domain.preflight.checks import Check, Level, max_severity, run_checks
from scheduling.domain.publishing import gate
from scheduling.domain.review import StaleApproval
from scheduling.domain.stored_media import media_type_of
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Approval, Attempt, Delivery, DeliveryState, MediaItem, MediaType, ScheduledPost

COUNTDOWN_STATUSES = {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED}
TITLE_LENGTH, HEADLINE_LENGTH = 70, 110  # characters of the first line of a caption
DECISIONS = ("approve", "approve_first", "retry", "reject")
UNTITLED = "Post without a caption"
TONES: dict[Level, str] = {"stop": "red", "warn": "amber", "unknown": "quiet", "ok": "green"}
COUNT_LABELS: dict[Level, tuple[str, str]] = {
    "stop": ("blocker", "blockers"),
    "warn": ("warning", "warnings"),
    "unknown": ("pending", "pending"),
}


def title_of(post: ScheduledPost) -> str:
    """Return the title of a post: the first line of its first caption, cut to TITLE_LENGTH."""
    return _split_caption(first_caption(post), TITLE_LENGTH)[0]


def headline(caption: str) -> str:
    """Return the first line of a caption, cut to HEADLINE_LENGTH."""
    return _split_caption(caption, HEADLINE_LENGTH)[0]


def text_after_headline(caption: str) -> str:
    """Return the part of the caption that `headline` leaves out."""
    return _split_caption(caption, HEADLINE_LENGTH)[1]


def media_kind(post: ScheduledPost) -> str:
    """Return `image`, `video`, `link` (a page), `unusable` (other content) or an empty string (no media)."""
    if not post.media:
        return ""
    inferred = media_type_of(post)
    if inferred is None and post.media_metadata.get("unusable"):
        return "unusable"
    return {MediaType.IMAGE.value: "image", MediaType.VIDEO.value: "video"}.get(inferred or "", "link")


def thumbnail_url(post: ScheduledPost) -> str:
    """Return the URL of a small image of the post's media on our own origin; empty without one. Runs no query."""
    pk = post.media_file_id or post.link_image_id
    return reverse("admin_media_poster", args=[pk]) if pk else ""


class CarouselItem(NamedTuple):
    """An item of a carousel as the page shows it: `kind` IMAGE or VIDEO, its stored copy, or why there is none."""

    number: int
    kind: str
    media: str
    url: str
    poster: str
    alt_text: str
    problem: str
    changes: list[str]
    final_url: str


def carousel_items(post: ScheduledPost) -> list[CarouselItem]:
    """Return the items of a carousel in order. Runs no query for posts that were loaded by `for_wire`."""
    return [_carousel_item(item) for item in post.items]


def _carousel_item(item: MediaItem) -> CarouselItem:
    stored, facts = item.media_file, item.media_metadata
    return CarouselItem(
        number=item.number,
        kind=stored.kind if stored else "",
        media=item.media,
        url=media_store.admin_url(stored) if stored else "",
        poster=reverse("admin_media_poster", args=[stored.pk]) if stored and stored.poster else "",
        alt_text=item.alt_text,
        problem=str(facts.get("problem") or ""),
        changes=facts.get("changes", []),
        final_url=facts.get("finalUrl", ""),
    )


def first_caption(post: ScheduledPost) -> str:
    return next((delivery.caption for delivery in post.deliveries.all() if delivery.caption.strip()), "")


def _split_caption(caption: str, length: int) -> tuple[str, str]:
    """Return the first line, cut between words to about `length`, and the rest. A cut is marked in both parts."""
    caption = caption.strip()
    first = caption.splitlines()[0].rstrip() if caption else ""
    if len(first) <= length:
        return first or UNTITLED, caption[len(first) :].strip()
    last_space = first[: length + 1].rfind(" ")
    end = last_space if last_space > length // 2 else length
    return f"{first[:end].rstrip(' .…,;:')}…", f"… {caption[end:].strip()}"


def user_name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def author_of(post: ScheduledPost) -> dict[str, str]:
    """Return the author's `kind` (of actor) and `name`."""
    if post.created_by_key is not None:
        return {"kind": "API key", "name": post.created_by_key.name}
    if post.created_by_user is not None:
        return {"kind": "Person", "name": user_name(post.created_by_user)}
    return {"kind": "", "name": "unknown"}


def review_context(
    post: ScheduledPost, *, reader: User, membership: Membership | None, stale: StaleApproval | None = None
) -> dict[str, Any]:
    """Return the context of the review page. The digest is computed from the loaded rows, without reading again.

    Needs the post loaded by `ScheduledPostAdmin.get_post_or_404`.
    """
    zone = formatting.user_timezone(reader)
    deliveries = list(post.deliveries.all())
    pending = [delivery for delivery in deliveries if delivery.state != DeliveryState.PUBLISHED]
    content = approved_content(post, pending)
    last_decision = post_history.post_events(post).filter(verb__in=DECISIONS).first()
    differences: list[dict[str, Any]] = []
    if stale is not None:
        # An unknown digest has no content to compare with: every field would appear as added.
        if is_from_known_content(stale.difference):
            differences = stale.difference
    elif last_decision is not None and post.status in EDITABLE:
        differences = diff_content(last_decision.details.get("content", {}), content)
    permission_context = load_permission_context(reader, [post])
    first = permission_context.first_approvals.get(post.pk)
    refusal = ""
    if post.approval and post.status == Status.SCHEDULED:
        closed = gate.approver_refusal(post, post.approval)
        refusal = closed.message if closed else ""
    kind = media_kind(post)
    # Only the platform reads the page behind a link.
    shows_problem = kind != "link" and post.status in {*EDITABLE, Status.FAILED}
    revertible = post.status == Status.FAILED and "revert" in post.allowed_actions()
    names, stored = _channel_names(post, deliveries, differences), _stored_copies(post, differences)
    attempted: set[int] = set()
    if post.status == Status.FAILED:
        attempted = set(Attempt.objects.filter(delivery__in=deliveries).values_list("delivery_id", flat=True))
    counts, previews = engagement_counts([post]), load_preview_context([post])
    past = post.scheduled_for is not None and post.scheduled_for <= clock.now()
    checks = run_checks([post], zone)[post.pk]
    return {
        "post": post,
        "heading": title_of(post),
        "cards": [
            channel_preview(
                post,
                delivery,
                previews,
                revertible=revertible,
                attempted=delivery.pk in attempted,
                counts=counts.get((delivery.channel_id, delivery.platform_post_id), ""),
            )
            for delivery in deliveries
        ],
        "media_kind": kind,
        "media_url": media_store.admin_url(post.media_file) if post.media_file else "",
        "media_poster": thumbnail_url(post),
        "media_problem": post.media_metadata.get("problem") if shows_problem else None,
        "may_recheck": bool(membership and membership.may_review) or has_role(membership, Role.EDITOR),
        "counts_down": not past and post.status in COUNTDOWN_STATUSES,
        "digest": canonical_sha256(content),
        "covered": covered_values(content),
        "may": permissions_for(membership, post, context=permission_context),
        "first": first,
        "corrections": corrections_in_force(post.pk),
        "refusal": refusal,
        "past": past,
        "when": "" if past else formatting.as_input(post.scheduled_for, zone),
        "zone": zone.key,
        "hour_hint": "" if past else formatting.repeated_hour_hint(post.scheduled_for, zone),
        "next_step": _next_step(post, deliveries, first, refusal, zone),
        "approve_label": _approve_label(post, first),
        "checks": summary(checks),
        "shown_checks": " ".join(sorted(open_checks(checks))),
        "approval_checks": summary([Check(**check) for check in post.approval.checks]) if post.approval else None,
        "changes": describe_changes(differences, names=names, zone=zone, stored=stored),
        "last_decision": last_decision,
        "history": post_history.history(post),
    }


def covered_values(content: Content) -> list[tuple[str, str]]:
    """Return the path and the value of everything that the digest of the content covers."""
    return [(format_path(path), format_leaf(value)) for path, value in json_leaves(content).items()]


def open_checks(checks: Sequence[Check]) -> set[str]:
    """Return what identifies the checks that are not passed, for the form: what a later check must not exceed."""
    tokens = set()
    for check in checks:
        token = f"{check.name}@{check.channel}"
        tokens |= {token} if check.level != "ok" else set()
        tokens |= {f"{token}:warn"} if check.level in {"warn", "stop"} else set()
        tokens |= {f"{token}:stop"} if check.level == "stop" else set()
        tokens |= {f"{token}:live"} if check.live else set()
    return tokens


def check_not_shown(checks: Sequence[Check], shown: str) -> str:
    """Return the words of an open check that the page did not show; blank if it showed all. `shown`: its form field."""
    known = set(shown.split())
    return next((check.words for check in checks if open_checks([check]) - known), "")


@dataclass(frozen=True)
class Summary:
    """Checks of a post, split into open and passed ones. `label` and the colour `tone` summarize them."""

    tone: str
    label: str
    open: list[Check]
    passed: list[Check]

    @property
    def blocked(self) -> bool:
        return any(check.level == "stop" for check in self.open)


def summary(checks: Sequence[Check]) -> Summary | None:
    """Return the summary, None without checks."""
    if not checks:
        return None
    by_level = Counter(check.level for check in checks)
    labels = [
        f"{count} {singular if count == 1 else plural}"
        for level, (singular, plural) in COUNT_LABELS.items()
        if (count := by_level[level])
    ]
    return Summary(
        TONES[max_severity(checks)],
        ", ".join(labels) or "All checks passed",
        [check for check in checks if check.level != "ok"],
        [check for check in checks if check.level == "ok"],
    )


def _approve_label(post: ScheduledPost, first: Approval | None) -> str:
    if post.organization.second_approver and first is None:
        return "Approve (first of two)"
    return "Approve and retry" if post.status == Status.FAILED else "Approve and schedule"


def _channel_names(
    post: ScheduledPost, deliveries: list[Delivery], differences: Sequence[dict[str, Any]]
) -> dict[str, str]:
    """Return the names of the channels of the post, and of those that the change removed, by public id."""
    names = {delivery.channel.public_id: delivery.channel.name for delivery in deliveries}
    changed = {item["path"][1] for item in differences if item["path"][0] == "channels" and len(item["path"]) > 1}
    if removed := changed - names.keys():
        rows = Channel.objects.filter(organization=post.organization_id, public_id__in=removed)
        names |= dict(rows.values_list("public_id", "name"))
    return names


def _stored_copies(post: ScheduledPost, differences: Sequence[dict[str, Any]]) -> dict[str, MediaFile]:
    """Return the stored copies of the media before and after the change, by hash."""
    hashes = [
        side for item in differences if item["path"][-1] == "mediaSha256" for side in (item["before"], item["after"])
    ]
    for item in differences:
        if item["path"][0] == "mediaItems" and len(item["path"]) == 2:  # added or removed as a whole
            hashes += [side["mediaSha256"] for side in (item["before"], item["after"]) if side]
    if not hashes:
        return {}
    rows = MediaFile.objects.filter(organization=post.organization_id, sha256__in=[side for side in hashes if side])
    return {row.sha256: row for row in rows}


def _next_step(
    post: ScheduledPost, deliveries: list[Delivery], first: Approval | None, refusal: str, zone: ZoneInfo
) -> str:
    """Return what happens next, or what has happened. `first` is a pending first of two approvals."""
    pending = _channels([delivery for delivery in deliveries if delivery.state != DeliveryState.PUBLISHED])
    when = _when(post, zone)
    if post.status == Status.WAITING_FOR_APPROVAL:
        condition = "Once approved,"
        if post.organization.second_approver:
            condition = f"Once {'a second reviewer has' if first else 'two reviewers have'} approved it,"
        return f"{condition} it will be published on {pending} {when}; no further approval is needed."
    if post.status == Status.SCHEDULED and refusal:
        return f"Scheduled for {pending} {when}."
    if post.status == Status.FAILED:
        return _failed(post, deliveries, first, when)
    sentences = {
        Status.DRAFT: "Nothing is published until the author submits this post for approval.",
        Status.REJECTED: "Nothing is published until the author changes this post and submits it again.",
        Status.SCHEDULED: f"It will be published on {pending} {when}, unless it is reverted first.",
        Status.PUBLISHING: f"It is being published on {pending} now.",
        Status.PUBLISHED: f"It is published on {_channels(deliveries)}.",
    }
    return sentences[Status(post.status)]


def _failed(post: ScheduledPost, deliveries: list[Delivery], first: Approval | None, when: str) -> str:
    unknown = [delivery for delivery in deliveries if delivery.state == DeliveryState.UNKNOWN]
    failed = [
        delivery for delivery in deliveries if delivery.state not in {DeliveryState.UNKNOWN, DeliveryState.PUBLISHED}
    ]
    sentences = []
    if unknown:
        sentences.append(f"Outcome unknown on {_channels(unknown)}: check whether the post is there.")
    if failed:
        sentences.append(f"Failed on {_channels(failed)}{_after_failure(post, first, when)}")
    return " ".join(sentences)


def _after_failure(post: ScheduledPost, first: Approval | None, when: str) -> str:
    if not post.organization.second_approver:
        return "; needs your attention."
    if first is None:
        return "; a retry needs two approvals."
    name = user_name(first.reviewer)
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return f". {name} approved a retry for a time that has passed; a new time needs two approvals."
    return f". {name} approved a retry {when}; it is published if a second reviewer approves it before then."


def _when(post: ScheduledPost, zone: ZoneInfo) -> str:
    if post.scheduled_for is None:
        return "at the time that you choose"
    if post.scheduled_for <= clock.now() and post.status == Status.WAITING_FOR_APPROVAL:
        return "at the new time that you choose (the scheduled time has passed)"
    return f"on {formatting.format_long(post.scheduled_for, zone)}"


def _channels(deliveries: list[Delivery]) -> str:
    names = [f"{delivery.channel.name} ({NETWORKS[delivery.channel.type]})" for delivery in deliveries]
    return get_text_list(names, "and") or "no channel"
