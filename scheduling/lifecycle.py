"""The lifecycle of a scheduled post, on one screen.

Whether a change of state is legal is said here and nowhere else; `move` is the only code that writes the state column,
by compare-and-set on (id, state, version, revision), so that of two people, two workers, or a person and a worker one
wins.
The diagram in the README is generated from this file (`manage.py lifecycle`).
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
    """The post is not where the caller believed it to be. `status` is where it is now, None when it is gone."""

    def __init__(self, verb: str, status: str | None, allowed: list[str]) -> None:
        super().__init__(f"Cannot {verb} a {status or 'deleted'} post", {"status": status, "allowed": allowed})
        self.status = status


class Lifecycle(models.Model):
    """The states of a scheduled post and the steps between them.

    `revision` tells one stay in a state from the next, though they look the same: what a page offered is good for its
    own.
    """

    status = FSMField(choices=S.choices, default=S.DRAFT, protected=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    revision = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counts changes of state and of content."
    )

    class Meta:
        abstract = True

    @transition(status, source=[S.DRAFT, S.REJECTED], target=S.WAITING_FOR_APPROVAL)
    def submit(self) -> None:
        """An author hands the post to the reviewers."""

    @transition(status, source=S.WAITING_FOR_APPROVAL, target=S.REJECTED)
    def reject(self) -> None:
        """A reviewer, or a key on a reviewer's behalf, sends it back with notes."""

    @transition(status, source=S.REJECTED, target=S.DRAFT)
    def redraft(self) -> None:
        """The author takes a rejected post back to the drawing board."""

    @transition(status, source=S.WAITING_FOR_APPROVAL, target=S.SCHEDULED)
    def approve(self) -> None:
        """A person approves and schedules."""

    @transition(status, source=S.FAILED, target=S.SCHEDULED)
    def retry(self) -> None:
        """A person approves another try of the channels that failed."""

    @transition(status, source=S.SCHEDULED, target=S.PUBLISHING)
    def claim(self) -> None:
        """A worker takes it, alone."""

    @transition(status, source=S.PUBLISHING, target=S.PUBLISHED)
    def succeed(self) -> None:
        """Every channel is live."""

    @transition(status, source=[S.SCHEDULED, S.PUBLISHING], target=S.FAILED)
    def fail(self) -> None:
        """At least one channel did not go live, or it is not known to have."""

    @transition(status, source=S.FAILED, target=S.PUBLISHED)
    def settle(self) -> None:
        """A person found that what was unknown is live after all."""

    @transition(status, source=[S.SCHEDULED, S.FAILED], target=S.DRAFT)
    def revert(self) -> None:
        """Back to draft; the pending task is cancelled. From FAILED only when nothing went live."""

    _VERBS: ClassVar[dict[str, str]] = {
        "submit": "submit-for-approval",
        "reject": "reject",
        "revert": "revert",
    }

    def allowed_actions(self) -> list[str]:
        """Return what an API client could do with the post as it stands, in the contract's words."""
        verbs = [wire for name, wire in self._VERBS.items() if self.can(name)]
        return verbs + ["update"] * (self.status in EDITABLE) + ["delete"] * (self.status in DELETABLE)

    def can(self, name: str) -> bool:
        """Whether the step of that name is legal from here."""
        return any(step.name == name for step in self.get_available_status_transitions())  # type: ignore[attr-defined]

    def apply_transition(self, step: str, /, *, only_if: models.Q | None = None, **columns: Any) -> str:
        """Take `step` in the database, with the other `columns` in the same statement; return the state left behind.

        Every step increments `revision`. Changes nothing and raises StateConflict when the step is illegal from this
        state,
        or when the row has changed since it was loaded or does not match `only_if`. A condition on another table must
        be a subquery (`Exists`): Django updates through a join by a list of keys, which PostgreSQL does not check again
        when it has waited for a lock.
        """
        left = str(self.status)
        try:
            getattr(self, step)()
        except TransitionNotAllowed:
            raise StateConflict(step, left, self.allowed_actions()) from None
        columns |= {"status": self.status, "updated_at": clock.now(), "revision": self.revision + 1}
        unchanged = {"pk": self.pk, "status": left, "version": self.version, "revision": self.revision}
        if not type(self)._base_manager.filter(only_if or models.Q(), **unchanged).update(**columns):
            raise self.conflict(step)
        for name, value in columns.items():
            if name != "status":
                setattr(self, name, value)
        return left

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """As Django's; the protected state may be read anew, though not assigned."""
        if fields is None or "status" in fields:
            self.__dict__.pop("status", None)
        super().refresh_from_db(using, fields, from_queryset)

    def conflict(self, verb: str) -> StateConflict:
        """Return the error that tells the loser of a race what has happened."""
        fresh = type(self)._base_manager.filter(pk=self.pk).first()
        return (
            StateConflict(verb, str(fresh.status), fresh.allowed_actions()) if fresh else StateConflict(verb, None, [])
        )
