"""Speaking to the sandbox as a client of the platform does, with nothing of ours in between."""

import json
from collections.abc import Iterator
from typing import Any

import requests

from tests.services.sandbox import PlatformAccount, SandboxControl


class Caller:
    """One account's side: Graph calls with its token in the header, kept connection, no retries."""

    def __init__(self, sandbox: SandboxControl, account: PlatformAccount) -> None:
        self.sandbox, self.id = sandbox, account.id
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {account.token}"

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.sandbox.url}/v27.0/{path}", timeout=60, **more)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return dict(self.send("GET", path, params=params).json())

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        return dict(self.send("POST", path, data=params).json())

    def edge(self, edge: str, **params: Any) -> dict[str, Any]:
        """POST to an edge of the account itself."""
        return self.post(f"{self.id}/{edge}", **params)

    def list(self, edge: str, **params: Any) -> dict[str, Any]:
        return self.get(f"{self.id}/{edge}", **params)

    def staged_photo(self, name: str = "terrace.jpg", **params: Any) -> str:
        data = requests.get(self.sandbox.media(name), timeout=60).content
        fields = {"published": "false", **params}
        answer = self.send("POST", f"{self.id}/photos", data=fields, files={"source": (name, data, "image/jpeg")})
        return str(answer.json()["id"])

    def photo_post(self, message: str = "Olá") -> tuple[str, str]:
        """Return the ids of a staged photo and of the post that shows it."""
        photo = self.staged_photo()
        posted = self.edge("feed", message=message, **{"attached_media[0]": json.dumps({"media_fbid": photo})})
        return photo, str(posted["id"])

    def container(self, name: str = "terrace.jpg", **params: Any) -> str:
        return str(self.edge("media", **{"image_url": self.sandbox.media(name), **params})["id"])

    def publish(self, container: str) -> dict[str, Any]:
        return self.edge("media_publish", creation_id=container)


def code(answer: dict[str, Any]) -> tuple[int, int | None]:
    """Return an error's code and subcode; everything that decides its class is in there."""
    error = answer["error"]
    return error["code"], error.get("error_subcode")


def give(sandbox: SandboxControl, post: str, **what: Any) -> dict[str, Any]:
    return dict(sandbox.call("POST", "/__comments", {"post": post, **what}))


def pages(caller: Caller, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    """Walk to the end as a careful client does: the next request is built from `after`, and `next` says whether."""
    while True:
        answer = caller.get(path, **params)
        yield answer
        if "next" not in answer.get("paging", {}):
            return
        params["after"] = answer["paging"]["cursors"]["after"]


def walk(caller: Caller, path: str, **params: Any) -> list[dict[str, Any]]:
    return [item for answer in pages(caller, path, **params) for item in answer["data"]]


def texts(entries: list[dict[str, Any]]) -> list[str]:
    return [entry.get("message", entry.get("text")) for entry in entries]


def three_and_a_reply(sandbox: SandboxControl, post: str) -> list[str]:
    ids = give(
        sandbox,
        post,
        items=[
            {"text": text, "likes": likes, "created_at": 1_700_000_000 + likes}
            for text, likes in zip("abc", [1, 9, 4], strict=True)
        ],
    )["ids"]
    reply = {"text": "re: a", "parent": ids[0], "created_at": 1_700_000_100}
    return [*ids, *give(sandbox, post, items=[reply])["ids"]]
