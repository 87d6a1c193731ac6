"""Unknown paths below /v1."""

from typing import Any

import pytest
from django.test import Client

METHODS = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]
PATHS = ["/nothing", "/organizations/", "/a%0Ab", "/%00", "/%ff", "/organizations/../../admin/", "/", "", "//"]


@pytest.mark.parametrize(
    ("method", "path"), [*(("GET", path) for path in PATHS), *((method, "/nothing") for method in METHODS)]
)
def test_unknown_path_gets_403_unsigned_and_404_signed(method: str, path: str, api: Any, client: Client) -> None:
    unsigned = client.generic(method, f"/v1{path}")
    signed = api.call(method, path)
    bodies = [None, None] if method == "HEAD" else [unsigned.json(), signed.json()]
    expected = [{"message": "Missing authentication headers"}, {"message": "Not found"}]
    assert (unsigned.status_code, signed.status_code) == (403, 404)
    assert bodies == ([None, None] if method == "HEAD" else expected)
    assert len(signed.headers["x-request-id"]) == 32


def test_unsigned_responses_do_not_disclose_paths(client: Client, db: None) -> None:
    known, unknown = client.post("/v1/organizations"), client.post("/v1/nothing")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
