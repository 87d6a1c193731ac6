"""What a row of the list shows beside the post itself, for all rows at once: the queries do not grow with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from posts.admin import times
from posts.admin.people import memberships, signed_in
from scheduling.admin.aftermath import Fate, fates
from scheduling.admin.page import Summary, summary
from scheduling.admin.rights import Rights, learn, rights
from scheduling.domain.checks import checks_of
from scheduling.domain.digest import content, digest
from scheduling.lifecycle import Status
from scheduling.models import DeliveryState, ScheduledPost


@dataclass(frozen=True)
class Row:
    """A post in the list. `digest` is that of what the row shows, for the approval; `fates` is what became of it."""

    post: ScheduledPost
    digest: str = ""
    checks: Summary | None = None
    rights: Rights | None = None
    fates: list[Fate] = field(default_factory=list)

    @property
    def pickable(self) -> bool:
        """Whether it may be approved from the list: one whose instant has passed needs a new one first."""
        return bool(self.rights and self.rights.approve and not (self.checks and self.checks.stops))


def rows(request: HttpRequest, posts: Sequence[ScheduledPost]) -> list[Row]:
    """Return the rows for these posts, which are loaded by `for_wire` and with what `rights` needs."""
    waiting = [one for one in posts if one.status == Status.WAITING_FOR_APPROVAL]
    user = signed_in(request)
    own = {one.organization_id: one for one in memberships(request)} if waiting else {}
    learnt = learn(user, waiting)
    checks, over = checks_of(waiting, times.zone_of(user)), fates(posts)
    return [
        Row(
            post,
            digest=shown(post),
            checks=summary(checks[post.pk]),
            rights=rights(user, own.get(post.organization_id), post, learnt=learnt),
        )
        if post.pk in checks
        else Row(post, fates=over.get(post.pk, []))
        for post in posts
    ]


def shown(post: ScheduledPost) -> str:
    """Return the digest of what the row shows, from the very rows that were loaded for it."""
    return digest(content(post, [one for one in post.deliveries.all() if one.state != DeliveryState.PUBLISHED]))
