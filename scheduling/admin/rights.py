"""Which buttons a person gets. The domain decides again when one is pressed."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.domain import factors
from accounts.domain.reviewers import reaches
from accounts.models import Membership, Role, User
from posts.admin.people import holds
from scheduling.domain import pairing
from scheduling.domain.review import wrote
from scheduling.lifecycle import DELETABLE, EDITABLE, Status
from scheduling.models import DeliveryState, ScheduledPost


@dataclass(frozen=True)
class Rights:
    """What this person may do with this post now. `why_not` says why somebody who reviews cannot approve it.

    `at_once`: publishing now; two who approve need an instant to agree on. `set_up`: they need a second factor.
    """

    approve: bool
    reject: bool
    revert: bool
    submit: bool
    edit: bool
    delete: bool
    settle: bool = False
    why_not: str = ""
    at_once: bool = False
    set_up: bool = False

    @property
    def any(self) -> bool:
        """Whether there is a button at all."""
        return any((self.approve, self.reject, self.revert, self.submit, self.edit, self.delete, self.settle))


def rights(
    user: User, membership: Membership | None, post: ScheduledPost, *, rotated: Collection[str] | None = None
) -> Rights:
    """Return the person's rights. Needs the post with its organization, keys and deliveries loaded.

    `rotated`, the keys that they rotated, spares a query.
    """
    writes = holds(membership, Role.EDITOR)
    reaching = [one.channel.wire_id for one in post.deliveries.all()]
    reviews = membership is not None and reaches(membership, reaching)
    decidable = post.may("approve") or post.may("retry")
    own = not post.organization.allow_self_approval and wrote(user, post, rotated=rotated)
    why_not = ""
    if decidable and not reviews:
        some = membership is not None and membership.may_review
        why_not = (
            "It goes to a channel that you do not review: another reviewer decides."
            if some
            else "Reviewers decide on this post. Your membership lets you look."
        )
    elif decidable and own:
        why_not = "You wrote or last edited this post, or issued or rotated the key that did: another person decides."
    elif decidable and pairing.approved_by(user, post):
        why_not = "You approved this, as the first of two: another reviewer has to approve the same."
    unable = bool(why_not)
    set_up = decidable and not unable and _lacks_factor(user, post)
    if set_up:
        why_not = "This organization wants a second factor of its reviewers: set one up first."
    unknown = post.status == Status.FAILED and any(one.state == DeliveryState.UNKNOWN for one in post.deliveries.all())
    if unknown and not why_not:
        why_not = "Say first whether it is live, on each channel where that is not known. Another try could double it."
    allowed = post.allowed()
    return Rights(
        approve=decidable and not unable and not set_up and not unknown,
        at_once=decidable and not post.organization.second_approver,
        set_up=set_up,
        reject=post.may("reject") and reviews,
        revert=("revert" in allowed or post.may("redraft")) and (writes or reviews),
        submit=post.may("submit") and writes,
        edit=post.status in EDITABLE and writes,
        delete=post.status in DELETABLE and writes,
        settle=bool(post.status == Status.FAILED and membership is not None and membership.may_review),
        why_not=why_not,
    )


def _lacks_factor(user: User, post: ScheduledPost) -> bool:
    return post.organization.require_second_factor and factors.of(user) is None


def waits(post: ScheduledPost) -> bool:
    """Whether a person has to decide."""
    return bool(post.status == Status.WAITING_FOR_APPROVAL)
