"""Validation errors: all at once, in Joi's form, with their paths."""

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("probe")


def errors(response: Any) -> list[Any]:
    assert response.status_code == 422, response.content
    assert list(response.json()) == ["error"]
    return list(response.json()["error"])


def problems(response: Any) -> list[tuple[Any, ...]]:
    return [(error["path"], error["type"], error["message"]) for error in errors(response)]


def test_valid_body_is_returned_unchanged(api: Any) -> None:
    rule = {"name": "x", "values": ["any"], "unknown": {"deep": [1, None, {"a": 2.5}]}}
    given = {
        "status": "WAITING_FOR_APPROVAL",
        "notes": "  spaces stay \n",
        "media": "five5",
        "when": "2026-07-01T14:00:00.250+01:00",
        "share": 1,
        "count": 3.0,
        "active": False,
        "lines": {"a": {"caption": "", "rule": rule}, "b": {"caption": "é👋", "rule": None}},
    }
    response = api.post("/echo", given)
    returned = {**given, "count": 3, "when": ["datetime", "2026-07-01 13:00:00.250000+00:00"]}
    assert (response.status_code, response.json()) == (200, returned)


def test_missing_fields_get_defaults(api: Any) -> None:
    assert api.post("/echo", {"lines": {}}).json() == {"status": "DRAFT", "lines": {}}


@pytest.mark.parametrize(
    ("given", "path", "code", "text", "context"),
    [
        ({"status": "SCHEDULED"}, ["status"], "any.only", "must be one of [DRAFT, WAITING_FOR_APPROVAL]",
         {"value": "SCHEDULED", "valids": ["DRAFT", "WAITING_FOR_APPROVAL"]}),
        ({"lines": {"FB_PAGE_1": {}}}, ["lines", "FB_PAGE_1", "caption"], "any.required", "is required", {}),
        ({"foo": 1}, ["foo"], "object.unknown", "is not allowed", {"child": "foo"}),
        ({"lines": {"a": {"caption": "", "rule": {"name": "x", "values": []}}}}, ["lines", "a", "rule", "values"],
         "array.min", "must contain at least 1 items", {"limit": 1}),
        ({"lines": {"a": {"caption": "", "rule": {"name": "x", "values": ["fine", 7]}}}},
         ["lines", "a", "rule", "values", 1], "string.base", "must be a string", {"label": "[1]", "value": 7}),
        ({"media": "sixsix"}, ["media"], "string.max", "length must be less than or equal to 5 characters long",
         {"value": "sixsix", "limit": 5}),
    ],
)  # fmt: skip
def test_error_has_joi_s_form(
    given: Any, path: list[Any], code: str, text: str, context: dict[str, Any], api: Any
) -> None:
    context = {"label": path[-1], "key": path[-1], **context}
    error = {"message": f'"{context["label"]}" {text}', "path": path, "type": code, "context": context}
    assert errors(api.post("/echo", {"lines": {}, **given})) == [error]


@pytest.mark.parametrize(
    ("field", "values", "code", "text"),
    [
        ("notes", [1, True, [], {}, 1.5], "string.base", "must be a string"),
        ("notes", ["", " ", "\n\t", "\u3000"], "string.empty", "is not allowed to be empty"),
        ("media", [None, 1], "string.base", "must be a string"),
        ("when", [1, None, {}, 1782910800000], "string.base", "must be a string"),
        (
            "when",
            ["", "tomorrow", "2026-07-01", "2026-02-30T13:00:00", "9999-12-31T23:59:59-01:00"],
            "string.isoDate",
            "must be in iso format",
        ),
        (
            "when",
            ["2031-08-01T13:00:00", "2031-08-01 13:00", "2031-08-01T13:00:00.000"],  # i9
            "string.isoDate",
            "must be in iso format with an offset: add Z for UTC, or for example +02:00",
        ),
        ("share", ["1", True, None, [], {}], "number.base", "must be a number"),
        ("share", [-0.1, -1e300], "number.min", "must be greater than or equal to 0"),
        ("share", [1.1, 10**300], "number.max", "must be less than or equal to 1"),
        ("count", [1.5], "number.base", "must be an integer"),
        ("active", ["true", 1, 0, None], "boolean.base", "must be a boolean"),
        ("lines", [None, [], "x", 1, True], "object.base", "must be of type object"),
        ("status", ["draft", "", None, 1, [], {}], "any.only", "must be one of [DRAFT, WAITING_FOR_APPROVAL]"),
    ],
)
def test_wrong_values(field: str, values: list[Any], code: str, text: str, api: Any) -> None:
    for value in values:
        assert problems(api.post("/echo", {"lines": {}, field: value})) == [([field], code, f'"{field}" {text}')], value


def test_errors_at_all_depths_are_reported_together(api: Any) -> None:
    given = {
        "status": "SCHEDULED",
        "media": 5,
        "when": "soon",
        "extra": "\x00",
        "lines": {"a": {"caption": 1, "rule": {"values": [None, "fine", ""], "kept": "\ud800"}}, "b": {"more": True}},
    }
    paths = [(error["path"], error["type"]) for error in errors(api.post("/echo", given))]
    assert sorted(paths, key=str) == sorted(
        [
            (["status"], "any.only"),
            (["media"], "string.base"),
            (["when"], "string.isoDate"),
            (["extra"], "string.base"),
            (["lines", "a", "caption"], "string.base"),
            (["lines", "a", "rule", "name"], "any.required"),
            (["lines", "a", "rule", "values", 0], "string.base"),
            (["lines", "a", "rule", "values", 2], "string.empty"),
            (["lines", "a", "rule", "kept"], "string.base"),
            (["lines", "b", "caption"], "any.required"),
            (["lines", "b", "more"], "object.unknown"),
        ],
        key=str,
    )


@pytest.mark.parametrize(("text", "what"), [("\x00", "a NUL character"), ("\ud83d", "half of a surrogate pair")])
def test_nul_and_lone_surrogates_are_refused_at_any_depth(text: str, what: str, api: Any) -> None:
    def line(**rule: Any) -> Any:
        return {"lines": {"a": {"caption": "", "rule": {"name": "x", **rule}}}}

    at = ["lines", "a", "rule"]
    message = f"must not contain {what}"
    assert problems(api.post("/echo", {"lines": {}, "notes": f"a{text}"})) == [
        (["notes"], "string.base", f'"notes" {message}')
    ]
    assert problems(api.post("/echo", line(kept=[{"deep": text}]))) == [
        ([*at, "kept", 0, "deep"], "string.base", f'"deep" {message}')
    ]
    assert problems(api.post("/echo", line(kept={text: 1}))) == [
        ([*at, "kept"], "object.base", f'"kept" must not have a key that contains {what}')
    ]
    replaced = text.encode("utf-8", "replace").decode()
    assert problems(api.post("/echo", {"lines": {}, text: 1})) == [
        ([], "object.base", f'"value" must not have a key that contains {what}'),
        ([replaced], "object.unknown", f'"{replaced}" is not allowed'),
    ]


def test_surrogate_pair_is_accepted(api: Any) -> None:
    response = api.post("/echo", body=b'{"lines": {}, "notes": "\\ud83d\\udc4b"}')
    assert (response.status_code, response.json()["notes"]) == (200, "👋")


@pytest.mark.parametrize(("levels", "status"), [(60, 200), (61, 422), (300, 422)])
def test_nesting_over_64_levels_is_refused(levels: int, status: int, api: Any) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = [deep]
    response = api.post("/echo", {"lines": {"a": {"caption": "", "rule": {"name": "x", "kept": deep}}}})
    assert response.status_code == status
    if status == 422:
        (error,) = errors(response)
        assert error["type"] == "object.base"
        assert error["message"] == '"[0]" must not be nested deeper than 64 levels'
        assert error["path"] == ["lines", "a", "rule", "kept", *[0] * 60]


def test_large_wrong_value_is_not_echoed(api: Any) -> None:
    (error,) = errors(api.post("/echo", {"lines": {}, "media": "x" * 100_000}))
    assert error["context"] == {"label": "media", "key": "media", "limit": 5}


def test_errors_are_limited_to_5000(api: Any) -> None:
    rule = {"name": "x", "values": [1] * 50_000}
    response = api.post("/echo", {"lines": {"a": {"caption": "", "rule": rule}}})
    assert len(errors(response)) == 5000
    assert errors(response)[-1]["path"] == ["lines", "a", "rule", "values", 4999]


# Query strings


def asked(api: Any, query: str) -> Any:
    return api.get(f"/echo?{query}")


def test_query_parameters_are_parsed(api: Any) -> None:
    response = asked(api, "limit=7&active=true&since=2026-07-01T13:00:00Z&q=%C3%A9")
    assert (response.status_code, response.json()) == (
        200,
        {"limit": 7, "active": True, "since": ["datetime", "2026-07-01 13:00:00+00:00"], "q": "é"},
    )
    assert asked(api, "").json() == {"limit": 100}


@pytest.mark.parametrize(
    ("query", "path", "code"),
    [
        ("limit=0", "limit", "number.min"),
        ("limit=501", "limit", "number.max"),
        ("limit=1.5", "limit", "number.base"),
        ("limit=", "limit", "number.base"),
        ("limit=nan", "limit", "number.base"),
        ("limit=1e1", "limit", "number.base"),
        ("limit=+1", "limit", "number.base"),
        ("limit=1&limit=2", "limit", "number.base"),
        ("active=yes", "active", "boolean.base"),
        ("since=2026-07-01", "since", "string.isoDate"),
        ("q=", "q", "string.empty"),
        ("q=a&q=b", "q", "string.base"),
        ("q=%00", "q", "string.base"),
    ],
)
def test_wrong_query_parameters(query: str, path: str, code: str, api: Any) -> None:
    assert [(error["path"], error["type"]) for error in errors(asked(api, query))] == [([path], code)]


@pytest.mark.parametrize(("query", "value"), [("limit=x", "x"), ("limit=1.5", "1.5"), ("limit=501", 501)])
def test_wrong_parameter_is_echoed_as_text_or_number(query: str, value: Any, api: Any) -> None:
    (error,) = errors(asked(api, query))
    assert error["context"]["value"] == value
