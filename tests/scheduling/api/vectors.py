"""The contract's replay vectors, and the paths that lead into them."""

from typing import Any

CHANNEL = "FB_PAGE_123456789012345"
DRAFT: dict[str, Any] = {
    "status": "DRAFT",
    "media": "https://res.cloudinary.com/demo/image/upload/sample.png",
    "mediaType": "IMAGE",
    "scheduledFor": "2026-07-01T13:00:00.000Z",
    "channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "Hello 👋"}},
}
SUPERPOWER: dict[str, Any] = {
    "name": "Greeter",
    "hashtag": "myuniquehashtag",
    "active": True,
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "conditionGroups": [
        {
            "name": "everyone",
            "conditions": [{"conditionType": "USER_ACTION", "userActionType": "COMMENTED", "values": ["any"]}],
            "publicReplies": [{"scope": "PUBLIC", "text": "Thanks, @[mention_user]!"}],
            "autoLike": True,
            "autoLikeProbability": 1,
            "probability": 1,
            "publicRepliesProbability": 1,
        }
    ],
}


def powered(superpower: Any) -> dict[str, Any]:
    """Return the draft with a superpower on its channel."""
    return {"channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": superpower}}}


def conflict(action: str, status: str, allowed: list[str]) -> tuple[int, Any]:
    """Return the answer to an action that the post's status forbids."""
    details = {"status": status, "allowed": allowed}
    return 409, {"message": f"Cannot {action} a {status} post", "code": "state.conflict", "details": details}


def invalid(*violations: tuple[list[str], str, str]) -> tuple[int, Any]:
    """Return the answer to content that violates a rule: path, code and message of each violation."""
    details = [{"path": path, "message": message, "code": code} for path, code, message in violations]
    return 400, {"message": details[0]["message"], "code": details[0]["code"], "details": details}
