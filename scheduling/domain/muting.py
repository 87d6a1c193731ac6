"""What a person does not want to be mailed about."""

from collections.abc import Sequence

from django.db import transaction

from accounts.domain import trail
from accounts.domain.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Membership
from scheduling.domain.spreading import MAILED


def choose(actor: Actor, membership: Membership, *, wanted: Sequence[str], offered: Sequence[str]) -> bool:
    """Mute what was `offered` and is not `wanted`; return whether that changed anything. Raises Forbidden for others'.

    What was not offered stays as it is.
    """
    if actor.user is None or actor.user.pk != membership.user_id:
        raise Forbidden("Everybody chooses for themselves")
    kept = [kind for kind in membership.muted_notices if kind not in offered]
    muted = [str(kind) for kind in MAILED if kind in kept or (kind in offered and kind not in wanted)]
    if muted == membership.muted_notices:
        return False
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(muted_notices=muted)
        subject = f"membership:{membership.pk}"
        trail.record(actor, "membership.mute", organization_id=membership.organization_id, subject=subject, muted=muted)
    membership.muted_notices = muted
    return True
