"""The trail of a post: each line carries the content and its digest, so that what anybody saw can be found again."""

from typing import Any

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.models import AuditEvent
from scheduling.domain.content import Content, current_content
from scheduling.models import ScheduledPost


def record_post_event(actor: Actor, verb: str, post: ScheduledPost, left: str, **details: Any) -> None:
    """Append to the trail what was done to the post: `left` is the state before, the post shows the one after."""
    content, digest = current_content(post)
    audit_log.record(
        actor,
        verb,
        organization_id=post.organization_id,
        subject=f"post:{post.pk}",
        step=(left, str(post.status)),
        digest=digest,
        version=post.version,
        content=content,
        **details,
    )


def content_with_digest(post: ScheduledPost, digest: str) -> Content:
    """Return the content of this post that had `digest`, from the trail; empty when there never was one."""
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}", digest=digest).order_by("-id").first()
    found: Content = event.details.get("content", {}) if event else {}
    return found
