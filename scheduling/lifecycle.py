"""The lifecycle of a scheduled post: its states and the legal transitions.

`apply_transition` is the only code that writes the status, by compare-and-set on (id, status, version, revision): of
two concurrent changes one wins. The diagram in the README is generated from this file (`manage.py lifecycle`).
"""

from typing import Any, ClassVar

from django.db import models
from django_fsm import FSMField, TransitionNotAllowed, transition

from accounts import clock
from accounts.exceptions import Conflict


class Status(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    WAITING_FOR_APPROVAL = "WAITING_FOR_APPROVAL", "Waiting for approval"
    REJECTED = "REJECTED", "Rejected"
    SCHEDULED = "SCHEDULED", "Scheduled"
    PUBLISHING = "PUBLISHING", "Publishing"
    PUBLISHED = "PUBLISHED", "Published"
    FAILED = "FAILED", "Failed"


S = Status
EDITABLE = (S.DRAFT, S.REJECTED, S.WAITING_FOR_APPROVAL)
DELETABLE = (S.DRAFT, S.REJECTED, S.WAITING_FOR_APPROVAL, S.SCHEDULED, S.FAILED)
NEEDS_APPROVAL = (S.SCHEDULED, S.PUBLISHING, S.PUBLISHED)


class StateConflict(Conflict):
    """The post is not in the expected state. `status` is the present one, None when the post was deleted.

    `reason` says why a post in that status does not allow it; empty when the status is the reason.
    """

    default_code = "state.conflict"

    def __init__(self, verb: str, status: str | None, allowed: list[str], reason: str = "") -> None:
        message = f"Cannot {verb} a {status or 'deleted'} post"
        super().__init__(f"{message}: {reason}" if reason else message, {"status": status, "allowed": allowed})
        self.status, self.reason = status, reason


class Lifecycle(models.Model):
    """`revision` increases with every transition, so that a form rendered before a transition is rejected after it."""

    status = FSMField(choices=S.choices, default=S.DRAFT, protected=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    revision = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counts changes of state and of content."
    )

    class Meta:
        abstract = True

    @transition(status, source=[S.DRAFT, S.REJECTED], target=S.WAITING_FOR_APPROVAL)
    def submit(self) -> None:
        """An author submits the post to the reviewers."""

    @transition(status, source=S.WAITING_FOR_APPROVAL, target=S.REJECTED)
    def reject(self) -> None:
        """A reviewer, or an API key with the scope, returns it to the author with notes."""

    @transition(status, source=S.REJECTED, target=S.DRAFT)
    def redraft(self) -> None:
        """The author returns a rejected post to draft."""

    @transition(status, source=S.WAITING_FOR_APPROVAL, target=S.SCHEDULED)
    def approve(self) -> None:
        """A person approves and schedules."""

    @transition(status, source=S.FAILED, target=S.SCHEDULED)
    def retry(self) -> None:
        """A person approves another attempt on the channels that failed."""

    @transition(status, source=S.SCHEDULED, target=S.PUBLISHING)
    def claim(self) -> None:
        """One worker claims it for publishing."""

    @transition(status, source=S.PUBLISHING, target=S.PUBLISHED)
    def succeed(self) -> None:
        """Every channel is published."""

    @transition(status, source=[S.SCHEDULED, S.PUBLISHING], target=S.FAILED)
    def fail(self) -> None:
        """At least one channel failed, or its outcome is unknown."""

    @transition(status, source=S.FAILED, target=S.PUBLISHED)
    def settle(self) -> None:
        """A person, or `after_restore`, found that every failed or unknown channel is published."""

    @transition(status, source=[S.SCHEDULED, S.FAILED], target=S.DRAFT)
    def revert(self) -> None:
        """Return it to draft; the pending task is cancelled. Only while nothing is or may be published."""

    _ACTIONS: ClassVar[dict[str, str]] = {"submit": "submit-for-approval", "reject": "reject", "revert": "revert"}

    def allowed_actions(self) -> list[str]:
        """Return what an API client can do with the post in its present state, in the words of the contract."""
        actions = [action for step, action in self._ACTIONS.items() if self.can(step)]
        if self.status in EDITABLE:
            actions.append("update")
        if self.status in DELETABLE:
            actions.append("delete")
        return actions

    def can(self, step: str) -> bool:
        """Whether the transition `step` is legal from the present state."""
        available = self.get_available_status_transitions()  # type: ignore[attr-defined]
        return any(transition.name == step for transition in available)

    def apply_transition(self, step: str, /, *, only_if: models.Q | None = None, **columns: Any) -> str:
        """Take `step` in the database, with the other `columns` in the same statement; return the previous state.

        Every step increments `revision`. Changes nothing and raises StateConflict when the step is illegal from this
        state, or when the row has changed since it was loaded or does not match `only_if`. A condition on another
        table must be a subquery (`Exists`): Django updates through a join by a list of keys, and PostgreSQL does not
        check those again after waiting for a lock.
        """
        previous = str(self.status)
        try:
            getattr(self, step)()
        except TransitionNotAllowed:
            raise StateConflict(step, previous, self.allowed_actions()) from None
        columns |= {"status": self.status, "updated_at": clock.now(), "revision": self.revision + 1}
        unchanged = {"pk": self.pk, "status": previous, "version": self.version, "revision": self.revision}
        if not type(self)._base_manager.filter(only_if or models.Q(), **unchanged).update(**columns):
            raise self.conflict(step)
        for name, value in columns.items():
            if name != "status":
                setattr(self, name, value)
        return previous

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Allow refreshing the status although FSMField(protected=True) forbids assigning it."""
        if fields is None or "status" in fields:
            self.__dict__.pop("status", None)
        super().refresh_from_db(using, fields, from_queryset)

    def refusal_reason(self, verb: str) -> str:  # noqa: ARG002  extended by ScheduledPost
        """Return why the post does not allow `verb` although its status does; empty without such a reason."""
        return ""

    def conflict(self, verb: str) -> StateConflict:
        """Return the error for a refused change, with the post's present state."""
        fresh = type(self)._base_manager.filter(pk=self.pk).first()
        if fresh is None:
            return StateConflict(verb, None, [])
        return StateConflict(verb, str(fresh.status), fresh.allowed_actions(), fresh.refusal_reason(verb))
