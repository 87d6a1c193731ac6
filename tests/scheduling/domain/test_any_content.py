"""Property tests: any content is stored or refused with a domain error."""

import json
from dataclasses import asdict
from datetime import UTC
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain import actors
from accounts.exceptions import Conflict, DomainError, Incomplete, Invalid
from accounts.models import ApiKey, Organization
from posts.domain import superpowers
from posts.models import Channel, PostType, SuperpowerTemplate
from scheduling.domain import content, drafts
from scheduling.domain.drafts import ChannelText
from scheduling.domain.representation import serialize_current
from scheduling.domain.validation import find_violations
from scheduling.models import Delivery, MediaType, ScheduledPost
from tests.scheduling.api.test_any_input import bounded, paths, replaced
from tests.scheduling.api.vectors import SUPERPOWER
from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK

pytestmark = pytest.mark.django_db
TEMPLATE = "7d1f6b0e-2f0c-4b8e-9a55-3f6f2a1c0d4e"
FAR = "1" * 300
SOUND = st.characters(codec="utf-8", exclude_characters="\x00")
TEXTS = st.text(alphabet=SOUND, max_size=12) | st.sampled_from(
    ["", " ", "#", "##Greeter ", "ﬁ", "İ", "https://[", "http://127.1/", "https://a.example/x.jpg", "x" * 300, TEMPLATE]
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(int(FAR))
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = [*SUPERPOWER, "creativeTemplateId", "creativeTemplateName", "lookupHashtag"]
POWERS: st.SearchStrategy[dict[str, Any]] = st.builds(
    replaced, st.just(SUPERPOWER), st.sampled_from(paths(SUPERPOWER)[1:]), ANYTHING
) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, st.just(TEMPLATE) | ANYTHING, max_size=4)
INSTANTS = st.datetimes(timezones=st.just(UTC))
POWERED = st.none() | POWERS | st.just(SUPERPOWER)
RIGHT = st.fixed_dictionaries(
    {},
    optional={
        item.public_id: st.builds(ChannelText, st.just(item.type), TEXTS, POWERED) for item in (FACEBOOK, INSTAGRAM)
    },
)
KEYS = st.sampled_from([FACEBOOK.public_id, OTHER_FACEBOOK.public_id]) | TEXTS
WRONG = st.dictionaries(KEYS, st.builds(ChannelText, TEXTS | st.just(FACEBOOK.type), TEXTS, POWERED), max_size=2)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(PostType.values),
        "media": st.none() | TEXTS,
        "media_type": st.none() | st.sampled_from(MediaType.values),
        "scheduled_for": st.none() | INSTANTS,
        "brief": st.none() | TEXTS,
        "channels": RIGHT | WRONG,
    },
)


@pytest.fixture
def template(organization: Organization) -> SuperpowerTemplate:
    return SuperpowerTemplate.objects.create(
        pk=TEMPLATE, organization=organization, name="Greeter", lookup_hashtag="greeter", document=SUPERPOWER
    )


def assert_domain_error(refusal: DomainError) -> None:
    assert isinstance(refusal, Invalid | Incomplete | Conflict)
    assert refusal.message
    json.dumps(refusal.details, allow_nan=False).encode()


@bounded
@given(power=POWERS)
def test_any_superpower_is_stored_or_refused(
    power: dict[str, Any], organization: Organization, template: SuperpowerTemplate
) -> None:
    try:
        whole = superpowers.expand(organization, power)
        superpowers.check_complete(whole)
        own = superpowers.claimed_hashtag(organization, power, whole)
    except DomainError as refusal:
        assert_domain_error(refusal)
        return
    json.dumps(whole, allow_nan=False).encode()
    assert own is None or own == superpowers.normalize_hashtag(own) != ""
    assert whole.get("creativeTemplateId") in {None, "", False, TEMPLATE} or whole.get("name")


@bounded
@given(first=CHANGES, then=CHANGES, submit=st.sampled_from([False, False, False, True]))
def test_any_content_is_stored_unchanged_or_refused(
    first, then, submit: bool, key: ApiKey, facebook: Channel, instagram: Channel, template
) -> None:
    with transaction.atomic():
        try:
            post = drafts.create(actors.api_key_actor(key), organization=key.organization, changes=first, submit=submit)
            json.dumps(serialize_current(post.organization_id, post.pk), allow_nan=False).encode()
            post = drafts.edit(actors.api_key_actor(key), post, changes=then)
        except DomainError as refusal:
            assert_domain_error(refusal)
        else:
            assert len(content.current_content(post)[1]) == 64
            wire = serialize_current(post.organization_id, post.pk)
            json.dumps(wire, allow_nan=False).encode()
            merged = {**first, **then}
            assert (wire["media"], wire["mediaType"]) == (merged.get("media"), merged.get("media_type"))
            assert set(wire["mediumsData"]) == set(merged.get("channels", {}))
        transaction.set_rollback(True)


@bounded
@given(
    media=st.none() | st.text(max_size=20) | st.from_regex(r"https?://[\[\]:.@%a-f0-9]{1,20}/", fullmatch=True),
    kind=st.none() | st.sampled_from(MediaType.values),
    instant=st.none() | INSTANTS,
    captions=st.lists(st.text() | st.just("#a @b " * 500), max_size=3),
    served=st.sampled_from(["image/jpeg", "image/png", "video/mp4", "", "text/html"]),
    measures=st.lists(st.none() | st.integers(min_value=0), min_size=3, max_size=3),
    post_type=st.sampled_from(PostType.values),
)
def test_any_violation_has_a_sentence(
    media, kind, instant, captions: list[str], served: str, measures: list[Any], post_type: str
) -> None:
    types = [FACEBOOK.type, INSTAGRAM.type, FACEBOOK.type]
    deliveries = [
        Delivery(channel=Channel(public_id=f"{types[at]}_{at}", type=types[at], name="Casa"), caption=text)
        for at, text in enumerate(captions)
    ]
    facts = {"contentType": served, **dict(zip(("size", "width", "height"), measures, strict=True))}
    post = ScheduledPost(type=post_type, media=media, media_type=kind, scheduled_for=instant, media_metadata=facts)
    violations = find_violations(post, deliveries)
    for item in violations:
        assert set(asdict(item)) == {"path", "message", "code"}
        assert item.message.strip()
        assert item.path[0] in {"scheduledFor", "media", "mediaType", "channels"}
    assert bool(violations) or (media and instant and captions)
