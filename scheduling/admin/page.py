"""Everything that the review page shows of one post. Reads only."""

from dataclasses import dataclass
from typing import Any

from django.db.models.fields.json import KeyTextTransform

from accounts import clock
from accounts.errors import Invalid
from accounts.models import AuditEvent, Membership, User
from posts.admin import pictures, times, wording
from posts.models import ChannelType
from scheduling.admin.advice import Advice, advise, warnings
from scheduling.admin.changes import Change, readable
from scheduling.admin.media import kind_of
from scheduling.admin.rights import rights
from scheduling.domain.digest import content, difference, digest
from scheduling.domain.publishable import must_be_publishable
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost

DECISIONS = ("approve", "retry", "reject")
HISTORY = 200
DEEDS = {
    "create": "wrote it",
    "edit": "changed it",
    "submit": "handed it to the reviewers",
    "reject": "rejected it",
    "redraft": "took it back to draft",
    "approve": "approved and scheduled it",
    "retry": "approved another try",
    "revert": "took it back to draft",
    "inspect": "looked at the media",
    "claim": "began to publish",
    "succeed": "saw every channel live",
    "fail": "could not bring it live everywhere",
    "settle": "found it live everywhere after all",
    "mark_live": "said that it is live",
    "mark_absent": "said that it is not live",
}
OUTCOMES = {
    DeliveryState.PENDING: ("quiet", "Waiting for its turn"),
    DeliveryState.STAGED: ("blue", "Prepared on the platform, not public yet"),
    DeliveryState.PUBLISHED: ("green", "Live"),
    DeliveryState.FAILED: ("red", "Did not go live"),
    DeliveryState.UNKNOWN: ("amber", "Not known whether it is live"),
}


@dataclass(frozen=True)
class Card:
    """One channel's preview with what became of it. `tone` and `outcome` are empty until publishing begins.

    `advice` says what a person can do; `sent`: whether anything was ever sent there.
    """

    delivery: Delivery
    network: str
    superpower: str
    sentences: list[str]
    tone: str
    outcome: str
    advice: Advice | None
    sent: bool


@dataclass(frozen=True)
class Line:
    """One line of the post's history."""

    event: AuditEvent
    deed: str
    notes: str


def title_of(post: ScheduledPost) -> str:
    """Return the first line of the first caption, which is what people call a post."""
    for one in post.deliveries.all():
        for line in one.caption.splitlines():
            if line.strip():
                return line.strip() if len(line.strip()) <= 70 else f"{line.strip()[:69].rstrip()}…"
    return "Post without a caption"


def rest_of(post: ScheduledPost) -> str:
    """Return what the first caption says after its title."""
    caption = next((one.caption for one in post.deliveries.all() if one.caption.strip()), "").strip()
    first, _, rest = caption.partition("\n")
    return rest.strip() if len(first.strip()) <= 70 else caption


def author_of(post: ScheduledPost) -> dict[str, str]:
    """Return who wrote the post: `kind` and `name`."""
    if post.created_by_key is not None:
        return {"kind": "API key", "name": post.created_by_key.name}
    if post.created_by_user is not None:
        return {"kind": "Person", "name": post.created_by_user.get_full_name() or post.created_by_user.get_username()}
    return {"kind": "", "name": "unknown"}


def context(
    post: ScheduledPost, *, reader: User, membership: Membership | None, stale: StaleApproval | None = None
) -> dict[str, Any]:
    """Return what the template needs. The digest is computed from the very rows that are shown, never read again.

    Needs the post loaded by `ScheduledPostAdmin.whole`.
    """
    zone = times.zone_of(reader)
    deliveries = list(post.deliveries.all())
    pending = [one for one in deliveries if one.state != DeliveryState.PUBLISHED]
    shown = content(post, pending)
    names = {one.channel.wire_id: one.channel.name for one in deliveries}
    told = AuditEvent.objects.filter(organization_id=post.organization_id, subject=f"post:{post.pk}").order_by("-id")
    # Each event carries the whole content of its time, up to a megabyte: only the decision's is wanted.
    events = list(told.defer("details").annotate(notes=KeyTextTransform("notes", "details"))[:HISTORY])
    last = told.filter(verb__in=DECISIONS).first()
    changes: list[Change] = []
    if stale is not None:
        known = any(one["before"] is not None for one in stale.difference)
        changes = readable(stale.difference if known else [], names=names, zone=zone)
    elif last is not None and post.status in EDITABLE:
        changes = readable(difference(last.details.get("content", {}), shown), names=names, zone=zone)
    may = rights(reader, membership, post)
    revertible = post.status == Status.FAILED and "revert" in post.allowed()
    sent = _sent(deliveries) if post.status == Status.FAILED else set()
    past = post.scheduled_for is not None and post.scheduled_for <= clock.now()
    return {
        "post": post,
        "status": post.status,
        "heading": title_of(post),
        "author": author_of(post),
        "cards": [_card(one, revertible=revertible, sent=one.pk in sent) for one in deliveries],
        "warnings": warnings(post),
        "media_kind": kind_of(post),
        "media_shown": pictures.shown(post.media),
        "digest": digest(shown),
        "may": may,
        "past": past,
        "when": "" if past else times.as_input(post.scheduled_for, zone),
        "zone": zone.key,
        "consequence": consequence(post, deliveries, zone_words=_instant_words(post, reader)),
        "violations": _violations(post, pending),
        "changes": changes,
        "last": last,
        "history": [Line(one, DEEDS.get(one.verb, one.verb), one.notes or "") for one in events],
    }


def consequence(post: ScheduledPost, deliveries: list[Delivery], *, zone_words: str) -> str:
    """Return in one sentence what happens next, or what has happened."""
    where = _where([one for one in deliveries if one.state != DeliveryState.PUBLISHED])
    live = _where([one for one in deliveries if one.state == DeliveryState.PUBLISHED])
    sentences = {
        Status.DRAFT: "Nothing happens until its author hands it to the reviewers.",
        Status.REJECTED: "Nothing happens until its author changes it and hands it in again.",
        Status.WAITING_FOR_APPROVAL: f"Once approved it goes public on {where} {zone_words}; nobody is asked again.",
        Status.SCHEDULED: f"Goes public on {where} {zone_words}, unless somebody reverts it before.",
        Status.PUBLISHING: f"It is going out on {where} at this moment.",
        Status.PUBLISHED: f"It is public on {live}.",
        Status.FAILED: _failed(deliveries),
    }
    return sentences[Status(post.status)]


def _failed(deliveries: list[Delivery]) -> str:
    unknown = [one for one in deliveries if one.state == DeliveryState.UNKNOWN]
    absent = [one for one in deliveries if one.state not in {DeliveryState.UNKNOWN, DeliveryState.PUBLISHED}]
    said = [f"Nobody knows whether it is live on {_where(unknown)}: somebody has to look."] if unknown else []
    if absent:
        said.append(f"It did not go out on {_where(absent)}; a person decides what happens next.")
    return " ".join(said)


def _instant_words(post: ScheduledPost, reader: User) -> str:
    if post.scheduled_for is None:
        return "at the instant that you choose"
    if post.scheduled_for <= clock.now() and post.status == Status.WAITING_FOR_APPROVAL:
        return "at the new instant that you choose, for the one it had has passed"
    return f"on {times.full(post.scheduled_for, times.zone_of(reader))}"


def _where(deliveries: list[Delivery]) -> str:
    names = [
        f"{one.channel.name} ({'Facebook' if one.channel.type == ChannelType.FB_PAGE else 'Instagram'})"
        for one in deliveries
    ]
    if len(names) < 2:
        return names[0] if names else "no channel"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _sent(deliveries: list[Delivery]) -> set[int]:
    return set(Attempt.objects.filter(delivery__in=deliveries).values_list("delivery_id", flat=True))


def _card(one: Delivery, *, revertible: bool, sent: bool) -> Card:
    tone, outcome = OUTCOMES[DeliveryState(one.state)] if one.state else ("", "")
    network = "facebook" if one.channel.type == ChannelType.FB_PAGE else "instagram"
    title, sentences = wording.title(one.superpower), wording.in_words(one.superpower)
    return Card(one, network, title, sentences, tone, outcome, advise(one, revertible=revertible), sent)


def _violations(post: ScheduledPost, deliveries: list[Delivery]) -> list[str]:
    if post.status not in {*EDITABLE, Status.FAILED}:
        return []
    try:
        must_be_publishable(post, deliveries)
    except Invalid as refusal:
        return [_in_words(one, post) for one in refusal.details or [{"path": [], "message": refusal.message}]]
    return []


def _in_words(violation: dict[str, Any], post: ScheduledPost) -> str:
    if violation["path"] == ["scheduledFor"]:
        return "Its instant has passed." if post.scheduled_for else "It has no date yet."
    return str(violation["message"])
