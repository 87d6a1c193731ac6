"""The table of codes, compared with a second reading of Meta's references."""

from itertools import product

import pytest

from posts.graph import error_codes, errors

Kind = type[errors.GraphError] | None
# Pairs of code and subcode. Without a row of its own, a subcode has the class of its code.
EXPECTED: dict[Kind, list[tuple[int, int | None]]] = {
    errors.ResponseTimeout: [(-2, None)],
    errors.Ambiguous: [*product((1, 2, -1), (None, 99)), (-1, 2207001), (4, 2207051), (20, 1772107)],
    errors.Throttled: [*product((4, 17, 32, 341, 613, 80000, 80001, 80002, 80004, 80005, 80014), (None, 1996))],
    errors.AuthFailed: [
        *product((190,), (None, 458, 459, 460, 463, 464, 467, 492)), (102, None), (104, None),
    ],
    errors.ConfigurationError: [(2500, None)],
    errors.ActionRequired: [(368, 1404078), (200, 1404078), (10, 4854002)],
    errors.PermissionDenied: [*product((3, 10, 200, 210, 220, 230, 283, 299), (None,)), (200, 458)],
    errors.InvalidRequest: [
        *product((100, 105, 120, 194, 197, 321, 324, 352, 803, 1500, 1609005, 5101, 6000), (None,)),
        *product((36000, 36001, 36003, 36004), (None,)), (1, 2207057), (100, 2207023), (100, 2207089), (352, 2207026),
        (36000, 2207004), (36001, 2207005), (36003, 2207009), (36004, 2207010),
    ],
    errors.RemovedFromVersion: [(12, None), (12, 99)],
    errors.RestageRequired: [(-2, 2207003), (-2, 2207020), (-1, 2207053), (24, 2207008)],
    errors.Transient: [(-1, 2207032), (9004, 2207052), (100, 2207052)],
    errors.NotReady: [(9007, 2207027)],
    errors.NotFound: [(100, 33), (24, 2207006)],
    errors.QuotaReached: [(9, 2207042), (9, None)],
    errors.PolicyBlock: [(368, None), (368, 1390008), (25, 2207050)],
    errors.Duplicate: [(506, None), (100, 1366051)],
    None: [*product((0, 5, 20, 24, 300, 12345, 80015, 36005), (None, 4242))],  # undocumented
}  # fmt: skip


@pytest.mark.parametrize("expected", EXPECTED)
def test_codes_have_their_class(expected: Kind) -> None:
    rows = {pair: error_codes.find(*pair) for pair in EXPECTED[expected]}
    assert {pair: row and row.kind for pair, row in rows.items()} == dict.fromkeys(rows, expected)


def test_timeout_is_ambiguous() -> None:
    assert issubclass(errors.ResponseTimeout, errors.Ambiguous)


def test_pairs_of_code_and_subcode_are_unique() -> None:
    pairs = [(str(row.code), row.subcode) for row in error_codes.TABLE]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    ("status", "code", "subcode", "kind"),
    [
        ("Error: Media upload has failed with error code 2207026", 352, 2207026, errors.InvalidRequest),
        ("Error: Media upload has failed with error code 2207082", None, 2207082, errors.RestageRequired),
        ("Finished: Media has been uploaded", None, None, None),
    ],
)
def test_container_status_returns_code_and_row(status: str, code: int | None, subcode: int | None, kind: Kind) -> None:
    found = error_codes.from_container_status(status)
    assert (*found[:2], found[2] and found[2].kind) == (code, subcode, kind)
