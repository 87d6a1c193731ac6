"""Superpowers: what a reference expands to, what an inline one must have, and which hashtag either occupies."""

import unicodedata
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Incomplete, Invalid
from accounts.models import Organization
from posts.models import SuperpowerTemplate

Superpower = dict[str, Any]
LOOKUP_LENGTH = 200  # what the columns hold


def normalize_hashtag(hashtag: str) -> str:
    """Return the form in which hashtags are compared: without `#` and white space around it, NFC, case-folded."""
    bare = unicodedata.normalize("NFC", hashtag).strip().lstrip("#").strip()
    return unicodedata.normalize("NFC", bare.casefold())


def expand(organization: Organization, given: Superpower) -> Superpower:
    """Return the whole superpower: of a reference the template overlaid by what was given, else what was given.

    Raises Invalid for a template that is not the organization's.
    """
    if not given.get("creativeTemplateId"):
        whole = dict(given)
    else:
        template = _template(organization, str(given["creativeTemplateId"]))
        identity = {"creativeTemplateId": str(template.pk), "creativeTemplateName": template.name}
        whole = {**template.document, **given, **identity}
    if "lookupHashtag" in whole:
        whole["lookupHashtag"] = normalize_hashtag(str(whole.get("hashtag") or ""))
    return whole


def check_complete(superpower: Superpower) -> None:
    """Raise Incomplete, naming all that is missing, unless an inline superpower has what its kind needs.

    Needs `name`, `hashtag`, `templateType`; CONDITIONAL also `conditionalTemplateType` and groups with a reply each.
    A reference is taken as its template made it.
    """
    if superpower.get("creativeTemplateId"):
        return
    missing: list[list[str | int]] = [[name] for name in ("name", "templateType") if not superpower.get(name)]
    if not normalize_hashtag(str(superpower.get("hashtag") or "")):
        missing.append(["hashtag"])
    if superpower.get("templateType") == "CONDITIONAL":
        missing += _missing_conditions(superpower)
    if missing:
        details = [
            {"path": ["superpower", *path], "message": f"{_dotted(path)} is missing", "code": "superpower.incomplete"}
            for path in missing
        ]
        names = ", ".join(_dotted(path) for path in missing)
        raise Incomplete(f"The superpower's template is incomplete: {names} is missing", details)


def claimed_hashtag(organization: Organization, given: Superpower, expanded: Superpower) -> str | None:
    """Return the lookup hashtag that a superpower occupies; None for one that lives under its template's hashtag.

    A reference that says another hashtag than its template occupies that one. Raises Conflict when it belongs to a
    template, Invalid when it is too long to be one.
    """
    own = normalize_hashtag(str(given.get("hashtag") or ""))
    if not own:
        return None
    if len(own) > LOOKUP_LENGTH:
        raise Invalid(f"A hashtag has up to {LOOKUP_LENGTH} characters")
    holder = SuperpowerTemplate.objects.filter(organization=organization, lookup_hashtag=own).first()
    if holder is None:
        return own
    if str(holder.pk) == expanded.get("creativeTemplateId"):
        return None
    raise Conflict("Hashtag already in use")


def _template(organization: Organization, template_id: str) -> SuperpowerTemplate:
    try:
        found = SuperpowerTemplate.objects.filter(organization=organization, pk=UUID(template_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise Invalid("Unknown creativeTemplateId")
    return found


def _missing_conditions(superpower: Superpower) -> list[list[str | int]]:
    groups = superpower.get("conditionGroups")
    missing: list[list[str | int]] = [["conditionalTemplateType"]] * (not superpower.get("conditionalTemplateType"))
    if not groups or not isinstance(groups, list):
        return [*missing, ["conditionGroups"]]
    silent = [
        index
        for index, group in enumerate(groups)
        if not (isinstance(group, dict) and (group.get("publicReplies") or group.get("privateReplies")))
    ]
    return missing + [["conditionGroups", index, "publicReplies"] for index in silent]


def _dotted(path: list[str | int]) -> str:
    return ".".join(str(item) for item in path)


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
    check_complete(document)
    written = template or SuperpowerTemplate(organization=organization)
    written.name = str(document["name"])
    written.document = document
    written.lookup_hashtag = normalize_hashtag(str(document["hashtag"]))
    try:
        with transaction.atomic():
            written.save()
            audit_log.record(
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
