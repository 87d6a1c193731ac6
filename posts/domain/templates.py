"""Writing an organization's superpower templates."""

from typing import Any

from django.db import IntegrityError, transaction

from accounts.domain import trail
from accounts.domain.actors import Actor
from accounts.errors import Conflict
from accounts.models import Organization
from posts.domain import superpowers
from posts.models import SuperpowerTemplate


def write(
    actor: Actor,
    *,
    organization: Organization,
    document: dict[str, Any],
    template: SuperpowerTemplate | None = None,
) -> SuperpowerTemplate:
    """Store `document`, the wire object without its template fields, as a new template or in place of `template`'s.

    Posts that refer to the template keep the text that they were written with. Raises Incomplete when the
    document lacks what its kind needs, Conflict when another template of the organization has the hashtag.
    """
    superpowers.check_complete(document)
    written = template or SuperpowerTemplate(organization=organization)
    written.name = str(document["name"])
    written.document = document
    written.lookup_hashtag = superpowers.lookup(str(document["hashtag"]))
    try:
        with transaction.atomic():
            written.save()
            trail.record(
                actor,
                "superpower.write",
                organization_id=organization.pk,
                subject=f"superpower:{written.pk}",
                name=written.name,
                document=document,
            )
    except IntegrityError as error:
        raise Conflict("Hashtag already in use") from error
    return written
