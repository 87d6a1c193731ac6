"""References, inline superpowers, and the hashtags that they occupy."""

# ruff: noqa: RUF001  full-width letters are what is tested

from typing import Any

import pytest

from accounts.exceptions import Conflict, Incomplete, Invalid
from accounts.models import Organization
from posts.domain.superpowers import check_complete, claimed_hashtag, expand, normalize_hashtag
from posts.models import SuperpowerTemplate

INLINE = {"name": "Greeter", "hashtag": "#Summer", "templateType": "GENERAL"}
GROUP = {"name": "everyone", "publicReplies": [{"scope": "PUBLIC", "text": "Thanks!"}]}
CONDITIONAL = {
    **INLINE,
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "conditionGroups": [GROUP],
}


@pytest.fixture
def template(organization: Organization) -> SuperpowerTemplate:
    return SuperpowerTemplate.objects.create(
        organization=organization, name="Greeter", lookup_hashtag="greet", document={**CONDITIONAL, "hashtag": "Greet"}
    )


@pytest.mark.parametrize(
    ("hashtag", "compared"),
    [
        ("#Summer", "summer"),
        (" ##SUMMER ", "summer"),
        ("Stra\u00dfe", "strasse"),
        ("Cafe\u0301", "caf\u00e9"),
        ("ΜΆΙΟΣ", "μάιοσ"),
        ("#", ""),
        ("a#b", "a#b"),
        ("＃Summer", "summer"),
        ("﹟ＳＵＭＭＥＲ", "summer"),
        ("#sum\u200bmer\ufe0f", "summer"),
        ("ﬁn", "fin"),
    ],
)
def test_hashtags_are_compared_without_sign_case_or_form_a23(hashtag: str, compared: str) -> None:
    assert normalize_hashtag(hashtag) == compared


def test_an_inline_superpower_expands_to_itself_unknown_fields_included(organization: Organization) -> None:
    given = {**CONDITIONAL, "theirs": {"deep": [1, None]}}
    assert expand(organization, given) == given


def test_a_reference_expands_to_its_template_overlaid_by_what_was_given(
    organization: Organization, template: SuperpowerTemplate
) -> None:
    given = {"creativeTemplateId": str(template.pk).upper(), "name": "Mine", "creativeTemplateName": "forged", "x": 1}
    assert expand(organization, given) == {
        **CONDITIONAL,
        "hashtag": "Greet",
        "name": "Mine",
        "x": 1,
        "creativeTemplateId": str(template.pk),
        "creativeTemplateName": "Greeter",
    }


@pytest.mark.parametrize("template_id", ["0b4e5a52-98f1-4d0c-9f3e-6d1c5b7a9e10", "nonsense", "\u0661" * 32])
def test_an_unknown_template_is_refused(organization: Organization, template_id: str) -> None:
    with pytest.raises(Invalid, match=r"^Unknown creativeTemplateId$"):
        expand(organization, {"creativeTemplateId": template_id})


def test_another_organizations_template_is_unknown(
    other_organization: Organization, template: SuperpowerTemplate
) -> None:
    with pytest.raises(Invalid, match=r"^Unknown creativeTemplateId$"):
        expand(other_organization, {"creativeTemplateId": str(template.pk)})


def test_a_lookup_hashtag_that_a_client_sends_is_corrected(organization: Organization) -> None:
    assert expand(organization, {**INLINE, "lookupHashtag": "forged"})["lookupHashtag"] == "summer"


@pytest.mark.parametrize(
    ("superpower", "missing"),
    [
        ({}, ["name", "templateType", "hashtag"]),
        ({**INLINE, "name": "", "hashtag": "# "}, ["name", "hashtag"]),
        ({**INLINE, "templateType": "CONDITIONAL"}, ["conditionalTemplateType", "conditionGroups"]),
        ({**CONDITIONAL, "conditionGroups": []}, ["conditionGroups"]),
        (
            {**CONDITIONAL, "conditionGroups": [GROUP, {"publicReplies": [], "privateReplies": []}]},
            ["conditionGroups.1.publicReplies"],
        ),
        ({**CONDITIONAL, "conditionGroups": [None, "group"]}, [f"conditionGroups.{at}.publicReplies" for at in (0, 1)]),
        ({**CONDITIONAL, "conditionGroups": {"a": GROUP}}, ["conditionGroups"]),
    ],
)
def test_what_an_inline_superpower_lacks_is_named(superpower: dict[str, Any], missing: list[str]) -> None:
    with pytest.raises(Incomplete) as refusal:
        check_complete(superpower)
    assert refusal.value.message == f"The superpower's template is incomplete: {', '.join(missing)} is missing"
    assert [".".join(map(str, detail["path"])) for detail in refusal.value.details] == [
        f"superpower.{item}" for item in missing
    ]


@pytest.mark.parametrize(
    "superpower",
    [
        INLINE,
        CONDITIONAL,
        {**CONDITIONAL, "conditionGroups": [{"privateReplies": [{"text": "Hi"}]}]},
        {"creativeTemplateId": "any", "templateType": "CONDITIONAL"},
    ],
)
def test_a_complete_superpower_and_a_reference_pass(superpower: dict[str, Any]) -> None:
    check_complete(superpower)


@pytest.mark.parametrize(
    ("change", "occupied"),
    [({}, None), ({"hashtag": "#GREET"}, None), ({"hashtag": "#Other"}, "other"), ({"hashtag": "#"}, None)],
)
def test_a_reference_occupies_a_hashtag_only_when_it_names_another_than_its_templates(
    organization: Organization, template: SuperpowerTemplate, change: dict[str, Any], occupied: str | None
) -> None:
    given = {"creativeTemplateId": str(template.pk), **change}
    assert claimed_hashtag(organization, given, expand(organization, given)) == occupied


def test_an_inline_superpower_occupies_its_hashtag(organization: Organization) -> None:
    assert claimed_hashtag(organization, INLINE, INLINE) == "summer"


def test_a_templates_hashtag_is_taken_within_its_organization(
    organization: Organization, other_organization: Organization, template: SuperpowerTemplate
) -> None:
    clashing = {**INLINE, "hashtag": "GREET"}
    with pytest.raises(Conflict, match=r"^Hashtag already in use$"):
        claimed_hashtag(organization, clashing, clashing)
    assert claimed_hashtag(other_organization, clashing, clashing) == "greet"


def test_a_hashtag_that_does_not_fit_is_refused(organization: Organization) -> None:
    with pytest.raises(Invalid, match=r"^A hashtag has up to 200 characters$"):
        claimed_hashtag(organization, {**INLINE, "hashtag": "ß" * 101}, INLINE)
