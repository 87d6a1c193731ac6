"""Superpowers: expanding references to templates, validating inline ones, claiming hashtags, writing templates."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Incomplete, Invalid
from accounts.json_leaves import Path, changed_leaves
from accounts.models import Organization
from posts.models import Channel, SuperpowerTemplate

Superpower = dict[str, Any]
LOOKUP_LENGTH = 200  # of the columns


class HashtagInUse(Conflict):
    """The organization uses the hashtag elsewhere, or a request uses it twice."""

    default_code = "superpower.hashtag_in_use"

    def __init__(self) -> None:
        super().__init__("Hashtag already in use")


def normalize_hashtag(hashtag: str) -> str:
    """Return the form for comparisons: without `#` and white space around it, NFC, case-folded."""
    shown = "".join(item for item in unicodedata.normalize("NFKC", hashtag) if not _is_ignored(item))
    bare = shown.strip().lstrip("#").strip()
    return unicodedata.normalize("NFC", bare.casefold())


def _is_ignored(character: str) -> bool:
    """Whether the character is not seen in a hashtag: controls, format characters, variation selectors, fillers."""
    return (
        unicodedata.category(character) in {"Cc", "Cf"}
        or character in "\u034f\u115f\u1160"
        or ("\ufe00" <= character <= "\ufe0f")
    )


def expand(organization: Organization, given: Superpower) -> Superpower:
    """Return a copy of an inline superpower; of a reference its template with the given fields. Raises Invalid."""
    if not given.get("creativeTemplateId"):
        expanded = dict(given)
    else:
        template = _get_template(organization, str(given["creativeTemplateId"]))
        identity = {"creativeTemplateId": str(template.pk), "creativeTemplateName": template.name}
        expanded = {**template.document, **given, **identity}
    if "lookupHashtag" in expanded:
        expanded["lookupHashtag"] = normalize_hashtag(str(expanded.get("hashtag") or ""))
    return expanded


def check_complete(superpower: Superpower) -> None:
    """Raise Incomplete with every missing field of an inline superpower. References are not checked.

    Required: `name`, `hashtag`, `templateType`; for CONDITIONAL also `conditionalTemplateType`, and groups with a reply
    each.
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


def claimed_hashtag(
    organization: Organization, given: Superpower, expanded: Superpower, held: Collection[str | None] = ()
) -> str | None:
    """Return the lookup hashtag that the superpower claims, None for one that uses its template's hashtag.

    A reference with another hashtag than its template's claims that one. `held` are those of the post before. Raises
    Conflict when the hashtag is not one of them and belongs to another template, Invalid when it is too long.
    """
    lookup_hashtag = normalize_hashtag(str(given.get("hashtag") or ""))
    if not lookup_hashtag:
        return None
    if len(lookup_hashtag) > LOOKUP_LENGTH:
        raise _invalid("hashtag", f"A hashtag has up to {LOOKUP_LENGTH} characters", "superpower.hashtag_length")
    template = SuperpowerTemplate.objects.filter(organization=organization, lookup_hashtag=lookup_hashtag).first()
    if template is None or lookup_hashtag in held:
        return lookup_hashtag
    if str(template.pk) == expanded.get("creativeTemplateId"):
        return None
    raise HashtagInUse


def templates_of(superpowers: Iterable[Any]) -> dict[str, SuperpowerTemplate]:
    """Return by id the existing templates that the superpowers refer to. One query, none without a reference."""
    ids = {pk for superpower in superpowers if (pk := _parse_uuid(_template_id(superpower)))}
    return {str(template.pk): template for template in SuperpowerTemplate.objects.filter(pk__in=ids)} if ids else {}


def template_of(
    superpower: Any, organization_id: UUID, templates: Mapping[str, SuperpowerTemplate]
) -> SuperpowerTemplate | None:
    """Return the template in `templates` that the superpower refers to; None for one of another organization."""
    template = templates.get(_template_id(superpower))
    return template if template is not None and template.organization_id == organization_id else None


def deviations(superpower: Superpower, template: SuperpowerTemplate) -> dict[Path, tuple[str | None, str | None]]:
    """Return the values that differ from the template as it is now, by path: the template's and the superpower's."""
    differences = changed_leaves(template.as_wire(), superpower)
    derived = normalize_hashtag(str(superpower.get("hashtag") or ""))
    return {
        path: pair
        for path, pair in differences.items()
        if path != ("creativeTemplateId",) and not (path == ("lookupHashtag",) and pair[1] in {None, derived})
    }


def _template_id(superpower: Any) -> str:
    return str(superpower.get("creativeTemplateId") or "") if isinstance(superpower, dict) else ""


def _parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _get_template(organization: Organization, template_id: str) -> SuperpowerTemplate:
    pk = _parse_uuid(template_id)
    template = SuperpowerTemplate.objects.filter(organization=organization, pk=pk).first() if pk else None
    if template is None:
        raise _invalid("creativeTemplateId", "Unknown creativeTemplateId", "superpower.unknown_template")
    return template


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(message, [{"path": ["superpower", field], "message": message, "code": code}])


def _missing_conditions(superpower: Superpower) -> list[list[str | int]]:
    missing: list[list[str | int]] = []
    if not superpower.get("conditionalTemplateType"):
        missing.append(["conditionalTemplateType"])
    groups = superpower.get("conditionGroups")
    if not groups or not isinstance(groups, list):
        return [*missing, ["conditionGroups"]]
    for index, group in enumerate(groups):
        if not isinstance(group, dict) or not (group.get("publicReplies") or group.get("privateReplies")):
            missing.append(["conditionGroups", index, "publicReplies"])
    return missing


def _dotted(path: list[str | int]) -> str:
    return ".".join(str(item) for item in path)


def write(
    actor: Actor, *, organization: Organization, document: Superpower, template: SuperpowerTemplate | None = None
) -> SuperpowerTemplate:
    """Create a template, or replace the document of `template`; return it. Records the audit event.

    `document` has no template fields. Posts that were written with the template keep their copy. Raises Incomplete for
    a missing field, Conflict when another template, or a scheduled post, of the organization has the hashtag.
    """
    check_complete(document)
    template = template or SuperpowerTemplate(organization=organization)
    lookup_hashtag = normalize_hashtag(str(document["hashtag"]))
    if lookup_hashtag != template.lookup_hashtag and _is_claimed(organization, lookup_hashtag):
        raise HashtagInUse
    template.name = str(document["name"])
    template.document = document
    template.lookup_hashtag = lookup_hashtag
    try:
        with transaction.atomic():
            template.save()
            audit_log.record(
                actor,
                "superpower.write",
                organization_id=organization.pk,
                subject=f"superpower:{template.pk}",
                name=template.name,
                document=document,
            )
    except IntegrityError as error:
        raise HashtagInUse from error
    return template


def _is_claimed(organization: Organization, lookup_hashtag: str) -> bool:
    """Whether a delivery of a scheduled post has the hashtag: `deliveries` is the relation of another app."""
    claims = {"deliveries__organization": organization, "deliveries__lookup_hashtag": lookup_hashtag}
    return Channel.objects.filter(**claims).exists()
