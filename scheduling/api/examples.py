"""Requests for scheduled posts, and what they are answered."""

from typing import Any

from accounts.api.examples import NOT_JSON, UNKNOWN, Example, misshapen, no_limit, refused

PAGE = "FB_PAGE_104857600000001"
MEDIA = "https://res.cloudinary.com/demo/image/upload/sample.png"
DRAFT: dict[str, Any] = {
    "status": "DRAFT",
    "media": MEDIA,
    "mediaType": "IMAGE",
    "scheduledFor": "2031-07-01T13:00:00.000Z",
    "channels": {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋"}},
}
PASSED = {**DRAFT, "scheduledFor": "2024-07-01T13:00:00.000Z"}
GREETER: dict[str, Any] = {
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


def powered(superpower: dict[str, Any]) -> dict[str, Any]:
    """Return what a client sends for a channel with a superpower."""
    return {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": superpower}}


def medium(**changes: Any) -> dict[str, Any]:
    """Return what comes out for a channel."""
    return {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": None, "outcome": None, **changes}}


def document(**changes: Any) -> dict[str, Any]:
    """Return a whole document, that of a draft unless it is said otherwise."""
    return {
        "id": "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11",
        "orgId": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90",
        "type": "POST",
        "status": "DRAFT",
        "media": MEDIA,
        "mediaType": "IMAGE",
        "scheduledFor": "2031-07-01T13:00:00.000Z",
        "taskId": None,
        "mediumsData": medium(),
        "notes": None,
        "brief": None,
        "createdBy": {"kind": "API_KEY", "id": "dk_4f9d2c7be0a15386c1d27a90", "name": "agent"},
        "createdAt": "2031-06-24T09:12:44.120Z",
        "updatedAt": "2031-06-24T09:12:44.120Z",
        "version": 1,
        **changes,
    }


def elsewhere(verb: str, status: str, allowed: list[str], **more: Any) -> Example:
    """Return the example of a post whose state does not allow this."""
    details = {"status": status, "allowed": allowed}
    name = f"A {status.lower().replace('_', ' ')} post"
    return refused(name, 409, f"Cannot {verb} a {status} post", f"a {status} post", details=details, **more)


def broken(name: str, given: str, *problems: tuple[list[str], str, str], **more: Any) -> Example:
    """Return the example of rules that the content breaks: for each its path, message and code."""
    details = [{"path": path, "message": message, "code": code} for path, message, code in problems]
    return refused(name, 400, problems[0][1], given, details=details, **more)


PAST = (["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")
MISSING = [
    (["scheduledFor"], "A post needs a time to go out at: scheduledFor", "scheduledFor.missing"),
    (["media"], "A post needs a media URL", "media.missing"),
    (["channels"], "A post needs at least one channel", "channels.empty"),
]
FOREIGN = "FB_PAGE_4711"
UNKNOWN_CHANNEL = broken(
    "Unknown channel", "",
    (["channels", FOREIGN], f"Unknown channel {FOREIGN}", "channel.unknown"),
    body={"channels": {FOREIGN: {"mediumType": "FB_PAGE", "caption": "Hello 👋"}}},
)  # fmt: skip
TAKEN = refused(
    "Hashtag in use", 409, "Hashtag already in use", "a hashtag in use", body={"channels": powered(GREETER)}
)
INCOMPLETE = refused(
    "Incomplete superpower", 422, "The superpower's template is incomplete: name, templateType is missing",
    body={"channels": powered({"hashtag": "welcome"})},
    details=[
        {"path": ["channels", PAGE, "superpower", one], "message": f"{one} is missing", "code": "superpower.incomplete"}
        for one in ("name", "templateType")
    ],
)  # fmt: skip
NO_VALUES = misshapen(
    "A condition without values",
    ["channels", PAGE, "superpower", "conditionGroups", 0, "conditions", 0, "values"],
    "array.min",
    "must contain at least 1 items",
    sent={
        "body": {"channels": powered({**GREETER, "conditionGroups": [{"conditions": [{"values": []}]}]})},
        "context": {"limit": 1},
    },
)
SCHEDULING = misshapen(
    "Scheduling is for people", ["status"], "any.only", "must be one of [DRAFT, WAITING_FOR_APPROVAL]",
    sent={
        "body": {**DRAFT, "status": "SCHEDULED"},
        "context": {"value": "SCHEDULED", "valids": ["DRAFT", "WAITING_FOR_APPROVAL"]},
    },
)  # fmt: skip
NO_OFFSET = misshapen(
    "A time without an offset", ["scheduledFor"], "string.isoDate", "must be in iso format",
    sent={"body": {"scheduledFor": "2031-07-01T13:00:00"}, "context": {"value": "2031-07-01T13:00:00"}},
)  # fmt: skip
FROM_DRAFT = ["submit-for-approval", "update", "delete"]
WHY = "The terrace opens that day."
STATES = ["DRAFT", "WAITING_FOR_APPROVAL", "REJECTED", "SCHEDULED", "PUBLISHING", "PUBLISHED", "FAILED"]

LISTING = [
    Example("What waits", 200, [document(status="WAITING_FOR_APPROVAL")], "a WAITING_FOR_APPROVAL post",
            query={"status": "WAITING_FOR_APPROVAL", "limit": "10"}),
    Example("What goes out", 200, [document(status="SCHEDULED", taskId="0b7c1f6e-9f35-4f52-8a51-2f5d0c4b7e66")],
            "a SCHEDULED post"),
    misshapen("Unknown state", ["status"], "any.only", f"must be one of [{', '.join(STATES)}]",
              sent={"query": {"status": "LIVE"}, "context": {"value": "LIVE", "valids": STATES}}),
    no_limit(),
]  # fmt: skip
CREATING = [
    Example("A draft", 201, document(), body=DRAFT),
    Example(
        "Submitted at once", 201, document(status="WAITING_FOR_APPROVAL", brief=WHY),
        body={**DRAFT, "status": "WAITING_FOR_APPROVAL", "scheduledFor": "2031-07-01T15:00:00+02:00",
              "brief": WHY},
    ),
    Example(
        "A draft with a superpower", 201,
        document(scheduledFor=None, media=None, mediaType=None, mediumsData=medium(superpower=GREETER)),
        body={"channels": powered(GREETER)},
    ),
    Example("An empty draft", 201, document(media=None, mediaType=None, scheduledFor=None, mediumsData={}), body={}),
    broken("Its date has passed", "", PAST, body={**PASSED, "status": "WAITING_FOR_APPROVAL"}),
    broken("Nothing in it", "", *MISSING, body={"status": "WAITING_FOR_APPROVAL"}),
    UNKNOWN_CHANNEL, TAKEN, SCHEDULING, NO_OFFSET, NO_VALUES, INCOMPLETE, NOT_JSON,
]  # fmt: skip
READING = [
    Example("A draft", 200, document(), "a DRAFT post"),
    Example(
        "Published", 200,
        document(status="PUBLISHED", version=2, mediumsData=medium(outcome={
            "state": "PUBLISHED", "postId": "104857600000001_122100000000001",
            "permalink": "https://www.facebook.com/104857600000001/posts/122100000000001",
            "publishedAt": "2031-07-01T13:00:01.412Z", "error": None,
        })),
        "a PUBLISHED post",
    ),
    UNKNOWN,
]  # fmt: skip
CHANGING = [
    Example("Another date", 200, document(scheduledFor="2031-07-01T08:30:00.000Z", version=2), "a DRAFT post",
            body={"scheduledFor": "2031-07-01T08:30:00Z"}, headers={"If-Match": '"1"'}),
    Example("Back from rejected", 200, document(notes="Shorter, please"), "a REJECTED post", body={"status": "DRAFT"}),
    broken("No longer publishable", "a WAITING_FOR_APPROVAL post", MISSING[1], body={"media": None}),
    UNKNOWN_CHANNEL, UNKNOWN, TAKEN,
    elsewhere("update", "SCHEDULED", ["revert", "delete"], body={"media": MEDIA}),
    refused("An old version", 412, "This post is at version 1", "a DRAFT post", details={"version": 1},
            body={"brief": "Newer"}, headers={"If-Match": '"7"'}),
    NO_OFFSET, NO_VALUES, INCOMPLETE, NOT_JSON,
]  # fmt: skip
DELETING = [
    Example("Deleted", 200, {"message": "Scheduled post deleted"}, "a DRAFT post"),
    UNKNOWN, elsewhere("delete", "PUBLISHED", []),
]  # fmt: skip
SUBMITTING = [
    Example("Handed over", 200, document(status="WAITING_FOR_APPROVAL"), "a DRAFT post"),
    broken("Nothing in it", "an empty DRAFT post", *MISSING),
    UNKNOWN, elsewhere("submit", "SCHEDULED", ["revert", "delete"]),
]  # fmt: skip
REJECTING = [
    Example("Sent back", 200, document(status="REJECTED", notes="Shorter, please"), "a WAITING_FOR_APPROVAL post",
            body={"notes": "Shorter, please"}),
    UNKNOWN, elsewhere("reject", "DRAFT", FROM_DRAFT, body={"notes": "Shorter, please"}),
    misshapen("Without notes", ["notes"], "any.required", "is required", sent={"body": {}}),
    misshapen("Blank notes", ["notes"], "string.empty", "is not allowed to be empty",
              sent={"body": {"notes": " "}, "context": {"value": " "}}),
    NOT_JSON,
]  # fmt: skip
REVERTING = [
    Example("Taken back", 200, document(), "a SCHEDULED post"),
    UNKNOWN, elsewhere("revert", "DRAFT", FROM_DRAFT),
]  # fmt: skip
PEOPLE = "A human reviewer approves and schedules posts, in the app; the API cannot"
BY_PEOPLE = [refused("Whatever the post", 403, PEOPLE, "nothing there")]
