"""Requests of one's own that name one thing of another organization, by every parameter that can hold an id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.security.access_matrix import draft
from tests.security.fixtures import Side, Stage


@dataclass(frozen=True)
class Question:
    """`ask` takes one's own side and theirs, and returns the address and the body."""

    who: str
    method: str
    says: str
    ask: Callable[[Side, Side, Stage], tuple[str, dict[str, Any] | None]]

    def __str__(self) -> str:
        return f"{self.who} {self.says}"


def _on(side: Side, theirs: Side, stage: Stage, **more: Any) -> dict[str, Any]:
    return {
        **draft(side, stage),
        "channels": {theirs.things["wire"]: {"mediumType": "FB_PAGE", "caption": "x", **more}},
    }


POSTS, DESK = "/v1/scheduled-posts", "/admin/scheduling/scheduledpost"
QUESTIONS = [
    Question(
        "key", "GET", "lists a channel", lambda _own, theirs, _: (f"/v1/posts?mediumId={theirs.things['wire']}", None)
    ),
    Question(
        "key", "GET", "reads a post through its own channel",
        lambda own, theirs, _: (f"/v1/posts/{theirs.things['published']}?mediumId={own.things['wire']}", None),
    ),
    Question(
        "key", "GET", "reads comments through another channel",
        lambda own, theirs, _: (f"/v1/posts/{own.things['published']}/comments?mediumId={theirs.things['wire']}", None),
    ),
    Question("key", "POST", "drafts for a channel", lambda own, theirs, stage: (POSTS, _on(own, theirs, stage))),
    Question(
        "key", "PATCH", "redirects its post to a channel",
        lambda own, theirs, stage: (f"{POSTS}/{own.things['waiting']}", _on(own, theirs, stage)),
    ),
    Question(
        "key", "POST", "uses a template",
        lambda own, theirs, stage: (
            POSTS, _on(own, own, stage, superpower={"creativeTemplateId": theirs.things["template"]})
        ),
    ),
    Question(
        "viewer", "GET", "filters by channel",
        lambda _own, theirs, _: (f"{DESK}/?channel={theirs.things['channel']}", None),
    ),
    Question(
        "viewer", "GET", "filters the trail by subject",
        lambda _own, theirs, _: (f"/admin/accounts/auditevent/?q={theirs.things['waiting']}", None),
    ),
    Question(
        "viewer", "GET", "searches in captions", lambda _own, theirs, _: (f"{DESK}/?q={theirs.things['phrase']}", None)
    ),
    Question(
        "administrator", "POST", "issues a key for an organization",
        lambda _own, theirs, _: (
            "/admin/accounts/apikey/add/",
            {"organization": theirs.things["organization"], "name": "mine", "key_id": f"dk_{'0' * 24}"},
        ),
    ),
    Question(
        "reviewer", "POST", "settles a delivery",
        lambda own, theirs, _: (f"{DESK}/{own.things['failed']}/absent/", {"delivery": theirs.things["delivery"]}),
    ),
]  # fmt: skip
