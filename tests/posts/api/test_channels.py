"""GET /channels and GET /superpowers."""

import pytest

from accounts.models import Organization
from posts.models import Channel, SuperpowerTemplate
from tests.helpers import SignedClient

pytestmark = pytest.mark.embedded


def add(organization: Organization, number: int, name: str, state: str = "CONNECTED") -> Channel:
    return Channel.objects.create(
        organization=organization,
        public_id=f"FB_PAGE_{number}",
        type="FB_PAGE",
        platform_id=str(number),
        name=name,
        token_encrypted="sealed",
        state=state,
    )


def test_channels_come_by_name_then_id_with_three_fields(
    api: SignedClient, facebook: Channel, instagram: Channel, other_facebook: Channel, organization: Organization
) -> None:
    add(organization, 2, "Adega")
    add(organization, 1, "Adega")
    answer = api.get("/channels")
    assert (answer.status_code, answer.headers.get("Link"), answer.json()) == (
        200,
        None,
        [
            {"id": "FB_PAGE_1", "type": "FB_PAGE", "name": "Adega"},
            {"id": "FB_PAGE_2", "type": "FB_PAGE", "name": "Adega"},
            {"id": facebook.public_id, "type": "FB_PAGE", "name": "Casa do Sol"},
            {"id": instagram.public_id, "type": "INSTAGRAM_ACCOUNT", "name": "casadosol"},
        ],
    )


def test_disconnected_channels_are_left_out_and_troubled_ones_are_not(
    api: SignedClient, organization: Organization
) -> None:
    for number, state in enumerate(["CONNECTED", "NEEDS_RECONNECT", "BLOCKED", "DISCONNECTED"]):
        add(organization, number, state, state)
    assert [item["name"] for item in api.get("/channels").json()] == ["BLOCKED", "CONNECTED", "NEEDS_RECONNECT"]


@pytest.mark.parametrize("path", ["/channels", "/superpowers"])
def test_a_wrong_limit_is_refused(api: SignedClient, path: str) -> None:
    answer = api.get(f"{path}?limit=0")
    assert (answer.status_code, answer.json()["error"][0]["type"]) == (422, "number.min")


def test_superpowers_are_whole_objects_with_their_template(
    api: SignedClient, organization: Organization, other_organization: Organization
) -> None:
    document = {"name": "Greeter", "hashtag": "#Sun", "templateType": "GENERAL", "theirs": {"a": 1}}
    made = {
        name: SuperpowerTemplate.objects.create(
            organization=owner, name=name, lookup_hashtag=name.lower(), document=document
        )
        for name, owner in (("Bravo", organization), ("Alpha", organization), ("Foreign", other_organization))
    }
    answer = api.get("/superpowers")
    assert (answer.status_code, answer.json()) == (
        200,
        [
            {**document, "creativeTemplateId": str(made[name].pk), "creativeTemplateName": name}
            for name in ("Alpha", "Bravo")
        ],
    )
