"""The row writer and the declared serializer return the same JSON for every row."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from posts.api.serializers import PublishedPostSerializer
from posts.models import Channel, PublishedPost
from tests.helpers import SignedClient

texts = st.sampled_from(["\u2028\u2029", "%s", '"\\/']) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60
)
counts = st.none() | st.integers(0, 2**63 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
posts = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["POST", "REEL", "STORY"]),
        "published_at": st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        **{name: st.none() | texts for name in ("caption", "media_url", "thumbnail_url", "permalink")},
        "media_type": st.none() | st.sampled_from(["IMAGE", "VIDEO", "CAROUSEL", "TEXT"]),
        **dict.fromkeys(("likes", "comments", "shares"), counts),
        "scheduled_post_id": st.none() | st.uuids(),
        "reactions": st.none() | st.dictionaries(texts, counts, max_size=4),
        "superpower": st.none() | st.dictionaries(texts, values, max_size=4),
    }
)


def listed(api: SignedClient, channel: Channel, rows: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    """Store the posts alone; return them as listed, and as the declared serializer has them."""
    PublishedPost.objects.all().delete()
    PublishedPost.objects.bulk_create(
        PublishedPost(organization_id=channel.organization_id, channel=channel, platform_id=f"{number}\u2028é", **row)
        for number, row in enumerate(rows)
    )
    stored = PublishedPost.objects.select_related("channel").order_by("-published_at", "-platform_id")
    answer = api.get("/posts")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.content, JSONRenderer().render(PublishedPostSerializer(stored, many=True).data)


generously = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(rows=st.lists(posts, max_size=4))
@generously
def test_the_same_members_in_the_same_order_with_the_same_values(
    api: SignedClient, facebook: Channel, rows: list[dict[str, Any]]
) -> None:
    fast, declared = listed(api, facebook, rows)
    # Serialized again, because databases format JSON differently, and some write 1.5e-10 out.
    assert json.dumps(json.loads(fast)) == json.dumps(json.loads(declared))


@given(rows=st.lists(posts, max_size=4))
@generously
def test_the_same_bytes_where_no_column_is_json(
    api: SignedClient, facebook: Channel, rows: list[dict[str, Any]]
) -> None:
    fast, declared = listed(api, facebook, [{**row, "reactions": None, "superpower": {}} for row in rows])
    assert fast == declared


@pytest.mark.parametrize("power", [{}, [], "text", 0, False, {"a": {"b": [0.1, 10**40, "\u2028"]}}])
def test_any_json_goes_out_unharmed(api: SignedClient, facebook: Channel, power: Any) -> None:
    fast, _ = listed(api, facebook, [{"superpower": power, "published_at": datetime(2026, 7, 1, tzinfo=UTC)}])
    assert json.loads(fast)[0]["superpower"] == power
