"""Connecting channels in a browser, from the list of channels through the sandbox's dialog and back."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, Page, expect

from accounts.models import User
from posts.models import Channel
from tests.browser.conftest import OpenAdmin
from tests.browser.csp_guard import Guard
from tests.services.login import PERSON, give_login, grant_everything
from tests.services.processes import Process
from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK, SandboxControl

CHANNELS = "/admin/posts/channel/"
CALLBACK = f"{CHANNELS}connect/callback/"
SECRET = re.compile(r"EAA[0-9a-f]{20,}|AQ[0-9a-f]{20,}")  # tokens and codes of the sandbox


class Seen:
    """The addresses that the browser requested after the callback, every Referer, and the pages' texts."""

    def __init__(self, page: Page) -> None:
        self.codes: list[str] = []
        self.addresses: list[str] = []
        self.pages: list[str] = []
        page.on("request", self._request)
        page.on("load", self._load)

    def _load(self, page: Page) -> None:
        with suppress(Error):  # it has been left already
            self.pages.append(page.content())

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.path == CALLBACK and parts.query:
            self.codes += [value for name in ("code", "state") for value in parse_qs(parts.query).get(name, [])]
        else:
            self.addresses.append(request.url)
        self.addresses.append(request.headers.get("referer", ""))


@pytest.fixture
def connect(
    sandbox: SandboxControl, web: str, open_admin: OpenAdmin, admin_member: User, web_logs: list[Process]
) -> Any:
    """Return a page on which an administrator is signed in; at the end no secret is in a log, an address or a page."""
    give_login(sandbox, f"{web}{CALLBACK}")
    page = open_admin(admin_member)
    seen = Seen(page)
    yield page
    page.wait_for_load_state("load")
    after_dialog = [text for text in seen.addresses if "/dialog/oauth" not in text]
    assert [text for text in after_dialog if SECRET.search(text)] == []
    shown = [text for text in seen.pages if 'id="exchange"' not in text]
    assert [text for text in shown if SECRET.search(text)] == []
    assert [
        code for code in seen.codes for text in [*after_dialog, *shown] if code in text and "dialog" not in text
    ] == []
    logged = "".join(process.output() for process in web_logs)
    assert f"GET {CALLBACK} " in logged or not seen.codes
    assert (SECRET.search(logged), [code for code in seen.codes if code in logged]) == (None, [])


def go_to_dialog(page: Page, name: str = "Connect with Facebook") -> Page:
    page.goto(CHANNELS)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name="Continue with Facebook")).to_be_visible()
    return page


def come_back(page: Page) -> None:
    page.get_by_role("button", name="Continue as Alda").click()
    expect(page).to_have_url(re.compile(f"{CALLBACK}\\?code="))


def exchange(page: Page) -> None:
    page.locator("#exchange").get_by_role("button", name="Continue").click()
    page.wait_for_load_state("load")


def connected() -> set[str]:
    return set(Channel.objects.filter(state="CONNECTED").values_list("public_id", flat=True))


def test_connecting_from_nothing(connect: Page) -> None:
    come_back(go_to_dialog(connect))
    assert connected() == set()
    exchange(connect)
    assert re.search(r"/connect/[0-9a-f-]{36}/$", connect.url)
    connect.get_by_label(OTHER_FACEBOOK.name).uncheck()
    connect.get_by_role("button", name="Connect", exact=True).click()
    expect(connect.get_by_text("Connected: Casa do Sol.")).to_be_visible()
    assert connected() == {FACEBOOK.public_id, INSTAGRAM.public_id}


def test_declined_permission_is_asked_again(connect: Page) -> None:
    go_to_dialog(connect).get_by_label("pages_manage_posts").uncheck()
    come_back(connect)
    exchange(connect)
    expect(connect.get_by_text("You did not allow Dynamo to publish posts on the Page.").first).to_be_visible()
    expect(connect.get_by_label(FACEBOOK.name)).to_have_count(0)
    connect.get_by_role("link", name="Ask Facebook again").click()
    expect(connect.get_by_label("pages_manage_posts")).to_be_checked()
    come_back(connect)
    exchange(connect)
    expect(connect.get_by_label(FACEBOOK.name)).to_be_checked()


def test_cancelled_dialog_is_explained(connect: Page) -> None:
    go_to_dialog(connect).get_by_role("button", name="Cancel").click()
    expect(connect.get_by_text("You cancelled at Facebook.")).to_be_visible()
    connect.get_by_role("link", name="Start again").click()
    expect(connect.get_by_role("heading", name="Continue with Facebook")).to_be_visible()


def test_reconnecting_with_another_page_is_refused(connect: Page, facebook: Channel) -> None:
    Channel.objects.filter(pk=facebook.pk).update(state="NEEDS_RECONNECT")
    go_to_dialog(connect, "Reconnect with Facebook").get_by_label(FACEBOOK.name).uncheck()
    come_back(connect)
    exchange(connect)
    expect(connect.get_by_text("Casa do Sol is not among the Pages")).to_be_visible()
    assert connected() == set()
    go_to_dialog(connect, "Reconnect with Facebook").get_by_label(FACEBOOK.name).check()
    come_back(connect)
    exchange(connect)
    expect(connect.get_by_text("Connected: Casa do Sol.")).to_be_visible()
    assert connected() == {FACEBOOK.public_id}


def test_expired_and_replayed_codes_are_refused(connect: Page, sandbox: SandboxControl) -> None:
    sandbox.settings(code_seconds=-1)
    come_back(go_to_dialog(connect))
    exchange(connect)
    expect(connect.get_by_text("This login has expired")).to_be_visible()
    sandbox.settings(code_seconds=600)
    come_back(go_to_dialog(connect))
    exchange(connect)
    connect.go_back()
    exchange(connect)
    expect(connect.get_by_text("This login was used already.")).to_be_visible()
    assert connected() == set()


def test_state_of_another_session_is_refused(
    connect: Page, open_admin: OpenAdmin, make_member: Callable[..., User], organization: Any
) -> None:
    come_back(go_to_dialog(connect))
    other = open_admin(make_member("second", organization, "ADMIN"))
    other.goto(connect.url)
    expect(other.get_by_text("not started in this session")).to_be_visible()
    expect(other.locator("#exchange")).to_have_count(0)
    other.get_by_role("button", name="Sign out").click()
    expect(other).to_have_url(re.compile("/logout/$"))


def test_pasted_token_of_a_person_is_replaced_by_the_pages(connect: Page, sandbox: SandboxControl) -> None:
    grant_everything(sandbox)
    token = sandbox.call("POST", "/__tokens", {"person": PERSON, "expires_in": 5400})["access_token"]
    connect.goto(f"{CHANNELS}add/")
    connect.get_by_label("Page ID").fill(FACEBOOK.id)
    connect.get_by_label("Access token").fill(token)
    connect.get_by_role("button", name="Connect", exact=True).click()
    expect(connect.get_by_text("Connected: Casa do Sol.")).to_be_visible()
    assert Channel.objects.get().token not in {"", token}


def test_pasted_nonsense_is_refused(connect: Page, guard: Guard) -> None:
    connect.goto(f"{CHANNELS}add/")
    connect.get_by_label("Page ID").fill("123456")
    connect.get_by_label("Access token").fill("EAAmadeup")
    connect.get_by_role("button", name="Connect", exact=True).click()
    expect(connect.get_by_role("alert")).to_contain_text("Facebook does not accept this access token")
    assert connected() == set()
