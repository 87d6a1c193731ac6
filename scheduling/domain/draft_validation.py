"""Full publish validation of a post that is not stored: what a submit would refuse, and what a reviewer would see.

Fetches nothing and stores nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts import clock
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, DomainError, Incomplete, Invalid
from accounts.models import Organization
from posts.domain import media_store
from posts.domain.channels import connected_channels
from scheduling.domain import drafts, media_inspection
from scheduling.domain.drafts import Changes, ChannelText
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.domain.validation import Violation, find_violations, media_of
from scheduling.models import Delivery, MediaItem, ScheduledPost


@dataclass(frozen=True)
class DraftValidation:
    """`warnings` are checks of the review page. `media_checked`: every medium is a file that is stored here."""

    violations: list[Violation]
    warnings: list[Check]
    media_checked: bool


def validate_draft(actor: Actor, organization: Organization, changes: Changes) -> DraftValidation:
    """Validate a post with the content `changes` as a submit would. An unknown channel is a violation."""
    texts = changes.get("channels", {})
    known = {channel.public_id: channel for channel in connected_channels(organization.pk, actor.key, texts)}
    violations = list(drafts.channel_violations(texts, known))
    refused = {violation.path[1] for violation in violations}
    rows: list[Delivery] = []
    for public_id, text in texts.items():
        if public_id not in refused:
            try:
                rows.append(drafts.build_delivery(organization, known[public_id], text))
            except (Incomplete, Invalid, Conflict) as error:
                violations += _superpower_violations(public_id, error)
                rows.append(drafts.build_delivery(organization, known[public_id], _without_superpower(text)))
    violations += _hashtag_violations(organization, rows)
    post = drafts.build_post(actor, organization, changes)
    try:
        drafts.ensure_external_id_is_free(actor, post, post.external_id)
    except Conflict as error:
        violations.append(Violation(["externalId"], error.message, "external_id.in_use"))
    media_checked = _resolve_media(post)
    found = find_violations(post, rows)
    if texts:  # channels that were refused above are not missing
        found = [violation for violation in found if violation.code != "channels.empty"]
    vars(post)["_prefetched_objects_cache"] = {"deliveries": rows}  # as prefetch_related would
    checks = run_checks([post], None)[post.pk]
    return DraftValidation(violations + found, [check for check in checks if check.level == "warn"], media_checked)


def _without_superpower(text: ChannelText) -> ChannelText:
    return ChannelText(text.medium_type, text.caption)


def _superpower_violations(public_id: str, error: DomainError) -> Iterator[Violation]:
    if isinstance(error, Conflict):
        yield Violation(["channels", public_id, "superpower", "hashtag"], error.message, error.code)
        return
    for detail in error.details:
        yield Violation(detail["path"], detail["message"], detail["code"])


def _hashtag_violations(organization: Organization, rows: list[Delivery]) -> Iterator[Violation]:
    seen: set[str] = set()
    for row in rows:
        if not row.lookup_hashtag:
            continue
        if row.lookup_hashtag in seen or drafts.hashtag_taken(organization, [row.lookup_hashtag], None):
            path: list[str | int] = ["channels", row.channel.public_id, "superpower", "hashtag"]
            yield Violation(path, "Hashtag already in use", "superpower.hashtag_in_use")
        seen.add(row.lookup_hashtag)


def _resolve_media(post: ScheduledPost) -> bool:
    """Set the columns of the inspection of media that are stored here; return whether all are."""
    media = media_of(post)
    stored = [_resolve(post, medium) for medium in media]
    if not all(stored):
        return False
    if post.items:
        for name, value in media_inspection.first_item_columns(post.items).items():
            setattr(post, name, value)
    post.media_checked_at = clock.now()
    return True


def _resolve(post: ScheduledPost, medium: ScheduledPost | MediaItem) -> bool:
    if not medium.media or not media_store.is_stable_url(medium.media):
        return False
    stored = media_store.find_stored(post.organization, medium.media)
    if stored is None:
        return False
    columns: dict[str, Any] = {
        "media_file": stored,
        "media_sha256": stored.sha256,
        "media_metadata": media_inspection.describe_stored(stored),
        "media_checked_at": clock.now(),
    }
    for name, value in columns.items():
        setattr(medium, name, value)
    return True
