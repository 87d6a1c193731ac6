"""Facebook Login on the sandbox: the dialog, codes, tokens, permissions and debug_token."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.login import APP_ID, APP_SECRET, PERSON, answer_dialog, dialog_page, give_login
from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK, SandboxControl

ADDRESS = "http://127.0.0.1:9/callback/"
SCOPE = "pages_show_list,pages_read_engagement,pages_manage_posts,instagram_basic"


@pytest.fixture
def platform(sandbox: SandboxControl) -> SandboxControl:
    """The sandbox with an app and a person who has both Pages; the Instagram account is linked to the first."""
    give_login(sandbox, ADDRESS)
    return sandbox


def get(platform: SandboxControl, path: str, token: str = "", **params: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return dict(requests.get(f"{platform.url}/v26.0/{path}", params=params, headers=headers, timeout=10).json())


def exchange(platform: SandboxControl, **params: str) -> dict[str, Any]:
    given = {"client_id": APP_ID, "client_secret": APP_SECRET, "redirect_uri": ADDRESS, **params}
    return get(platform, "oauth/access_token", **given)


def log_in(platform: SandboxControl, scope: str = SCOPE, **choices: Any) -> str:
    """Answer the dialog and exchange the code; return the token of the person."""
    answer = answer_dialog(platform, {"redirect_uri": ADDRESS, "scope": scope}, **choices)
    return str(exchange(platform, code=answer["code"])["access_token"])


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "1"}, {"redirect_uri": f"{ADDRESS}x"}, {"redirect_uri": ""}, {"response_type": "token"},
        {"scope": "pages_show_list,fly"}, {"config_id": "77"},
    ],
)  # fmt: skip
def test_dialog_refuses_other_apps_addresses_and_permissions(platform: SandboxControl, change: dict[str, str]) -> None:
    page = dialog_page(platform, {"redirect_uri": ADDRESS, "scope": SCOPE, **change})
    assert (page.status_code, "<form" in page.text) == (400, False)


@pytest.mark.parametrize("path", ["me", "me/accounts", "me/permissions", FACEBOOK.id])
@pytest.mark.parametrize("name", ["ids", "method", "pretty", "date_format", "foo"])
def test_parameter_of_a_call_with_a_persons_token_is_refused(platform: SandboxControl, path: str, name: str) -> None:
    token = log_in(platform)
    assert code(get(platform, path, token, **{name: "1"})) == (100, None)


def test_dialog_of_a_configuration_asks_for_its_permissions(platform: SandboxControl) -> None:
    platform.settings(login_configs={"77": {"permissions": ["pages_show_list"]}})
    page = dialog_page(platform, {"redirect_uri": ADDRESS, "config_id": "77"})
    assert ("pages_show_list" in page.text, "pages_manage_posts" in page.text) == (True, False)


def test_configuration_gives_all_permissions_and_its_kind_of_token(platform: SandboxControl) -> None:
    config = {"permissions": SCOPE.split(","), "token": "SYSTEM_USER"}
    platform.settings(login_configs={"77": config})
    answer = answer_dialog(platform, {"redirect_uri": ADDRESS, "config_id": "77"}, decline={"pages_manage_posts"})
    answered = exchange(platform, code=answer["code"])
    token = answered["access_token"]
    facts = get(platform, "debug_token", f"{APP_ID}|{APP_SECRET}", input_token=token)["data"]
    assert (facts["type"], facts["expires_at"], "expires_in" in answered) == ("SYSTEM_USER", 0, False)
    assert set(facts["scopes"]) == {"public_profile", *SCOPE.split(",")}
    assert code(get(platform, "me/permissions", token)) == (100, None)
    assert [page["id"] for page in get(platform, "me/accounts", token)["data"]] == [FACEBOOK.id, OTHER_FACEBOOK.id]


def test_subscriptions_of_the_app_need_its_own_token(platform: SandboxControl) -> None:
    path, app = f"{APP_ID}/subscriptions", f"{APP_ID}|{APP_SECRET}"
    assert get(platform, path, app) == {"data": []}
    assert code(get(platform, path)) == (104, None)
    assert code(get(platform, path, log_in(platform))) == (15, None)
    assert code(get(platform, path, f"{APP_ID}|wrong")) == (15, None)
    assert code(get(platform, "100000000000002/subscriptions", app)) == (190, None)


def test_cancelled_dialog_returns_an_error_with_the_state(platform: SandboxControl) -> None:
    answer = answer_dialog(platform, {"redirect_uri": ADDRESS, "state": "s&1"}, cancel=True)
    assert (answer["error"], answer["error_reason"], answer["state"]) == ("access_denied", "user_denied", "s&1")


def test_dialog_takes_no_form_of_another_origin(platform: SandboxControl) -> None:
    query = {"client_id": APP_ID, "redirect_uri": ADDRESS, "answer": "continue"}
    sent = requests.post(
        f"{platform.url}/dialog/oauth", data=query, headers={"Origin": "https://a.example"}, timeout=10
    )
    assert sent.status_code == 400


def test_code_works_once_with_its_address_and_secret(platform: SandboxControl) -> None:
    given = answer_dialog(platform, {"redirect_uri": ADDRESS, "scope": SCOPE})["code"]
    assert code(exchange(platform, code=given, client_secret="wrong")) == (1, None)
    assert code(exchange(platform, code=given, client_id="1")) == (101, None)
    assert code(exchange(platform, code=given, redirect_uri=f"{ADDRESS}x")) == (100, 36008)
    assert exchange(platform, code=given)["token_type"] == "bearer"
    assert code(exchange(platform, code=given)) == (100, 36009)
    assert code(exchange(platform, code="nonsense")) == (100, None)
    platform.settings(code_seconds=-1)
    late = answer_dialog(platform, {"redirect_uri": ADDRESS})["code"]
    assert code(exchange(platform, code=late)) == (100, 36007)


def test_declined_permission_is_asked_again_only_on_rerequest(platform: SandboxControl) -> None:
    query = {"redirect_uri": ADDRESS, "scope": SCOPE}
    token = log_in(platform, decline={"pages_manage_posts"})
    statuses = {row["permission"]: row["status"] for row in get(platform, "me/permissions", token)["data"]}
    assert (statuses["pages_manage_posts"], statuses["pages_show_list"]) == ("declined", "granted")
    assert "pages_manage_posts" not in dialog_page(platform, query).text.partition("<fieldset>")[2]
    assert "pages_manage_posts" in dialog_page(platform, {**query, "auth_type": "rerequest"}).text.partition("<ul>")[2]


def test_accounts_are_the_chosen_pages_with_tasks_and_paging(platform: SandboxControl) -> None:
    token = log_in(platform)
    fields = "id,name,username,access_token,tasks,instagram_business_account{id,username,name}"
    first = get(platform, "me/accounts", token, fields=fields, limit="1")
    (page,) = first["data"]
    assert (page["id"], page["name"], page["tasks"]) == (FACEBOOK.id, FACEBOOK.name, ["CREATE_CONTENT", "ANALYZE"])
    assert page["instagram_business_account"] == {"id": INSTAGRAM.id, "name": INSTAGRAM.name, "username": "casadosol"}
    assert token not in first["paging"]["next"]
    second = get(platform, "me/accounts", token, fields=fields, limit="1", after=first["paging"]["cursors"]["after"])
    assert ([row["id"] for row in second["data"]], "next" in second["paging"]) == ([OTHER_FACEBOOK.id], False)
    assert get(platform, "me/accounts", log_in(platform, pages=[]))["data"] == []
    assert get(platform, "me/accounts", log_in(platform, decline={"pages_show_list"}))["data"] == []


def test_page_token_opens_the_page_and_its_instagram_account(platform: SandboxControl) -> None:
    token = log_in(platform)
    page = get(platform, FACEBOOK.id, token, fields="access_token,name")
    owner = Caller(platform, FACEBOOK)
    owner.session.headers["Authorization"] = f"Bearer {page['access_token']}"
    assert owner.get("me")["id"] == FACEBOOK.id
    assert owner.get(FACEBOOK.id, fields="instagram_business_account")["instagram_business_account"] == {
        "id": INSTAGRAM.id
    }
    assert owner.get(INSTAGRAM.id, fields="username") == {"id": INSTAGRAM.id, "username": "casadosol"}
    assert set(owner.edge("feed", message="Olá")) == {"id"}
    assert code(owner.get(OTHER_FACEBOOK.id)) == (100, 33)
    assert code(owner.post(f"{INSTAGRAM.id}/media", image_url=platform.media())) == (200, None)


def test_person_token_does_nothing_for_a_page(platform: SandboxControl) -> None:
    token = log_in(platform)
    url = f"{platform.url}/v26.0/{FACEBOOK.id}/feed"
    posted = requests.post(url, {"message": "x"}, headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
    assert code(posted) == (190, 2069032)
    assert code(get(platform, "me", token, fields="access_token")) == (100, None)
    assert code(get(platform, "4711", token)) == (100, 33)


def test_long_token_makes_page_tokens_without_an_expiry(platform: SandboxControl) -> None:
    app = f"{APP_ID}|{APP_SECRET}"
    short = log_in(platform)
    made = exchange(platform, grant_type="fb_exchange_token", fb_exchange_token=short)
    assert made["expires_in"] == 60 * 86_400
    facts = {}
    for name, token in (("short", short), ("long", made["access_token"])):
        page = get(platform, FACEBOOK.id, token, fields="access_token")["access_token"]
        facts[name] = get(platform, "debug_token", app, input_token=page)["data"]
    assert (facts["short"]["expires_at"] > 0, facts["long"]["expires_at"]) == (True, 0)
    assert facts["long"]["data_access_expires_at"] > 0
    assert (facts["long"]["type"], facts["long"]["profile_id"], facts["long"]["user_id"]) == (
        "PAGE",
        FACEBOOK.id,
        PERSON,
    )
    assert "pages_manage_posts" in facts["long"]["scopes"]
    granular = {entry["scope"]: entry.get("target_ids") for entry in facts["long"]["granular_scopes"]}
    assert granular["pages_manage_posts"] == [FACEBOOK.id, OTHER_FACEBOOK.id]
    assert granular["instagram_basic"] == [INSTAGRAM.id]


def test_debug_token_needs_the_app_and_tells_dead_tokens(platform: SandboxControl) -> None:
    app = f"{APP_ID}|{APP_SECRET}"
    assert code(get(platform, "debug_token", FACEBOOK.token, input_token=FACEBOOK.token)) == (190, None)
    assert code(get(platform, "debug_token", app)) == (100, None)
    assert get(platform, "debug_token", app, input_token="x")["data"]["is_valid"] is False
    token = platform.call("POST", "/__tokens", {"person": PERSON, "expires_in": -5})["access_token"]
    expired = get(platform, "debug_token", app, input_token=token)["data"]
    assert (expired["is_valid"], expired["error"]["subcode"]) == (False, 463)
    assert code(get(platform, "me", token)) == (190, 463)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/__people", {"id": "x"}), ("/__people", {"id": FACEBOOK.id}), ("/__people", {"id": "5", "pages": {"1": []}}),
        ("/__people", {"id": "5", "permissions": {"fly": "granted"}}), ("/__people", {"id": "5", "age": 3}),
        ("/__tokens", {"person": "1"}), ("/__tokens", {"person": PERSON, "kind": "APP"}),
        ("/__tokens", {"person": PERSON, "kind": "PAGE"}), ("/__tokens", {"person": PERSON, "account": FACEBOOK.id}),
    ],
)  # fmt: skip
def test_malformed_control_call_of_the_login_is_refused(
    platform: SandboxControl, path: str, body: dict[str, Any]
) -> None:
    assert requests.post(f"{platform.url}{path}", json=body, timeout=10).status_code == 400


def test_calls_of_the_login_are_logged_without_values(platform: SandboxControl) -> None:
    token = log_in(platform)
    seen = platform.call("GET", "/__requests")["requests"]
    assert {"client_id", "client_secret", "code", "redirect_uri"} <= set(seen[-1]["params"])
    assert (token in str(seen), APP_SECRET in str(seen)) == (False, False)


def test_answer_without_a_fragment_is_a_plain_query(platform: SandboxControl) -> None:
    """The platform appends #_=_ to the address, which browsers keep out of the request."""
    location = answer_dialog(platform, {"redirect_uri": ADDRESS}, raw=True)
    assert parse_qs(urlsplit(location).query).keys() == {"code", "state"}
