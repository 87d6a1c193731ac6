"""Property tests: any signed request is answered as the contract says, never with 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posts.models import Channel
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import CHANNEL, DRAFT, SUPERPOWER

EXPECTED = {200, 201, 400, 404, 409, 412, 413, 415, 422}

TEXTS = st.text(alphabet=st.characters(codec=None), max_size=12) | st.sampled_from(
    ["", " ", "\x00", "\ud800", "POST", "DRAFT", "https://[", "http://127.1/", "2026-07-01T13:00:00Z", "#" * 9, CHANNEL]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a JSON value."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [here, *(path for key, item in below for path in paths(item, (*here, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """Return the JSON value with the value at `path` replaced."""
    if not path:
        return by
    items = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    items[path[0]] = replaced(items[path[0]], path[1:], by)
    return items if isinstance(value, dict) else list(items.values())


WHOLE: dict[str, Any] = {
    **DRAFT,
    "type": "POST",
    "altText": "A sunset",
    "isAiGenerated": False,
    "channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "Hello", "superpower": SUPERPOWER}},
}
SEVERAL: dict[str, Any] = {
    "mediaItems": [{"url": DRAFT["media"], "mediaType": "IMAGE", "altText": "A sunset"}, {"url": DRAFT["media"]}],
    **{name: value for name, value in WHOLE.items() if name not in {"media", "mediaType", "altText"}},
}
NEARLY = st.one_of(
    st.builds(replaced, st.just(whole), st.sampled_from(paths(whole)), ANYTHING) for whole in (WHOLE, SEVERAL)
)
FIELDS = st.dictionaries(st.sampled_from([*WHOLE, "mediaItems", "notes", "version"]), ANYTHING, max_size=4)
STEPS = ["", "/submit-for-approval", "/reject", "/revert", "/approve"]
bounded = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _unlimited(settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 0


def assert_contract_answer(answer: Any) -> None:
    assert answer.status_code in EXPECTED | {403}, answer.content
    body = answer.json()
    if answer.status_code == 422:
        assert list(body) == ["error"] or "message" in body
    elif answer.status_code >= 400:
        assert isinstance(body["message"], str)
        assert body["code"]


@bounded
@given(body=NEARLY | FIELDS | ANYTHING)
def test_creating(body, api: SignedClient, facebook: Channel) -> None:
    assert_contract_answer(api.post("/scheduled-posts", body))


@bounded
@given(body=NEARLY | FIELDS, step=st.sampled_from(STEPS), tag=st.text(alphabet='W/"12,* x', max_size=6))
def test_changing(body, step: str, tag: str, api: SignedClient, make_waiting) -> None:
    post = make_waiting()
    answer = api.call("POST" if step else "PATCH", f"/scheduled-posts/{post.pk}{step}", body, headers={"If-Match": tag})
    assert_contract_answer(answer)


def test_the_latest_possible_time_is_accepted(api: SignedClient, facebook: Channel) -> None:
    answer = api.post("/scheduled-posts", {**DRAFT, "scheduledFor": "2999-12-31T23:59:59.999999Z"})
    assert answer.json()["scheduledFor"] == "2999-12-31T23:59:59.999Z"
