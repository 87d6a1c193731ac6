"""Everything that an approval covers is on the review page and on the confirmation page of a bulk approval."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from accounts.domain import actors
from accounts.json_leaves import json_leaves
from accounts.models import Organization, User
from posts.admin.superpower_description import describe_in_full
from posts.domain import superpowers
from posts.models import Channel, SuperpowerTemplate
from scheduling.domain.content import approved_content, unpublished_deliveries
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.models import ScheduledPost
from tests.helpers import AdminClient
from tests.scheduling.api.test_any_input import paths, replaced
from tests.scheduling.api.vectors import SUPERPOWER
from tests.shown_text import compact, shown_text

# The superpower of case A4: a message without a text whose button leads elsewhere.
HIDDEN: dict[str, Any] = {
    **SUPERPOWER,
    "caption": "A caption inside",
    "x-unknown": {"deep": ["an unknown leaf", {"a b": "https://unknown.example/"}]},
    "conditionGroups": [
        {
            "conditions": [{"conditionType": "USER_ACTION", "values": ["any"], "aiValues": ["a guess"]}],
            "publicReplies": [{"text": "Thank you!", "mediaUrl": "https://pictures.example/p.jpg"}],
            "privateReplies": [
                {
                    "text": "",
                    "media": {"id": "media-4711"},
                    "redirects": [{"text": "Claim your prize", "url": "https://phish.example/login"}],
                }
            ],
        }
    ],
}
ODD = [
    "",
    "a\u202eb",
    "\u200b",
    "x\n\n\n\n\n\n\ny",
    "https://www.\u0430\u0440\u0440.com/x",
    "<b>&amp;",
    f"x{' ' * 40}y",
]
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"])
TEXTS = st.text(alphabet=CHARACTERS, max_size=30) | st.sampled_from(ODD)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
POWERS = st.builds(replaced, st.just(HIDDEN), st.sampled_from(paths(HIDDEN)[1:]), VALUES)


bounded = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def string_leaves(value: Any) -> set[str]:
    """Return the texts of a JSON value, the keys included."""
    leaves = json_leaves(value)
    keys = {step for path in leaves for step in path if isinstance(step, str)}
    return {text for text in keys | {leaf for leaf in leaves.values() if isinstance(leaf, str)} if compact(text)}


def missing(html: str, texts: set[str]) -> set[str]:
    shown = shown_text(html)
    return {text for text in texts if compact(text) not in shown}


@bounded
@given(power=POWERS, caption=TEXTS, referenced=st.booleans())
@example(power=HIDDEN, caption="Harmless", referenced=False)
@example(power=HIDDEN, caption="Harmless", referenced=True)
def test_page_shows_every_leaf_of_the_content_a4(
    power: dict[str, Any], caption: str, referenced: bool, make_draft, author: User, reviewer: User, facebook: Channel,
    organization: Organization,
) -> None:  # fmt: skip
    post = make_draft(channels=[facebook])
    if referenced:
        template = SuperpowerTemplate.objects.create(
            organization=organization, name="Trusted", lookup_hashtag=f"t{post.pk}", document=SUPERPOWER
        )
        power = {**power, "creativeTemplateId": str(template.pk), "creativeTemplateName": template.name}
    post.deliveries.update(caption=caption, superpower=power)  # also what the API would refuse
    html = AdminClient(reviewer).review(post).answer.content.decode()
    content = approved_content(post, unpublished_deliveries(post))
    assert missing(html, string_leaves(content)) == set()
    assert compact(caption) in shown_text(html, skipped=("covered",))


@bounded
@given(power=POWERS)
def test_description_has_every_unusual_value_a4(power: dict[str, Any]) -> None:
    described = describe_in_full(power, None)
    assert described is not None
    lines = [f"{line.label} {line.value}" for line in described.lines]
    texts = compact(" ".join([described.title, *described.sentences, *lines]))
    usual = {"USER_ACTION", "COMMENTED", "CONDITIONAL", "GENERAL", "PUBLIC"}
    for path, leaf in json_leaves(power).items():
        if isinstance(leaf, str) and leaf not in usual:
            assert compact(leaf) in texts, path


def test_changed_reference_lists_its_deviations_a4(
    make_waiting, author: User, reviewer: User, facebook: Channel, organization: Organization
) -> None:
    template = superpowers.write(actors.user_actor(author), organization=organization, document=SUPERPOWER)
    groups = [{"publicReplies": [{"text": "Write to +351 900"}]}]
    own = {"creativeTemplateId": str(template.pk), "conditionGroups": groups}
    changed = make_waiting(channels={facebook.public_id: ChannelText(facebook.type, "Olá", own)})
    site = AdminClient(reviewer).review(changed)
    assert "Differs from its template" in site.text
    html = site.answer.content.decode()
    assert "<del>Thanks, @[mention_user]!</del> <ins>Write to +351 900</ins>" in html
    assert "superpower differs from the template “Greeter”" in site.text

    plain = {"creativeTemplateId": str(template.pk)}
    same = make_waiting(channels={facebook.public_id: ChannelText(facebook.type, "Bom dia", plain)})
    text = AdminClient(reviewer).review(same).text
    assert "From the template “Greeter”, unchanged." in text
    assert "iffers from" not in text


def test_template_of_another_organization_is_not_shown(
    make_draft, other_organization: Organization, reviewer: User, facebook: Channel
) -> None:
    theirs = SuperpowerTemplate.objects.create(
        organization=other_organization, name="Rival's secret", lookup_hashtag="rival", document=SUPERPOWER
    )
    post = make_draft(channels=[facebook])
    post.deliveries.update(superpower={"creativeTemplateId": str(theirs.pk), "name": "Mine"})
    text = AdminClient(reviewer).review(post).text
    assert "Its template no longer exists." in text
    assert "Rival" not in text


def test_links_of_a_superpower_are_links_that_load_nothing_a4(make_draft, reviewer: User, facebook: Channel) -> None:
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, "Olá", HIDDEN)})
    html = AdminClient(reviewer).review(post).answer.content.decode()
    for url in ("https://phish.example/login", "https://pictures.example/p.jpg"):
        assert f'<a href="{url}" rel="noopener noreferrer nofollow" target="_blank">{url}</a>' in html
        assert f'src="{url}' not in html
    assert "Rule 1, private message 1, button 1: link" in html


@pytest.mark.parametrize("superpower", [[], "text", 5, {"conditionGroups": {"a": 1}}, {"conditionGroups": [[], None]}])
def test_odd_superpower_is_shown(superpower: Any, make_draft, reviewer: User, facebook: Channel) -> None:
    post = make_draft(channels=[facebook])
    ScheduledPost.objects.get(pk=post.pk).deliveries.update(superpower=superpower)
    html = AdminClient(reviewer).review(post).answer.content.decode()
    assert missing(html, string_leaves(superpower)) == set()


@pytest.mark.parametrize("text", [text for text in ODD if text])
def test_alternative_texts_are_shown_with_all_that_they_have(
    text: str, make_draft, reviewer: User, facebook: Channel
) -> None:
    """Also texts that the API would refuse, in the cards that a reviewer looks at."""
    address = "https://media.example.com/a.jpg"
    single = make_draft(channels=[facebook], alt_text=text)
    several = make_draft(channels=[facebook], media_items=[Medium(address, "IMAGE", text), Medium(address, "IMAGE")])
    for post in (single, several):
        html = AdminClient(reviewer).review(post).answer.content.decode()
        content = approved_content(post, unpublished_deliveries(post))
        assert missing(html, string_leaves(content)) == set()
        assert compact(text) in shown_text(html, skipped=("covered",))
