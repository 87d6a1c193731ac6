"""Bearer tokens: only for keys that allow it, with 401 where a signature gets 403."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import clock
from accounts.models import ApiKey, Organization, User
from tests.helpers import SignedClient

INVALID = {"message": "Invalid bearer token", "code": "bearer.invalid"}


@pytest.fixture
def key(make_key: Any, organization: Organization, author: User) -> ApiKey:
    return make_key(organization, author, allow_bearer=True)


def ask(authorization: str, path: str = "/organizations", **headers: str) -> Any:
    return Client().get(f"/v1{path}", headers={"authorization": authorization, **headers})


def bearer(key: Any) -> str:
    return f"Bearer {key.pk}.{key.secret}"


def test_token_is_accepted_for_a_key_that_allows_it(key: Any, organization: Organization) -> None:
    for authorization in (bearer(key), bearer(key).replace("Bearer ", "bearer  ")):
        answer = ask(authorization)
        assert (answer.status_code, answer.json()[0]["id"]) == (200, str(organization.pk))
    assert ApiKey.objects.get().last_used_at is not None


def test_signature_is_still_accepted(api: SignedClient) -> None:
    assert api.get("/organizations").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", "Bearer .", "Bearer dk_unknown.x", "Basic eDp5", "Bearer \x00.x",
     "Bearer {id}.", "Bearer {id}.wrong", "Bearer {id}.{secret}x", "{id}.{secret}", "Bearer {id}.é"],
)  # fmt: skip
def test_other_token_gets_401_with_a_challenge(authorization: str, key: Any) -> None:
    given = authorization.format(id=key.pk, secret=key.secret).encode().decode("latin-1")
    for path in ("/organizations", "/nothing"):
        answer = ask(given, path)
        assert (answer.status_code, answer.json()) == (401, INVALID)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dynamo", error="invalid_token"'


def test_revoked_and_expired_keys_are_invalid_tokens(key: Any) -> None:
    ApiKey.objects.update(expires_at=clock.now())
    assert ask(bearer(key)).json() == INVALID
    ApiKey.objects.update(expires_at=None, revoked_at=clock.now())
    assert ask(bearer(key)).json() == INVALID


@pytest.mark.parametrize("given", ["{id}.{secret}", "{id}.wrong", "dk_unknown.wrong"])
def test_known_and_unknown_keys_take_the_same_queries(given: str, key: Any, django_assert_num_queries: Any) -> None:
    ApiKey.objects.update(allow_bearer=False)
    with django_assert_num_queries(1):
        ask(f"Bearer {given.format(id=key.pk, secret=key.secret)}")


def test_key_that_does_not_allow_it_is_named_only_to_its_owner(key: Any) -> None:
    ApiKey.objects.update(allow_bearer=False)
    assert (ask(bearer(key)).status_code, ask(bearer(key)).json()["code"]) == (401, "bearer.not_allowed")
    assert ask(f"{bearer(key)}x").json() == INVALID


def test_organization_that_requires_full_signatures_takes_no_token(key: Any) -> None:
    Organization.objects.update(require_full_signature=True)
    assert (ask(bearer(key)).status_code, ask(bearer(key)).json()["code"]) == (401, "signature.full_required")


def test_production_takes_no_token_without_tls(key: Any, settings: Any) -> None:
    settings.PRODUCTION = True
    refused = ask(bearer(key))
    assert (refused.status_code, refused.json()["code"]) == (401, "bearer.tls_required")
    secure = Client().get("/v1/organizations", headers={"authorization": bearer(key)}, secure=True)
    assert secure.status_code == 200


@pytest.mark.parametrize("name", ["x-api-key", "x-date", "x-signature", "x-signature-full"])
def test_signature_beside_a_token_gets_422(name: str, key: Any) -> None:
    answer = ask(bearer(key), **{name: "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "authentication.ambiguous")


def test_inactive_organization_and_missing_scope_are_answered_as_for_a_signature(key: Any) -> None:
    ApiKey.objects.update(scopes=["draft"])
    assert (ask(bearer(key)).status_code, ask(bearer(key)).json()["code"]) == (403, "scope.missing")
    Organization.objects.update(active=False)
    assert ask(bearer(key)).status_code == 402


def test_wrong_tokens_are_throttled_by_key_id(key: Any, settings: Any) -> None:
    settings.SIGNATURE_FAILURES_PER_MINUTE = 2
    with time_machine.travel(clock.now(), tick=False):
        answers = [ask(f"Bearer {key.pk}.wrong").status_code for _ in range(3)]
        assert answers == [401, 401, 429]
        assert ask("Bearer dk_other.wrong").status_code == 401


def test_log_contains_no_token(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ask(bearer(key))
    ask(f"{bearer(key)}x")
    assert key.secret not in caplog.text
