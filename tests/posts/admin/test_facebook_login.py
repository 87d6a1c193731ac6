"""Connecting by Facebook Login and by a pasted token, over HTTP against the sandbox's login."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import time_machine
from django.utils.log import AdminEmailHandler

from accounts import clock
from accounts.models import AuditEvent, Membership, Organization, Role, User
from posts.domain import channel_tokens, facebook_login
from posts.graph.login import debug_token
from posts.models import Channel, FacebookLogin
from tests.helpers import AdminClient
from tests.services.login import APP_ID, APP_SECRET, OFFERED, PERSON, answer_dialog, give_login, grant_everything
from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK, SandboxControl

CHANNELS = "/admin/posts/channel/"
CALLBACK = f"{CHANNELS}connect/callback/"
BOTH = {f"FB_PAGE_{FACEBOOK.id}", f"INSTAGRAM_ACCOUNT_{INSTAGRAM.id}"}


@pytest.fixture
def platform(sandbox: SandboxControl, settings: Any) -> SandboxControl:
    """The sandbox as the platform that the settings' Meta app belongs to."""
    settings.GRAPH_APP_ID, settings.GRAPH_APP_SECRET, settings.GRAPH_LOGIN_CONFIG_ID = APP_ID, APP_SECRET, ""
    settings.GRAPH_DIALOG_URL = sandbox.url
    give_login(sandbox, f"{settings.ADMIN_URL}{CALLBACK}")
    return sandbox


class Login:
    """An administrator who connects: `answer` is what the dialog's redirect carries."""

    def __init__(self, platform: SandboxControl, user: User) -> None:
        self.platform, self.site = platform, AdminClient(user)
        self.answer: dict[str, str] = {}

    def start(self, query: str = "") -> dict[str, str]:
        """Follow the link to the dialog; return the query of its address."""
        address = self.site.open(f"{CHANNELS}connect/{query}").answer.headers["Location"]
        assert address.startswith(f"{self.platform.url}/v")
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def return_from_dialog(self, query: str = "", **choices: Any) -> "Login":
        self.answer = answer_dialog(self.platform, self.start(query), **choices)
        self.site.open(f"{CALLBACK}?{urlencode(self.answer)}")
        return self

    def send(self, **changed: str) -> AdminClient:
        """Send the form of the callback page, and follow it to the choice of Pages."""
        self.site.press("callback", **changed)
        return self.site.follow() if self.site.answer.status_code == 302 else self.site

    def choose(self, *public_ids: str) -> AdminClient:
        form = self.site.form()
        fields = {"csrfmiddlewaretoken": form.fields["csrfmiddlewaretoken"], "channel": public_ids}
        self.site._keep(self.site.client.post(self.site.url, fields))
        return self.site.follow() if self.site.answer.status_code == 302 else self.site


@pytest.fixture
def login(platform: SandboxControl, admin_member: User) -> Login:
    return Login(platform, admin_member)


def states() -> dict[str, str]:
    return dict(Channel.objects.values_list("public_id", "state"))


def test_login_connects_the_chosen_channels_under_the_platforms_names_p4(login: Login) -> None:
    choice = login.return_from_dialog().send()
    assert (Channel.objects.count(), FacebookLogin.objects.count()) == (0, 1)
    assert all(account.name in choice.text for account in (FACEBOOK, INSTAGRAM, OTHER_FACEBOOK))
    done = login.choose(*BOTH)
    assert states() == dict.fromkeys(BOTH, "CONNECTED")
    assert "Connected: Casa do Sol" in done.text
    page = Channel.objects.get(type="FB_PAGE")
    assert (page.name, page.connected_by_meta_user) == (FACEBOOK.name, PERSON)
    assert Channel.objects.get(type="INSTAGRAM_ACCOUNT").name == INSTAGRAM.name
    assert page.token.startswith("EAA")
    assert FacebookLogin.objects.get().answer_encrypted == ""
    event = AuditEvent.objects.filter(verb="channel.connect").latest("pk")
    assert (event.details["means"], event.details["missing"], event.details["tokenExpires"]) == (
        "Facebook Login", [], None,
    )  # fmt: skip


def test_stored_token_is_the_pages_own_and_does_not_expire(login: Login) -> None:
    login.return_from_dialog().send()
    login.choose(f"FB_PAGE_{FACEBOOK.id}")
    info = debug_token(Channel.objects.get().token)
    assert (info.kind, info.profile_id, info.expires_at) == ("PAGE", FACEBOOK.id, None)
    assert info.data_access_expires_at is not None


def test_get_of_the_callback_changes_nothing_and_is_not_kept(login: Login) -> None:
    answer = login.return_from_dialog().site.answer
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert FacebookLogin.objects.count() == 0
    calls = {entry["path"] for entry in login.platform.call("GET", "/__requests")["requests"]}
    assert not any("access_token" in path for path in calls)


def test_state_is_random_and_carries_the_dialogs_parameters(login: Login, settings: Any) -> None:
    first, second = login.start(), login.start()
    assert first["state"] != second["state"]
    assert (first["client_id"], first["redirect_uri"]) == (APP_ID, f"{settings.ADMIN_URL}{CALLBACK}")
    assert set(first["scope"].split(",")) == set(OFFERED)
    assert ("auth_type" in first, login.start("?rerequest=1")["auth_type"]) == (False, "rerequest")
    settings.GRAPH_LOGIN_CONFIG_ID = "77"
    assert ("scope" in login.start(), login.start()["config_id"]) == (False, "77")


@pytest.mark.parametrize(("kind", "seconds"), [("USER", 0), ("SYSTEM_USER", 0), ("SYSTEM_USER", 60 * 86_400)])
def test_configuration_of_login_for_business_connects_by_its_kind_of_token(
    login: Login, settings: Any, kind: str, seconds: int
) -> None:
    settings.GRAPH_LOGIN_CONFIG_ID = "77"
    permissions = [name for name in OFFERED if name != "read_insights"]
    config = {"permissions": permissions, "token": kind, "expires_in": seconds}
    login.platform.settings(login_configs={"77": config})
    choice = login.return_from_dialog(decline={"pages_manage_posts"}).send()  # all or none: nothing can be declined
    assert "does not ask for read_insights" in choice.text
    assert "does not ask for pages_manage_posts" not in choice.text
    calls = {entry["path"] for entry in login.platform.call("GET", "/__requests")["requests"]}
    assert any("me/permissions" in path for path in calls) == (kind == "USER")
    done = login.choose(*BOTH)
    assert states() == dict.fromkeys(BOTH, "CONNECTED")
    assert ("expires on" in done.text) == bool(seconds)
    for channel in Channel.objects.all():
        info = debug_token(channel.token)
        assert (info.kind, info.profile_id, info.expires_at is None) == ("PAGE", FACEBOOK.id, not seconds)
        assert channel.connected_by_meta_user == PERSON


def test_state_of_another_session_is_refused(login: Login, make_member: Callable[..., User], organization: Any) -> None:
    other = Login(login.platform, make_member("second", organization, Role.ADMIN))
    answer = answer_dialog(login.platform, login.start())
    other.site.open(f"{CALLBACK}?{urlencode(answer)}")
    assert ("not started in this session" in other.site.text, answer["code"] in other.site.text) == (True, False)
    token = other.site.token
    other.site.send(CALLBACK, csrfmiddlewaretoken=token, **answer)
    assert FacebookLogin.objects.count() == 0


def test_old_state_is_refused(login: Login) -> None:
    login.return_from_dialog()
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        assert "has expired" in login.send().text
        assert "has expired" in login.site.open(f"{CALLBACK}?{urlencode(login.answer)}").text
    assert FacebookLogin.objects.count() == 0


def test_state_works_once(login: Login) -> None:
    login.return_from_dialog().send()
    code = answer_dialog(login.platform, login.start())["code"]  # a fresh code with the used state
    login.site.open(f"{CALLBACK}?{urlencode({**login.answer, 'code': code})}")
    assert "used already" in login.send().text
    assert FacebookLogin.objects.count() == 1


def test_replayed_code_is_refused_by_the_platform(login: Login) -> None:
    login.return_from_dialog().send()
    state = login.start()["state"]
    login.site.open(f"{CALLBACK}?{urlencode({'code': login.answer['code'], 'state': state})}")
    assert "used already" in login.send().text
    assert FacebookLogin.objects.exclude(answer_encrypted="").count() == 1


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("code_seconds", -1, "has expired"),
        ("app_secret", "another-secret", "validating client secret"),
        ("app_id", "42", "app id is unknown"),
    ],
)
def test_refused_exchange_names_the_reason(login: Login, setting: str, value: Any, words: str) -> None:
    if setting == "code_seconds":
        login.platform.settings(**{setting: value})
    login.return_from_dialog()
    login.platform.settings(**{setting: value})
    page = login.send()
    assert (words in page.text, login.answer["code"] in page.text, APP_SECRET in page.text) == (True, False, False)


def test_other_redirect_address_names_the_one_to_list(login: Login, settings: Any) -> None:
    login.return_from_dialog()
    settings.ADMIN_URL = "https://dynamo.example.com"
    assert f"https://dynamo.example.com{CALLBACK}" in login.send().text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"error": "access_denied", "error_reason": "user_denied"}, "You cancelled at Facebook"),
        ({"error": "server_error<b>"}, "Facebook ended the login: server_errorb"),
        ({}, "returned no code"),
        ({"code": "x" * 2001}, "returned no code"),
        ({"code": "a\x00b"}, "returned no code"),
    ],
)
def test_answer_without_a_code_is_explained(login: Login, query: dict[str, str], words: str) -> None:
    state = login.start()["state"]
    assert words in login.site.open(f"{CALLBACK}?{urlencode({**query, 'state': state})}").text
    assert any("/connect/?organization=" in link for link in login.site.page.links)


@pytest.mark.parametrize("state", ["", "x", "a:b:c", "ünï", "\x00"])
def test_forged_state_is_refused(login: Login, state: str) -> None:
    text = login.site.open(f"{CALLBACK}?{urlencode({'code': 'abc', 'state': state})}").text
    assert "not started in this session" in text


def test_declined_permission_is_named_and_asked_again(login: Login) -> None:
    choice = login.return_from_dialog(decline={"pages_manage_posts", "read_insights"}).send()
    assert "You did not allow Dynamo to publish posts on the Page" in choice.text
    assert f"FB_PAGE_{FACEBOOK.id}" not in str(choice.answer.content)
    again = next(link for link in choice.page.links if "rerequest" in link)
    assert login.start(f"?{again.partition('?')[2]}")["auth_type"] == "rerequest"
    login.return_from_dialog("?rerequest=1", decline={"read_insights"}).send()
    text = login.choose(f"FB_PAGE_{FACEBOOK.id}").text
    assert "Dynamo may not read the insights of the Page's posts (read_insights)" in text
    assert AuditEvent.objects.get(verb="channel.connect").details["missing"] == ["read_insights"]


def test_page_without_the_task_cannot_be_chosen(login: Login) -> None:
    pages = {FACEBOOK.id: ["ANALYZE"], OTHER_FACEBOOK.id: ["CREATE_CONTENT"]}
    login.platform.call("POST", "/__people", {"id": PERSON, "pages": pages})
    assert "You may not create content on this Page" in login.return_from_dialog().send().text
    assert "You may not create content" in login.choose(*BOTH).text
    assert Channel.objects.count() == 0


def test_login_without_pages_is_explained(login: Login) -> None:
    assert "Facebook returned no Page" in login.return_from_dialog(pages=[]).send().text


def test_reconnecting_is_one_login_and_no_choice(login: Login, facebook: Channel) -> None:
    Channel.objects.filter(pk=facebook.pk).update(state="NEEDS_RECONNECT", state_reason="expired", name="Old name")
    links = login.site.open(CHANNELS).page.links
    assert f"{CHANNELS}connect/?channel={facebook.pk}" in links
    assert "Connected: Casa do Sol" in login.return_from_dialog(f"?channel={facebook.pk}").send().text
    facebook.refresh_from_db()
    assert (facebook.state, facebook.name, facebook.state_reason) == ("CONNECTED", FACEBOOK.name, "")
    assert facebook.token != FACEBOOK.token
    assert Channel.objects.count() == 1


def test_reconnecting_with_another_page_changes_nothing(login: Login, facebook: Channel) -> None:
    page = login.return_from_dialog(f"?channel={facebook.pk}", pages=[OTHER_FACEBOOK.id]).send()
    assert "Casa do Sol is not among the Pages" in page.text
    facebook.refresh_from_db()
    assert (facebook.token, Channel.objects.count()) == (FACEBOOK.token, 1)


def test_two_organizations_connect_one_page_and_neither_learns_of_the_other(
    login: Login, other_organization: Organization, make_member: Callable[..., User]
) -> None:
    other = Login(login.platform, make_member("rival", other_organization, Role.ADMIN))
    login.return_from_dialog().send()
    login.choose(f"FB_PAGE_{FACEBOOK.id}")
    choice = other.return_from_dialog().send()
    assert "in Dynamo" not in choice.text
    other.choose(f"FB_PAGE_{FACEBOOK.id}")
    assert Channel.objects.filter(public_id=f"FB_PAGE_{FACEBOOK.id}", state="CONNECTED").count() == 2


def test_choice_belongs_to_its_user_and_ends(login: Login, make_member: Callable[..., User], organization: Any) -> None:
    login.return_from_dialog().send()
    url = login.site.url
    second = AdminClient(make_member("second", organization, Role.ADMIN)).open(url)
    assert (second.answer.status_code, FACEBOOK.name in second.text) == (404, False)
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
        assert login.site.open(url).answer.status_code == 404
        assert facebook_login.delete_expired() == 1
    login.return_from_dialog().send()
    Membership.objects.filter(user__username="administrator").update(role=Role.EDITOR)
    assert login.site.open(login.site.url).answer.status_code == 404


def test_cancel_deletes_the_tokens(login: Login) -> None:
    login.return_from_dialog().send()
    login.site.press(cancel="1")
    assert (FacebookLogin.objects.get().answer_encrypted, Channel.objects.count()) == ("", 0)


def test_login_under_a_lost_encryption_key_is_explained(login: Login, settings: Any) -> None:
    login.return_from_dialog().send()
    settings.ENCRYPTION_KEYS = ["another-key"]
    assert "an encryption key is missing" in login.site.open(login.site.url).text


def test_empty_choice_is_explained_and_unknown_choices_are_ignored(login: Login) -> None:
    login.return_from_dialog().send()
    assert "Choose at least one" in login.choose().text
    assert "Choose at least one" in login.choose("FB_PAGE_4711", "x" * 5000).text
    assert Channel.objects.count() == 0


def test_old_session_confirms_before_the_exchange(login: Login, settings: Any, admin_member: User) -> None:
    settings.REAUTHENTICATE_AFTER = 300
    login.return_from_dialog()
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
        assert (login.send().answer.status_code, FacebookLogin.objects.count()) == (403, 0)
        login.site.press("callback", proof=admin_member.raw_password)  # type: ignore[attr-defined]
    assert FacebookLogin.objects.count() == 1


def test_login_redirect_of_an_ended_session_has_no_code(login: Login, client: Any) -> None:
    answer = answer_dialog(login.platform, login.start())
    location = client.get(f"{CALLBACK}?{urlencode(answer)}").headers["Location"]
    assert (answer["code"] in location, answer["state"] in location) == (False, False)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_error_report_of_the_callback_has_no_code(
    login: Login, settings: Any, caplog: pytest.LogCaptureFixture, mailoutbox: Any, tmp_path: Path, method: str
) -> None:
    """A report by e-mail has the whole request, and the traceback with the variables of each frame."""
    settings.ADMINS = [("Ops", "ops@example.com")]
    login.return_from_dialog()
    if method == "GET":
        broken = tmp_path / "admin/posts/channel/connect_callback.html"
        broken.parent.mkdir(parents=True)
        broken.write_text("{{ code.missing|length }}{{ code|add:forloop.x|date:code.y.z }}{% include missing %}")
        templates = dict(settings.TEMPLATES[0])
        settings.TEMPLATES = [{**templates, "DIRS": [tmp_path, *templates["DIRS"]]}]
    else:
        settings.ENCRYPTION_KEYS = []
    login.site.client.raise_request_exception = False
    report = AdminEmailHandler(include_html=True)
    logging.getLogger("django.request").addHandler(report)
    try:
        if method == "GET":
            login.site.client.get(f"{CALLBACK}?{urlencode(login.answer)}")
        else:
            login.site.client.post(CALLBACK, login.site.form("callback").fields)
    finally:
        logging.getLogger("django.request").removeHandler(report)
    assert any(mail.alternatives for mail in mailoutbox)
    text = " ".join([caplog.text, *(f"{mail.body} {mail.alternatives}" for mail in mailoutbox)])
    assert "connect/callback/" in text
    hidden = [login.answer["code"], login.answer["state"], APP_SECRET]
    assert [secret for secret in hidden if secret in text or quote(secret) in text] == []
    assert not re.search("EAA[0-9a-f]{20}", text)


# A pasted token


@pytest.fixture
def token(platform: SandboxControl) -> Callable[..., str]:
    grant_everything(platform)

    def issue(**fields: Any) -> str:
        return str(platform.call("POST", "/__tokens", {"person": PERSON, **fields})["access_token"])

    return issue


def paste(user: User, token: str, *, type_: str = "FB_PAGE", platform_id: str = FACEBOOK.id) -> AdminClient:
    site = AdminClient(user).open(f"{CHANNELS}add/")
    return site.press(type=type_, platform_id=platform_id, token=token)


@pytest.mark.parametrize(
    ("kind", "type_", "platform_id", "name"),
    [
        ("USER", "FB_PAGE", FACEBOOK.id, FACEBOOK.name), ("SYSTEM_USER", "FB_PAGE", FACEBOOK.id, FACEBOOK.name),
        ("PAGE", "FB_PAGE", FACEBOOK.id, FACEBOOK.name), ("USER", "INSTAGRAM_ACCOUNT", INSTAGRAM.id, INSTAGRAM.name),
        ("PAGE", "INSTAGRAM_ACCOUNT", INSTAGRAM.id, INSTAGRAM.name),
    ],
)  # fmt: skip
def test_pasted_token_is_replaced_by_the_pages_own_p4(
    token: Callable[..., str], admin_member: User, kind: str, type_: str, platform_id: str, name: str
) -> None:
    expires = {"expires_in": 5400} if kind == "USER" else {}
    given = token(kind=kind, **({"account": FACEBOOK.id} if kind == "PAGE" else {}), **expires)
    site = paste(admin_member, given, type_=type_, platform_id=platform_id)
    assert site.answer.status_code == 302, site.text
    channel = Channel.objects.get()
    assert (channel.name, channel.state, channel.connected_by_meta_user) == (name, "CONNECTED", PERSON)
    assert (channel.token == given) == (kind == "PAGE")
    details = AuditEvent.objects.get(verb="channel.connect").details
    assert (details["means"], details["tokenExpires"]) == ("pasted token", None)


def test_refused_pasted_tokens_say_why_p4(
    token: Callable[..., str], platform: SandboxControl, admin_member: User
) -> None:
    page = {"kind": "PAGE", "account": FACEBOOK.id}
    refused = {
        "made-up-token": ("does not accept", {}),
        token(expires_in=-5): ("has expired", {}),
        token(): ("does not reach the Page 4711", {"platform_id": "4711"}),
        token(**page): (f"belongs to the Page {FACEBOOK.name}", {"platform_id": "4711"}),
        token(kind="PAGE", account=OTHER_FACEBOOK.id): (
            "No Instagram account is linked", {"type_": "INSTAGRAM_ACCOUNT", "platform_id": INSTAGRAM.id},
        ),
        f"{APP_ID}|{APP_SECRET}": ("not the access token of a Page", {}),
        "two words": ("invalid characters", {}),
    }  # fmt: skip
    for given, (words, fields) in refused.items():
        site = paste(admin_member, given, **fields)
        assert (words in site.text, given in str(site.answer.content)) == (True, False), site.text
    platform.call("POST", "/__people", {"id": PERSON, "permissions": {"pages_show_list": "granted"}})
    assert "does not allow Dynamo to" in paste(admin_member, token(**page)).text
    grant_everything(platform)
    platform.call("POST", "/__people", {"id": PERSON, "pages": {FACEBOOK.id: ["ANALYZE"]}})
    assert "may not create content" in paste(admin_member, token()).text
    assert Channel.objects.count() == 0


def test_expiring_token_is_connected_with_a_warning(token: Callable[..., str], admin_member: User) -> None:
    site = paste(admin_member, token(kind="PAGE", account=FACEBOOK.id, expires_in=5400)).follow()
    assert re.search(r"The access token expires on \d+ \w+ \d{4}", site.text)


@pytest.mark.parametrize("fault", ["timeout", "html_502", "throttle"])
def test_platform_in_trouble_connects_nothing(
    token: Callable[..., str], platform: SandboxControl, admin_member: User, fault: str
) -> None:
    given = token()
    orders = {
        "timeout": {"fault": "drop_before", "times": None},
        "html_502": {"fault": "html_502", "times": None},
        "throttle": {"fault": "throttle", "code": 4},
    }
    platform.fault("GET /debug_token", **orders[fault])  # type: ignore[arg-type]
    site = paste(admin_member, given)
    assert (site.answer.status_code, Channel.objects.count(), given in site.text) == (200, 0, False)


def test_connecting_without_an_app_says_what_is_missing(settings: Any, sandbox: Any, admin_member: User) -> None:
    settings.GRAPH_APP_ID = ""
    site = AdminClient(admin_member).open(CHANNELS)
    assert not any("/connect/" in link for link in site.page.links)
    assert "GRAPH_APP_ID" in site.open(f"{CHANNELS}connect/").text
    assert "GRAPH_APP_ID and GRAPH_APP_SECRET are not set" in paste(admin_member, "EAAtoken").text
    assert not channel_tokens.is_configured()
