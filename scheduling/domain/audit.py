"""Audit events of posts. Each carries the content and its digest, so that earlier contents can be looked up."""

from typing import Any

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.models import AuditEvent
from scheduling.domain.content import Content, current_content
from scheduling.models import ScheduledPost


def record_post_event(actor: Actor, verb: str, post: ScheduledPost, previous: str, **details: Any) -> AuditEvent:
    """Append an audit event about the post and return it.

    `previous` is its status before; its present one is the status after.
    """
    content, digest = current_content(post)
    return audit_log.record(
        actor,
        verb,
        organization_id=post.organization_id,
        subject=f"post:{post.pk}",
        step=(previous, str(post.status)),
        digest=digest,
        version=post.version,
        content=content,
        **details,
    )


def content_with_digest(post: ScheduledPost, digest: str) -> Content:
    """Return the content of this post that had `digest`, from the audit log; empty without an event."""
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}", digest=digest).order_by("-id").first()
    content: Content = event.details.get("content", {}) if event else {}
    return content
