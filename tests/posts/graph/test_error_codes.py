"""The table of codes, held against Meta's references: what is written twice here was read twice there."""

import pytest

from posts.graph import error_codes, errors

THROTTLED = [4, 17, 32, 341, 613, 80000, 80001, 80002, 80004, 80005, 80014]
AUTH = [(190, sub) for sub in (None, 458, 459, 460, 463, 464, 467, 492)] + [(102, None), (104, None), (2500, None)]
PERMISSION = [3, 10, 200, 210, 220, 230, 283, 299]
INVALID = [100, 105, 120, 194, 197, 321, 324, 352, 803, 1500, 1609005, 5101, 6000, 36000, 36001, 36003, 36004]
INSTAGRAM = [
    (-2, 2207003, errors.RestageRequired),
    (-2, 2207020, errors.RestageRequired),
    (-1, 2207001, errors.Ambiguous),
    (-1, 2207032, errors.Transient),
    (-1, 2207053, errors.RestageRequired),
    (1, 2207057, errors.InvalidRequest),
    (4, 2207051, errors.Ambiguous),
    (9, 2207042, errors.QuotaReached),
    (24, 2207006, errors.NotFound),
    (24, 2207008, errors.RestageRequired),
    (25, 2207050, errors.PolicyBlock),
    (100, 2207023, errors.InvalidRequest),
    (100, 2207089, errors.InvalidRequest),
    (352, 2207026, errors.InvalidRequest),
    (9004, 2207052, errors.Transient),
    (9007, 2207027, errors.NotReady),
    (36000, 2207004, errors.InvalidRequest),
    (36001, 2207005, errors.InvalidRequest),
    (36003, 2207009, errors.InvalidRequest),
    (36004, 2207010, errors.InvalidRequest),
]


def kind(code: int, subcode: int | None = None) -> type[errors.GraphError] | None:
    row = error_codes.find(code, subcode)
    return row.kind if row else None


def test_timeout_code_is_response_timeout() -> None:
    assert kind(-2) is errors.ResponseTimeout
    assert issubclass(errors.ResponseTimeout, errors.Ambiguous)


@pytest.mark.parametrize("code", [1, 2, -1])
def test_server_codes_are_ambiguous(code: int) -> None:
    assert kind(code) is errors.Ambiguous
    assert kind(code, 99) is errors.Ambiguous


@pytest.mark.parametrize("code", THROTTLED)
def test_rate_limit_codes_are_throttled(code: int) -> None:
    assert kind(code) is errors.Throttled
    assert kind(code, 1996) is errors.Throttled


@pytest.mark.parametrize(("code", "subcode"), AUTH)
def test_token_codes_are_auth_failed(code: int, subcode: int | None) -> None:
    assert kind(code, subcode) is errors.AuthFailed


@pytest.mark.parametrize("code", PERMISSION)
def test_permission_codes_are_permission_denied(code: int) -> None:
    assert kind(code) is errors.PermissionDenied


@pytest.mark.parametrize("code", INVALID)
def test_input_codes_are_invalid_request(code: int) -> None:
    assert kind(code) is errors.InvalidRequest


@pytest.mark.parametrize(("code", "subcode", "expected"), INSTAGRAM)
def test_instagram_subcodes_have_their_class(code: int, subcode: int, expected: type[errors.GraphError]) -> None:
    assert kind(code, subcode) is expected


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (100, 33, errors.NotFound),
        (200, 458, errors.PermissionDenied),
        (506, None, errors.Duplicate),
        (100, 1366051, errors.Duplicate),
        (368, None, errors.PolicyBlock),
        (368, 1390008, errors.PolicyBlock),
        (20, 1772107, errors.Ambiguous),
    ],
)
def test_single_codes_have_their_class(code: int, subcode: int | None, expected: type[errors.GraphError]) -> None:
    assert kind(code, subcode) is expected


@pytest.mark.parametrize("code", [0, 5, 20, 24, 300, 12345, 80015, 36005])
def test_undocumented_codes_have_no_row(code: int) -> None:
    assert kind(code) is None
    assert kind(code, 4242) is None


def test_pairs_of_code_and_subcode_are_unique() -> None:
    pairs = [(str(row.code), row.subcode) for row in error_codes.TABLE]
    assert len(pairs) == len(set(pairs))


def test_container_status_returns_code_and_row() -> None:
    code, subcode, row = error_codes.from_container_status("Error: Media upload has failed with error code 2207026")
    assert (code, subcode, row and row.kind) == (352, 2207026, errors.InvalidRequest)
    assert (
        error_codes.from_container_status("Error: Media upload has failed with error code 2207082")[2].kind
        is errors.RestageRequired
    )  # type: ignore[union-attr]
    assert error_codes.from_container_status("Finished: Media has been uploaded") == (None, None, None)
