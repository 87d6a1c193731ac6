"""Everything that the review page shows of one post. Reads only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts import clock, formatting
from accounts.admin.base import has_role
from accounts.models import Membership, Role, User
from posts.models import ChannelType
from scheduling.admin import post_history, previews
from scheduling.admin.diff import Change, describe_changes
from scheduling.admin.failure_help import channel_warnings
from scheduling.admin.permissions import permissions_for
from scheduling.admin.results import engagement_counts
from scheduling.domain import two_person_approval
from scheduling.domain.content import approved_content, canonical_sha256, diff_content
from scheduling.domain.preflight.checks import Check, Level, max_severity, run_checks
from scheduling.domain.publishing import gate
from scheduling.domain.review import StaleApproval
from scheduling.domain.validation import infer_media_type
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Approval, Attempt, Delivery, DeliveryState, MediaType, ScheduledPost

COUNTED = {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED}
TITLED, HEADLINED = 70, 110  # characters of a post's first line that are its title, and its headline in a list
DECISIONS = ("approve", "approve_first", "retry", "reject")


def title_of(post: ScheduledPost) -> str:
    """Return the first line of the first caption, which is what people call a post, as far as its words fit."""
    return _parted(_caption(post), TITLED)[0]


def headline_of(post: ScheduledPost) -> str:
    """Return the same for a row of a list, where there is more room."""
    return headline(_caption(post))


def headline(caption: str) -> str:
    """Return the first line of a caption, as far as its words fit into a row."""
    return _parted(caption, HEADLINED)[0]


def caption_after_headline(post: ScheduledPost) -> str:
    """Return what the first caption says after its headline, which it goes on with where that breaks off."""
    return _parted(_caption(post), HEADLINED)[1]


def kind_of(post: ScheduledPost) -> str:
    """Return `image`, `video`, `link` (an address that is neither) or an empty string (no media)."""
    return kind_at(post.media, post.media_type)


def kind_at(address: str | None, media_type: str | None = None) -> str:
    """Return the same for an address alone, going by its extension where nothing is declared."""
    if not address:
        return ""
    inferred = infer_media_type(address, media_type)
    return {MediaType.IMAGE.value: "image", MediaType.VIDEO.value: "video"}.get(inferred or "", "link")


def _caption(post: ScheduledPost) -> str:
    return next((delivery.caption for delivery in post.deliveries.all() if delivery.caption.strip()), "")


def _parted(caption: str, longest: int) -> tuple[str, str]:
    caption = caption.strip()
    first = caption.splitlines()[0].rstrip() if caption else ""
    if len(first) <= longest:
        return first or "Post without a caption", caption[len(first) :].strip()
    whole = first[: longest + 1].rfind(" ")
    end = whole if whole > longest // 2 else longest
    return f"{first[:end].rstrip()}…", f"… {caption[end:].strip()}"


def author_of(post: ScheduledPost) -> dict[str, str]:
    """Return who wrote the post: `kind` and `name`."""
    if post.created_by_key is not None:
        return {"kind": "API key", "name": post.created_by_key.name}
    if post.created_by_user is not None:
        return {"kind": "Person", "name": post.created_by_user.get_full_name() or post.created_by_user.get_username()}
    return {"kind": "", "name": "unknown"}


def review_context(
    post: ScheduledPost, *, reader: User, membership: Membership | None, stale: StaleApproval | None = None
) -> dict[str, Any]:
    """Return what the template needs. The digest is computed from the very rows that are shown, never read again.

    Needs the post loaded by `ScheduledPostAdmin.get_post_or_404`.
    """
    zone = formatting.user_timezone(reader)
    deliveries = list(post.deliveries.all())
    pending = [delivery for delivery in deliveries if delivery.state != DeliveryState.PUBLISHED]
    shown = approved_content(post, pending)
    names = {delivery.channel.public_id: delivery.channel.name for delivery in deliveries}
    last = post_history.post_events(post).filter(verb__in=DECISIONS).first()
    changes: list[Change] = []
    if stale is not None:
        known = any(item["before"] is not None for item in stale.difference)
        changes = describe_changes(stale.difference if known else [], names=names, zone=zone)
    elif last is not None and post.status in EDITABLE:
        changes = describe_changes(diff_content(last.details.get("content", {}), shown), names=names, zone=zone)
    may, first = permissions_for(reader, membership, post), two_person_approval.pending_first_approval(post)
    revertible = post.status == Status.FAILED and "revert" in post.allowed_actions()
    sent = _sent(deliveries) if post.status == Status.FAILED else set()
    numbers = engagement_counts([post])
    past = post.scheduled_for is not None and post.scheduled_for <= clock.now()
    return {
        "post": post,
        "status": post.status,
        "heading": title_of(post),
        "author": author_of(post),
        "cards": [
            previews.card(
                post,
                delivery,
                revertible=revertible,
                sent=delivery.pk in sent,
                numbers=numbers.get((delivery.channel_id, delivery.platform_post_id), ""),
            )
            for delivery in deliveries
        ],
        "warnings": channel_warnings(post),
        "media_kind": kind_of(post),
        "media_problem": _media_problem(post),
        "may_recheck": bool(membership and membership.may_review) or has_role(membership, Role.EDITOR),
        "counts_down": not past and post.status in COUNTED,
        "digest": canonical_sha256(shown),
        "may": may,
        "first": first,
        "doomed": _doomed(post),
        "past": past,
        "when": "" if past else formatting.as_input(post.scheduled_for, zone),
        "zone": zone.key,
        "consequence": next_step_sentence(post, deliveries, first=first, zone_words=_instant_words(post, reader)),
        "approve_words": _approve_words(post, first),
        "checks": summary(run_checks([post], zone)[post.pk]),
        "shown_checks": summary([Check(**check) for check in post.approval.checks]) if post.approval else None,
        "changes": changes,
        "last": last,
        "history": post_history.history(post),
    }


@dataclass(frozen=True)
class Summary:
    """Checks for reading: what a person should look at, apart from what is fine. `tone` and `words` sum them up."""

    tone: str
    words: str
    open: list[Check]
    fine: list[Check]

    @property
    def stops(self) -> bool:
        """Whether something is in the way."""
        return any(item.level == "stop" for item in self.open)


def summary(checks: Sequence[Check]) -> Summary | None:
    """Return the checks summed up, None when there are none."""
    if not checks:
        return None
    tone = {"stop": "red", "warn": "amber", "unknown": "quiet", "ok": "green"}[max_severity(checks)]
    by_level = Counter(check.level for check in checks)
    said: dict[Level, str] = {"stop": "in the way", "warn": "to look at", "unknown": "not known yet"}
    words = [f"{by_level[level]} {ending}" for level, ending in said.items() if by_level[level]]
    fine = [check for check in checks if check.level == "ok"]
    return Summary(tone, ", ".join(words) or "All in order", [check for check in checks if check.level != "ok"], fine)


def next_step_sentence(
    post: ScheduledPost, deliveries: list[Delivery], *, first: Approval | None, zone_words: str
) -> str:
    """Return in one sentence what happens next, or what has happened. `first` is the approval that wants a second."""
    where = _where([delivery for delivery in deliveries if delivery.state != DeliveryState.PUBLISHED])
    live = _where([delivery for delivery in deliveries if delivery.state == DeliveryState.PUBLISHED])
    sentences = {
        Status.DRAFT: "Nothing happens until its author hands it to the reviewers.",
        Status.REJECTED: "Nothing happens until its author changes it and hands it in again.",
        Status.WAITING_FOR_APPROVAL: f"{_once(post, first)} it goes public on {where} {zone_words}; "
        "nobody is asked again.",
        Status.SCHEDULED: f"Is due on {where} {zone_words}."
        if _doomed(post)
        else f"Goes public on {where} {zone_words}, unless somebody reverts it before.",
        Status.PUBLISHING: f"It is going out on {where} at this moment.",
        Status.PUBLISHED: f"It is public on {live}.",
        Status.FAILED: _failed(post, deliveries, first, zone_words),
    }
    return sentences[Status(post.status)]


def _doomed(post: ScheduledPost) -> str:
    """Return why a scheduled post will be refused at its instant, as the organization's rules are by now."""
    lacking = gate.policy_violation(post, post.approval) if post.approval and post.status == Status.SCHEDULED else None
    return lacking.message if lacking else ""


def _once(post: ScheduledPost, first: Approval | None) -> str:
    if not post.organization.second_approver:
        return "Once approved"
    return "Once a second person has approved the same," if first else "Once two people have approved it,"


def _approve_words(post: ScheduledPost, first: Approval | None) -> str:
    if post.organization.second_approver and first is None:
        return "Approve, as the first of two"
    return "Approve another try" if post.status == Status.FAILED else "Approve and schedule"


def _media_problem(post: ScheduledPost) -> str:
    """Return why a stranger cannot fetch the media; a link's page is the platform's to look at."""
    problem = str(post.media_metadata.get("problem") or "")
    return problem if problem and kind_of(post) != "link" and post.status in {*EDITABLE, Status.FAILED} else ""


def _failed(post: ScheduledPost, deliveries: list[Delivery], first: Approval | None, zone_words: str) -> str:
    unknown = [delivery for delivery in deliveries if delivery.state == DeliveryState.UNKNOWN]
    absent = [
        delivery for delivery in deliveries if delivery.state not in {DeliveryState.UNKNOWN, DeliveryState.PUBLISHED}
    ]
    said = [f"Nobody knows whether it is live on {_where(unknown)}: somebody has to look."] if unknown else []
    if absent:
        said.append(f"It did not go out on {_where(absent)}{_what_next(post, first, zone_words)}")
    return " ".join(said)


def _what_next(post: ScheduledPost, first: Approval | None, zone_words: str) -> str:
    if not post.organization.second_approver:
        return "; a person decides what happens next."
    if first is None:
        return "; another try goes out once two people have approved it."
    who = first.reviewer.get_full_name() or first.reviewer.get_username()
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return f". {who} approved another try, for an instant that has passed: two people have to approve a new one."
    return f". {who} approved another try: {zone_words} it goes out, if a second person has approved the same by then."


def _instant_words(post: ScheduledPost, reader: User) -> str:
    if post.scheduled_for is None:
        return "at the instant that you choose"
    if post.scheduled_for <= clock.now() and post.status == Status.WAITING_FOR_APPROVAL:
        return "at the new instant that you choose, for the one it had has passed"
    return f"on {formatting.format_long(post.scheduled_for, formatting.user_timezone(reader))}"


def _where(deliveries: list[Delivery]) -> str:
    names = [
        f"{delivery.channel.name} ({'Facebook' if delivery.channel.type == ChannelType.FB_PAGE else 'Instagram'})"
        for delivery in deliveries
    ]
    if len(names) < 2:
        return names[0] if names else "no channel"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _sent(deliveries: list[Delivery]) -> set[int]:
    return set(Attempt.objects.filter(delivery__in=deliveries).values_list("delivery_id", flat=True))
