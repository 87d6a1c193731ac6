"""Which buttons a person gets. The domain decides again when one is pressed."""

from dataclasses import dataclass

from accounts.models import Membership, Role, User
from posts.admin.people import holds
from scheduling.domain.review import wrote
from scheduling.lifecycle import DELETABLE, EDITABLE, Status
from scheduling.models import DeliveryState, ScheduledPost


@dataclass(frozen=True)
class Rights:
    """What this person may do with this post now. `why_not` says why somebody who reviews cannot approve it."""

    approve: bool
    reject: bool
    revert: bool
    submit: bool
    edit: bool
    delete: bool
    settle: bool = False
    why_not: str = ""

    @property
    def any(self) -> bool:
        """Whether there is a button at all."""
        return any((self.approve, self.reject, self.revert, self.submit, self.edit, self.delete, self.settle))


def rights(user: User, membership: Membership | None, post: ScheduledPost) -> Rights:
    """Return the person's rights. Needs the post with its organization, keys and deliveries loaded."""
    writes = holds(membership, Role.EDITOR)
    reviews = membership is not None and membership.may_review
    decidable = post.may("approve") or post.may("retry")
    own = not post.organization.allow_self_approval and wrote(user, post)
    why_not = ""
    if decidable and not reviews:
        why_not = "Reviewers decide on this post. Your membership lets you look."
    elif decidable and own:
        why_not = "You wrote or last edited this post, or issued or rotated the key that did: another person decides."
    unknown = post.status == Status.FAILED and any(one.state == DeliveryState.UNKNOWN for one in post.deliveries.all())
    if unknown and not why_not:
        why_not = "Say first whether it is live, on each channel where that is not known. Another try could double it."
    allowed = post.allowed()
    return Rights(
        approve=decidable and reviews and not own and not unknown,
        reject=post.may("reject") and reviews,
        revert=("revert" in allowed or post.may("redraft")) and (writes or reviews),
        submit=post.may("submit") and writes,
        edit=post.status in EDITABLE and writes,
        delete=post.status in DELETABLE and writes,
        settle=bool(post.status == Status.FAILED and reviews),
        why_not=why_not,
    )


def waits(post: ScheduledPost) -> bool:
    """Whether a person has to decide."""
    return bool(post.status == Status.WAITING_FOR_APPROVAL)
