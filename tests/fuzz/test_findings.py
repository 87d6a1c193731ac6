"""What the fuzzers found, each as it was found; and that every target still stands on its seeds."""

import pytest

from posts.graph import comments, errors, responses
from tests.fuzz.names import NAMES
from tests.fuzz.targets import SEEDS, TARGETS

FOUND = {
    "a NUL in the platform's words": ("answer", rb'{"error":{"code":1,"message":"a\u0000b"}}'),
    "half of a pair in the platform's words": ("answer", rb'{"error":{"code":1,"message":"\ud800"}}'),
    "half of a pair in a comment's id": ("comment", rb'{"id":"\ud800"}'),
    "paging that is a number": ("comment", b'{"id":"1","replies":{"paging":5}}'),
    "a time before the calendar": ("comment", b'{"id":"1","created_time":"0001-01-01T00:00:00+2359"}'),
}


@pytest.mark.parametrize(("name", "data"), FOUND.values(), ids=FOUND.keys())
def test_what_was_found_stays_mended(name: str, data: bytes) -> None:
    TARGETS[name](data)


def test_every_target_is_named_and_stands_on_its_seeds() -> None:
    assert tuple(TARGETS) == NAMES == tuple(SEEDS)
    for name, seeds in SEEDS.items():
        for data in seeds:
            TARGETS[name](data)


def test_words_that_no_database_takes_are_kept_as_far_as_they_can_be() -> None:
    body = rb'{"error":{"code":190,"error_subcode":463,"message":"Se\u0000ssion \ud800ended"}}'
    with pytest.raises(errors.AuthFailed) as caught:
        responses.parse_response(400, {}, body, outward=True)
    assert str(caught.value) == "The access token has expired: Se\u2400ssion \ufffdended"


def test_a_comment_without_a_sensible_time_has_none() -> None:
    assert comments.facebook({"id": "1", "created_time": "0001-01-01T00:00:00+2359"}).created_at is None
