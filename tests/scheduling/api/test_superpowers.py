"""Superpowers on scheduled posts: by reference, inline, and the hashtags that they occupy."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from accounts.domain.actors import user_actor
from accounts.models import Organization
from posts.domain import superpowers
from posts.domain.superpowers import HashtagInUse
from posts.models import Channel, SuperpowerTemplate
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import CHANNEL, SUPERPOWER, powered

IN_USE = (409, {"message": "Hashtag already in use", "code": "superpower.hashtag_in_use"})


@pytest.fixture
def template(organization: Organization) -> SuperpowerTemplate:
    return SuperpowerTemplate.objects.create(
        organization=organization,
        name="House greeter",
        lookup_hashtag="house",
        document={**SUPERPOWER, "hashtag": "#House"},
    )


def create(api: SignedClient, superpower: Any) -> Any:
    return api.post("/scheduled-posts", powered(superpower))


def stored(answer: Any) -> Any:
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()["mediumsData"][CHANNEL]["superpower"]


def named(hashtag: str) -> dict[str, Any]:
    return {"name": "Greeter", "hashtag": hashtag, "templateType": "GENERAL"}


@pytest.mark.usefixtures("facebook")
def test_the_inline_superpower_of_the_contract_is_accepted_and_returned(api: SignedClient) -> None:
    answer = create(api, SUPERPOWER)
    assert (answer.status_code, stored(answer)) == (201, SUPERPOWER)


@pytest.mark.usefixtures("facebook")
def test_the_same_without_values_is_refused_at_its_path(api: SignedClient, anything_stored) -> None:
    before = anything_stored()
    empty = copy.deepcopy(SUPERPOWER)
    empty["conditionGroups"][0]["conditions"][0]["values"] = []
    answer = create(api, empty)
    error = {
        "message": '"values" must contain at least 1 items',
        "path": ["channels", CHANNEL, "superpower", "conditionGroups", 0, "conditions", 0, "values"],
        "type": "array.min",
        "context": {"label": "values", "key": "values", "limit": 1},
    }
    assert (answer.status_code, answer.json()) == (422, {"error": [error]})
    assert anything_stored() == before


@pytest.mark.usefixtures("facebook")
def test_unknown_fields_are_kept_and_returned_at_every_level(api: SignedClient) -> None:
    power = copy.deepcopy(SUPERPOWER)
    group = power["conditionGroups"][0]
    extra = {"new": [1, 2.5, None, {"a": True}], "": "blank key"}
    for level in (power, group, group["conditions"][0], group["publicReplies"][0]):
        level["theirs"] = extra
    group["conditions"][0]["userProperty"] = extra
    group["publicReplies"][0]["redirects"] = [{"text": "Menu", "theirs": extra}]
    assert stored(create(api, power)) == power


@pytest.mark.usefixtures("facebook")
@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda power: power.pop("name"), "name"),
        (lambda power: power.pop("hashtag"), "hashtag"),
        (lambda power: power.pop("templateType"), "templateType"),
        (lambda power: power.pop("conditionalTemplateType"), "conditionalTemplateType"),
        (lambda power: power.pop("conditionGroups"), "conditionGroups"),
        (lambda power: power.update(conditionGroups=[]), "conditionGroups"),
        (lambda power: power["conditionGroups"][0].update(publicReplies=[]), "conditionGroups.0.publicReplies"),
    ],
)
def test_what_an_inline_superpower_lacks_is_named_on_drafts_too(
    api: SignedClient, change: Callable[[Any], Any], missing: str, anything_stored
) -> None:
    before = anything_stored()
    power = copy.deepcopy(SUPERPOWER)
    change(power)
    answer = create(api, power)
    assert answer.status_code == 422
    assert answer.json()["message"] == f"The superpower's template is incomplete: {missing} is missing"
    assert anything_stored() == before


def test_what_superpowers_lack_is_named_for_every_channel(api: SignedClient, facebook, instagram) -> None:
    channels = {
        item.public_id: {"mediumType": item.type, "superpower": {"name": "Greeter", "templateType": "GENERAL"}}
        for item in (facebook, instagram)
    }
    answer = api.post("/scheduled-posts", {"channels": channels})
    assert answer.status_code == 422
    paths = [detail["path"] for detail in answer.json()["details"]]
    assert paths == [["channels", item.public_id, "superpower", "hashtag"] for item in (facebook, instagram)]


@pytest.mark.usefixtures("facebook")
def test_a_reference_is_stored_expanded_and_inline_rules_are_not_enforced(
    api: SignedClient, template: SuperpowerTemplate
) -> None:
    identity = {"creativeTemplateId": str(template.pk), "creativeTemplateName": "House greeter"}
    answer = create(api, {"creativeTemplateId": str(template.pk), "conditionGroups": []})
    assert stored(answer) == {**SUPERPOWER, "hashtag": "#House", "conditionGroups": [], **identity}


@pytest.mark.usefixtures("facebook")
def test_a_template_serves_many_posts(api: SignedClient, template: SuperpowerTemplate) -> None:
    reference = {"creativeTemplateId": str(template.pk)}
    first = create(api, reference)
    assert [first.status_code, create(api, reference).status_code] == [201, 201]
    # What comes out may go in again: the expanded object is still the same reference.
    again = api.patch(f"/scheduled-posts/{first.json()['id']}", powered(stored(first)))
    assert stored(again) == stored(first)


@pytest.mark.usefixtures("facebook")
@pytest.mark.parametrize(
    ("superpower", "field", "code"),
    [
        ({"creativeTemplateId": "nonsense"}, "creativeTemplateId", "superpower.unknown_template"),
        (
            {"creativeTemplateId": "8d4f6a0c-1f0e-4f43-9d5e-3f7e3b1c9a10"},
            "creativeTemplateId",
            "superpower.unknown_template",
        ),
        (named("\ufdfa" * 100), "hashtag", "superpower.hashtag_length"),  # 1,800 characters in its compared form
    ],
)
def test_superpower_that_is_refused_is_the_same_violation_in_validate(
    api: SignedClient, superpower: Any, field: str, code: str
) -> None:
    answer = create(api, superpower)
    (detail,) = answer.json()["details"]
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, code, detail["message"])
    assert (detail["path"], detail["code"]) == (["channels", CHANNEL, "superpower", field], code)
    assert detail in api.post("/scheduled-posts/validate", powered(superpower)).json()["violations"]


@pytest.mark.usefixtures("facebook")
@pytest.mark.parametrize("spelling", ["myuniquehashtag", "#MyUniqueHashtag", " ##MYUNIQUEHASHTAG "])
def test_a_hashtag_belongs_to_one_post_however_it_is_spelt(api: SignedClient, spelling: str, anything_stored) -> None:
    create(api, SUPERPOWER)
    before = anything_stored()
    answer = create(api, named(spelling))
    assert (answer.status_code, answer.json()) == IN_USE
    assert anything_stored() == before


@pytest.mark.usefixtures("facebook")
def test_a_templates_hashtag_is_taken(api: SignedClient, template: SuperpowerTemplate) -> None:
    answer = create(api, named("HOUSE"))
    assert (answer.status_code, answer.json()) == IN_USE


@pytest.mark.usefixtures("facebook")
def test_template_takes_no_hashtag_of_a_post_of_the_organization(
    api: SignedClient, organization: Organization, other_organization: Organization, author
) -> None:
    stored(create(api, named("Summer")))
    with pytest.raises(HashtagInUse):
        superpowers.write(user_actor(author), organization=organization, document=named("#summer"))
    assert not SuperpowerTemplate.objects.exists()
    superpowers.write(user_actor(author), organization=other_organization, document=named("#summer"))


@pytest.mark.usefixtures("facebook")
def test_post_whose_hashtag_a_template_has_too_can_be_edited(api: SignedClient, template: SuperpowerTemplate) -> None:
    first = create(api, named("Summer"))
    SuperpowerTemplate.objects.update(lookup_hashtag="summer")
    edited = api.patch(f"/scheduled-posts/{first.json()['id']}", powered({**named("Summer"), "name": "Other"}))
    assert stored(edited)["name"] == "Other"
    assert create(api, named("Summer")).status_code == 409


@pytest.mark.usefixtures("facebook")
def test_a_hashtag_twice_in_one_request_is_refused(api: SignedClient, instagram: Channel, anything_stored) -> None:
    before = anything_stored()
    channels = {
        CHANNEL: {"mediumType": "FB_PAGE", "superpower": named("#sun")},
        instagram.public_id: {"mediumType": "INSTAGRAM_ACCOUNT", "superpower": named("Sun")},
    }
    answer = api.post("/scheduled-posts", {"channels": channels})
    assert (answer.status_code, answer.json()) == IN_USE
    assert anything_stored() == before


@pytest.mark.usefixtures("facebook")
def test_patch_keeps_the_posts_own_hashtag(api: SignedClient) -> None:
    post = create(api, SUPERPOWER).json()["id"]
    answer = api.patch(f"/scheduled-posts/{post}", powered({**SUPERPOWER, "name": "Renamed"}))
    assert stored(answer)["name"] == "Renamed"


@pytest.mark.usefixtures("facebook")
def test_hashtag_is_free_after_its_removal(api: SignedClient) -> None:
    first = create(api, SUPERPOWER).json()["id"]
    second = create(api, named("other")).json()["id"]
    answer = api.patch(f"/scheduled-posts/{second}", powered(SUPERPOWER))
    assert (answer.status_code, answer.json()) == IN_USE
    assert stored(api.patch(f"/scheduled-posts/{first}", powered(None))) is None
    assert stored(api.patch(f"/scheduled-posts/{second}", powered(SUPERPOWER))) == SUPERPOWER
    api.delete(f"/scheduled-posts/{second}")
    assert create(api, SUPERPOWER).status_code == 201


@pytest.mark.usefixtures("facebook")
def test_two_organizations_may_have_the_same_hashtag(
    api: SignedClient, other_api: SignedClient, other_facebook: Channel
) -> None:
    create(api, SUPERPOWER)
    channels = {other_facebook.public_id: {"mediumType": "FB_PAGE", "superpower": SUPERPOWER}}
    assert other_api.post("/scheduled-posts", {"channels": channels}).status_code == 201
