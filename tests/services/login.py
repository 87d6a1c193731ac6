"""Facebook Login in tests: the sandbox's app and person, and the answer in its dialog."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK, SandboxControl

APP_ID = "100000000000001"
APP_SECRET = "secret-of-the-meta-app"
PERSON = "6100000000000001"
TASKS = ["CREATE_CONTENT", "ANALYZE"]
OFFERED = (
    "pages_show_list", "pages_manage_posts", "pages_read_engagement", "pages_read_user_content", "read_insights",
    "instagram_basic", "instagram_content_publish", "instagram_manage_comments", "instagram_manage_insights",
    "pages_manage_metadata",
)  # fmt: skip


def give_login(sandbox: SandboxControl, *addresses: str, **changes: Any) -> None:
    """Give the sandbox an app with these redirect URIs, and a person with two Pages, one with an Instagram account."""
    sandbox.settings(app_id=APP_ID, app_secret=APP_SECRET, redirect_uris=list(addresses))
    sandbox.call("POST", "/__accounts", {"id": INSTAGRAM.id, "page": FACEBOOK.id, "username": INSTAGRAM.name})
    person = {"id": PERSON, "name": "Alda", "pages": {FACEBOOK.id: TASKS, OTHER_FACEBOOK.id: TASKS}}
    sandbox.call("POST", "/__people", {**person, **changes})


def grant_everything(sandbox: SandboxControl) -> None:
    """Make the person grant every permission and choose every Page, as if the dialog had been answered."""
    chosen = [FACEBOOK.id, OTHER_FACEBOOK.id]
    permissions = dict.fromkeys(OFFERED, "granted")
    sandbox.call("POST", "/__people", {"id": PERSON, "permissions": permissions, "chosen": chosen})


def dialog_page(sandbox: SandboxControl, query: dict[str, str]) -> requests.Response:
    given = {"client_id": APP_ID, "state": "state", "response_type": "code", **query}
    return requests.get(f"{sandbox.url}/v26.0/dialog/oauth", params=given, timeout=10)


def answer_dialog(
    sandbox: SandboxControl,
    query: dict[str, str],
    *,
    decline: Collection[str] = (),
    pages: Collection[str] = (FACEBOOK.id, OTHER_FACEBOOK.id),
    cancel: bool = False,
    raw: bool = False,
) -> Any:
    """Answer the dialog as the person does; return the parameters of the redirect, or with `raw` the address."""
    given = {"client_id": APP_ID, "state": "state", "response_type": "code", **query}
    permissions = [name for name in OFFERED if name not in decline]
    form = {**given, "page": list(pages), "permission": permissions, "answer": "cancel" if cancel else "continue"}
    answer = requests.post(
        f"{sandbox.url}/v26.0/dialog/oauth", form, headers={"Origin": sandbox.url}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302, answer.text
    location = answer.headers["Location"]
    return location if raw else {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
