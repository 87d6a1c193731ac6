"""Invalid bodies are answered in the contract's envelope with every error, and nothing is stored."""

from typing import Any

import pytest

from posts.models import Channel
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import CHANNEL, powered

MALFORMED = {"message": '"value" must be valid JSON', "path": [], "type": "object.base", "context": {"label": "value"}}


@pytest.fixture(autouse=True)
def _nothing_stored(facebook: Channel, anything_stored: Any) -> Any:
    before = anything_stored()
    yield
    assert anything_stored() == before


def problems(answer: Any) -> list[tuple[list[str | int], str]]:
    assert answer.status_code == 422, answer.content
    assert list(answer.json()) == ["error"]
    for error in answer.json()["error"]:
        assert set(error) == {"message", "path", "type", "context"}
    return [(error["path"], error["type"]) for error in answer.json()["error"]]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"media": "a",}',
        b'{"media": NaN}',
        b'{"media": 1e999}',
        b"\xff\xfe{}",
        b'{"media": "\xc3\x28"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"media": ' + b"9" * 5_000 + b"}",
    ],
)
def test_invalid_json_is_one_error_with_an_empty_path(api: SignedClient, body: bytes) -> None:
    answer = api.post("/scheduled-posts", body=body)
    assert (answer.status_code, answer.json()) == (422, {"error": [MALFORMED]})


@pytest.mark.parametrize("body", [[], None, "text", 1, True])
def test_a_body_that_is_not_an_object_is_refused(api: SignedClient, body) -> None:
    assert problems(api.post("/scheduled-posts", body)) == [([], "object.base")]


def test_the_body_may_have_one_mebibyte_and_not_a_byte_more(api: SignedClient) -> None:
    frame = len(b'{"unknown": ""}')
    assert problems(api.post("/scheduled-posts", {"unknown": "x" * (1024 * 1024 - frame)})) == [
        (["unknown"], "object.unknown")
    ]
    answer = api.post("/scheduled-posts", {"unknown": "x" * (1024 * 1024 - frame + 1)})
    assert (answer.status_code, answer.json()) == (
        413,
        {"message": "The body is larger than 1 MiB", "code": "body.too_large"},
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(api: SignedClient, content_type: str) -> None:
    answer = api.post("/scheduled-posts", body=b"{}", content_type=content_type)
    assert (answer.status_code, list(answer.json())) == (415, ["message", "code"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "CAROUSEL"}, [(["type"], "any.only")]),
        ({"type": None}, [(["type"], "any.only")]),
        ({"type": ["POST"]}, [(["type"], "any.only")]),
        ({"status": "PUBLISHED"}, [(["status"], "any.only")]),
        ({"status": ""}, [(["status"], "any.only")]),
        ({"status": {}}, [(["status"], "any.only")]),
        ({"media": 1}, [(["media"], "string.base")]),
        ({"media": "x" * 2049}, [(["media"], "string.max")]),
        ({"mediaType": "CAROUSEL"}, [(["mediaType"], "any.only")]),
        ({"mediaType": 0}, [(["mediaType"], "any.only")]),
        ({"scheduledFor": 1_790_000_000}, [(["scheduledFor"], "string.base")]),
        ({"scheduledFor": "2026-07-01T13:00:00"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "2026-07-01"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "2026-02-30T13:00:00Z"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "2026-07-01T25:00:00Z"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "0001-01-01T00:00:00+14:00"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "9999-12-31T23:59:59-14:00"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "99999-01-01T00:00:00Z"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "tomorrow"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": "٢٠٢٦-07-01T13:00:00Z"}, [(["scheduledFor"], "string.isoDate")]),
        ({"scheduledFor": ""}, [(["scheduledFor"], "string.isoDate")]),
        ({"channels": []}, [(["channels"], "object.base")]),
        ({"channels": None}, [(["channels"], "object.base")]),
        ({"channels": {CHANNEL: None}}, [(["channels", CHANNEL], "object.base")]),
        ({"channels": {CHANNEL: "text"}}, [(["channels", CHANNEL], "object.base")]),
        ({"channels": {CHANNEL: {}}}, [(["channels", CHANNEL, "mediumType"], "any.required")]),
        (
            {"channels": {CHANNEL: {"mediumType": 1, "caption": None, "x": 1}}},
            [
                (["channels", CHANNEL, "mediumType"], "string.base"),
                (["channels", CHANNEL, "caption"], "string.base"),
                (["channels", CHANNEL, "x"], "object.unknown"),
            ],
        ),
        ({"mediumsData": {}}, [(["mediumsData"], "object.unknown")]),
        ({"orgId": "x", "taskId": "y"}, [(["orgId"], "object.unknown"), (["taskId"], "object.unknown")]),
        (
            {"type": 1, "media": 2, "scheduledFor": 3, "extra": 4},
            [
                (["type"], "any.only"),
                (["media"], "string.base"),
                (["scheduledFor"], "string.base"),
                (["extra"], "object.unknown"),
            ],
        ),
    ],
)
def test_every_wrong_field_is_named(api: SignedClient, body, expected: list[Any]) -> None:
    assert problems(api.post("/scheduled-posts", body)) == expected


INSIDE = ["channels", CHANNEL, "superpower"]
GROUP = [*INSIDE, "conditionGroups", 0]


@pytest.mark.parametrize(
    ("superpower", "expected"),
    [
        ([], [(INSIDE, "object.base")]),
        ({"creativeTemplateId": 7}, [([*INSIDE, "creativeTemplateId"], "string.base")]),
        ({"name": 1}, [([*INSIDE, "name"], "string.base")]),
        ({"name": " "}, [([*INSIDE, "name"], "string.empty")]),
        ({"name": "x" * 201}, [([*INSIDE, "name"], "string.max")]),
        ({"hashtag": ["a"]}, [([*INSIDE, "hashtag"], "string.base")]),
        ({"hashtag": "x" * 101}, [([*INSIDE, "hashtag"], "string.max")]),
        ({"active": "true"}, [([*INSIDE, "active"], "boolean.base")]),
        ({"active": 1}, [([*INSIDE, "active"], "boolean.base")]),
        ({"templateType": "OTHER"}, [([*INSIDE, "templateType"], "any.only")]),
        ({"conditionalTemplateType": "CONDITIONAL"}, [([*INSIDE, "conditionalTemplateType"], "any.only")]),
        ({"expirationDate": "2026-01-01"}, [([*INSIDE, "expirationDate"], "number.base")]),
        ({"expirationDate": True}, [([*INSIDE, "expirationDate"], "number.base")]),
        ({"conditionGroups": {}}, [([*INSIDE, "conditionGroups"], "array.base")]),
        ({"conditionGroups": [1]}, [(GROUP, "object.base")]),
        ({"conditionGroups": [{"probability": 1.01}]}, [([*GROUP, "probability"], "number.max")]),
        ({"conditionGroups": [{"autoLikeProbability": -0.01}]}, [([*GROUP, "autoLikeProbability"], "number.min")]),
        (
            {"conditionGroups": [{"publicRepliesProbability": "1"}]},
            [([*GROUP, "publicRepliesProbability"], "number.base")],
        ),
        ({"conditionGroups": [{"autoLike": "yes"}]}, [([*GROUP, "autoLike"], "boolean.base")]),
        (
            {"conditionGroups": [{"conditions": [{"values": []}, {"values": [1, ""]}]}]},
            [
                ([*GROUP, "conditions", 0, "values"], "array.min"),
                ([*GROUP, "conditions", 1, "values", 0], "string.base"),
                ([*GROUP, "conditions", 1, "values", 1], "string.empty"),
            ],
        ),
        (
            {"conditionGroups": [{"conditions": [{"conditionType": "X", "userActionType": "Y", "userProperty": 1}]}]},
            [
                ([*GROUP, "conditions", 0, "conditionType"], "any.only"),
                ([*GROUP, "conditions", 0, "userActionType"], "any.only"),
                ([*GROUP, "conditions", 0, "userProperty"], "object.base"),
            ],
        ),
        (
            {"conditionGroups": [{"publicReplies": [{"scope": "ALL", "text": 1, "redirects": [{"url": 1}]}]}]},
            [
                ([*GROUP, "publicReplies", 0, "scope"], "any.only"),
                ([*GROUP, "publicReplies", 0, "text"], "string.base"),
                ([*GROUP, "publicReplies", 0, "redirects", 0, "url"], "string.base"),
            ],
        ),
    ],
)
def test_every_wrong_field_of_a_superpower_is_named_at_its_depth(
    api: SignedClient, superpower, expected: list[Any]
) -> None:
    assert problems(api.post("/scheduled-posts", powered(superpower))) == expected


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udc00\ud800"])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda text: {"media": text}, ["media"]),
        (
            lambda text: {"channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": text}}},
            ["channels", CHANNEL, "caption"],
        ),
        (lambda text: {"channels": {text: {"mediumType": "FB_PAGE"}}}, ["channels"]),
        (lambda text: powered({"name": "x", "theirs": [{"deep": text}]}), [*INSIDE, "theirs", 0, "deep"]),
        (lambda text: powered({"name": "x", "theirs": {text: 1}}), [*INSIDE, "theirs"]),
    ],
)
def test_nul_and_lone_surrogates_are_refused_at_any_depth(api: SignedClient, text: str, wrap, path: list[Any]) -> None:
    assert [found for found, _ in problems(api.post("/scheduled-posts", wrap(text)))] == [path]


@pytest.mark.parametrize("count", [1_000, 34_000])
def test_thousands_of_unknown_channels_are_each_reported(api: SignedClient, count: int) -> None:
    channels = {f"F{number}": {"mediumType": ""} for number in range(count)}
    answer = api.post("/scheduled-posts", {"channels": channels})
    assert problems(answer)[0] == (["channels", "F0", "mediumType"], "string.empty")
    channels = {f"{number}": {"mediumType": "A"} for number in range(count)}
    answer = api.post("/scheduled-posts", {"channels": channels})
    assert (answer.status_code, answer.json()["message"]) == (400, "Unknown channel 0")
    assert len(answer.json()["details"]) == count


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"limit": "0"}, [(["limit"], "number.min")]),
        ({"limit": "501"}, [(["limit"], "number.max")]),
        ({"limit": "ten"}, [(["limit"], "number.base")]),
        ({"limit": "1.5"}, [(["limit"], "number.base")]),
        ({"limit": ""}, [(["limit"], "number.base")]),
        ({"limit": "9" * 400}, [(["limit"], "number.base")]),
        ({"status": "LIVE"}, [(["status"], "any.only")]),
        ({"status": "DRAFT,"}, [(["status"], "any.only")]),
        ({"status": ""}, [(["status"], "string.empty")]),
        ({"status": "DRAFT\x00"}, [(["status"], "string.base")]),
        ({"cursor": "forged"}, [(["cursor"], "any.only")]),
        ({"limit": "0", "status": "x"}, [(["limit"], "number.min"), (["status"], "any.only")]),
    ],
)
def test_every_wrong_query_parameter_is_named(
    api: SignedClient, parameters: dict[str, str], expected: list[Any]
) -> None:
    assert problems(api.get("/scheduled-posts", query=parameters)) == expected
