"""Examples and parameters of the operations on scheduled posts."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from accounts.api.openapi import (
    ERRORS,
    INVALID_JSON,
    SIGNATURE_ERRORS,
    error_example,
    limit_too_large_example,
    response_header,
    validation_error_example,
)
from accounts.api.serializers import NO_OFFSET
from scheduling.lifecycle import Status

PAGE = "FB_PAGE_104857600000001"
MEDIA = "https://res.cloudinary.com/demo/image/upload/sample.png"
DRAFT: dict[str, Any] = {
    "status": "DRAFT",
    "media": MEDIA,
    "mediaType": "IMAGE",
    "scheduledFor": "2031-07-01T13:00:00.000Z",
    "channels": {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋"}},
}
SUBMITTED = {
    **DRAFT,
    "status": "WAITING_FOR_APPROVAL",
    "scheduledFor": "2031-07-01T15:00:00+02:00",
    "brief": "The terrace opens that day.",
}
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
CAROUSEL: dict[str, Any] = {
    "mediaItems": [
        {"url": MEDIA, "altText": "A beach at noon"},
        {"url": "https://res.cloudinary.com/demo/image/upload/kitten.jpg", "mediaType": "IMAGE"},
    ],
    "isAiGenerated": True,
}
OWN: dict[str, Any] = {"externalId": "menu-2031-27", "metadata": {"campaign": "terrace"}}
WITH_SUPERPOWER = {"channels": {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": GREETER}}}
AGENT = {"kind": "API_KEY", "id": "dk_4f9d2c7be0a15386c1d27a90", "name": "agent"}
RITA = {"kind": "USER", "id": "7", "name": "Rita Sousa"}
CHECKS = [
    {
        "code": "schedule",
        "severity": "PASSED",
        "message": "Published at 13:00 on a Tuesday, UTC time.",
        "channelId": None,
    }
]
REJECTED = {
    "decision": "REJECTED",
    "by": RITA,
    "at": "2031-06-24T10:00:00.000Z",
    "version": 1,
    "notes": "Shorter, please",
    "correctedBy": None,
}
APPROVED = {**REJECTED, "decision": "APPROVED", "notes": None}
OUTCOME = {
    "state": "PUBLISHED",
    "postId": "104857600000001_122100000000001",
    "permalink": "https://www.facebook.com/104857600000001/posts/122100000000001",
    "publishedAt": "2031-07-01T13:00:01.412Z",
    "error": None,
}


def medium(**changes: Any) -> dict[str, Any]:
    return {PAGE: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": None, "outcome": None, **changes}}


def post_json(**changes: Any) -> dict[str, Any]:
    return {
        "id": "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11",
        "orgId": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90",
        "type": "POST",
        "status": "DRAFT",
        "media": MEDIA,
        "mediaType": "IMAGE",
        "mediaItems": None,
        "altText": None,
        "isAiGenerated": False,
        "scheduledFor": "2031-07-01T13:00:00.000Z",
        "taskId": None,
        "mediumsData": medium(),
        "notes": None,
        "review": None,
        "checks": CHECKS,
        "externalId": None,
        "metadata": {},
        "brief": None,
        "createdBy": AGENT,
        "updatedBy": AGENT,
        "createdAt": "2031-06-24T09:12:44.120Z",
        "updatedAt": "2031-06-24T09:12:44.120Z",
        "version": 1,
        **changes,
    }


def request_example(name: str, body: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, body, request_only=True)


def response_example(name: str, **changes: Any) -> OpenApiExample:
    return OpenApiExample(name, post_json(**changes), response_only=True)


def state_conflict_example(verb: str, status: str, *allowed: str) -> OpenApiExample:
    name = f"A {status.lower().replace('_', ' ')} post"
    return error_example(name, 409, f"Cannot {verb} a {status} post", {"status": status, "allowed": list(allowed)})


def rule_violation_example(name: str, *violations: tuple[list[str], str, str]) -> OpenApiExample:
    """Return the example of violated rules: for each its path, message and code."""
    details = [{"path": path, "message": message, "code": code} for path, message, code in violations]
    return error_example(name, 400, violations[0][1], details)


POST_ID = OpenApiParameter(
    "post_id",
    UUID,
    OpenApiParameter.PATH,
    description="The scheduled post's id.",
    examples=[OpenApiExample("A scheduled post", post_json()["id"])],
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='The `version` that you have read, `"3"`, or the `ETag`; a stale one is answered 412.',
    examples=[OpenApiExample("The first version", '"1"')],
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` that you have: the answer is 304 when it is still the post's.",
)
ETAG = response_header("ETag", "The state of the post, for `If-Match` and `If-None-Match`.", [200, 201, 304])
NOT_MODIFIED = OpenApiResponse(description="The `ETag` in `If-None-Match` is still the post's.")
IN_PROGRESS = error_example(
    "The same key at the same time",
    409,
    "A request with this Idempotency-Key is in progress",
    code="idempotency.in_progress",
)
OLD_VERSION = error_example(
    "An old version", 412, "This post is at version 1, revision 2", {"version": 1, "revision": 2}
)
VERSION_REQUIRED = error_example(
    "An edit by a person",
    428,
    "A person edited this post: send If-Match with the version that you have read",
    {"version": 2, "revision": 3},
    code="precondition.required",
)
WITH_REASON: dict[str, Any] = {"reason": "The terrace stays closed that day."}
TOO_LONG_REASON = validation_error_example(
    "Too long a reason",
    ["reason"],
    "string.max",
    "length must be less than or equal to 1000 characters long",
    limit=1000,
)
NO_MEDIA = (["media"], "A post needs a media URL", "media.missing")
NOTHING = [
    (["scheduledFor"], "A post needs a scheduled time: scheduledFor", "scheduledFor.missing"),
    NO_MEDIA,
    (["channels"], "A post needs at least one channel", "channels.empty"),
]
INCOMPLETE = [
    {"path": ["channels", PAGE, "superpower", name], "message": f"{name} is missing", "code": "superpower.incomplete"}
    for name in ("name", "templateType")
]
CHANGE_ERRORS = [
    rule_violation_example(
        "Unknown channel", (["channels", "FB_PAGE_4711"], "Unknown channel FB_PAGE_4711", "channel.unknown")
    ),
    error_example("Hashtag in use", 409, "Hashtag already in use", code="superpower.hashtag_in_use"),
    error_example(
        "External id in use",
        409,
        "The externalId is in use",
        {"id": "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11"},
        code="external_id.in_use",
    ),
    validation_error_example(
        "A time without an offset",
        ["scheduledFor"],
        "string.isoDate",
        NO_OFFSET,
        value="2031-07-01T13:00:00",
    ),
    validation_error_example(
        "A condition without values",
        ["channels", PAGE, "superpower", "conditionGroups", 0, "conditions", 0, "values"],
        "array.min",
        "must contain at least 1 items",
        limit=1,
    ),
    error_example(
        "Incomplete superpower",
        422,
        "The superpower's template is incomplete: name, templateType is missing",
        INCOMPLETE,
    ),
    INVALID_JSON,
]

LIST_POSTS = [
    OpenApiExample("Waiting posts", post_json(status="WAITING_FOR_APPROVAL", checks=None)),
    rule_violation_example("Unknown channel", (["channelId"], "Unknown channelId", "channel.unknown")),
    OpenApiExample("A Page", PAGE, parameter_only=("channelId", "query")),
    OpenApiExample("A day", "2031-07-01", parameter_only=("from", "query")),
    OpenApiExample("A day", "2031-07-31", parameter_only=("to", "query")),
    OpenApiExample("Waiting", "WAITING_FOR_APPROVAL", parameter_only=("status", "query")),
    validation_error_example(
        "Unknown state",
        ["status"],
        "any.only",
        f"must be one of [{', '.join(Status.values)}]",
        value="LIVE",
        valids=Status.values,
    ),
    limit_too_large_example(),
]
CREATE_POST = [
    IN_PROGRESS,
    request_example("A draft", DRAFT),
    response_example("A draft"),
    request_example("Submitted at once", SUBMITTED),
    response_example("Submitted at once", status="WAITING_FOR_APPROVAL", brief=SUBMITTED["brief"]),
    request_example("A draft with a superpower", WITH_SUPERPOWER),
    response_example(
        "A draft with a superpower",
        scheduledFor=None,
        media=None,
        mediaType=None,
        mediumsData=medium(superpower=GREETER),
    ),
    request_example("A draft with an id of your own", OWN),
    response_example(
        "A draft with an id of your own", **OWN, media=None, mediaType=None, scheduledFor=None, mediumsData={}
    ),
    request_example("A draft with two images", CAROUSEL),
    response_example(
        "A draft with two images",
        mediaType=None,
        mediaItems=[{"mediaType": None, "altText": None, **item} for item in CAROUSEL["mediaItems"]],
        isAiGenerated=True,
        scheduledFor=None,
        mediumsData={},
    ),
    request_example("An empty draft", {}),
    response_example("An empty draft", media=None, mediaType=None, scheduledFor=None, mediumsData={}),
    rule_violation_example(
        "Its date has passed", (["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")
    ),
    rule_violation_example("Nothing in it", *NOTHING),
    validation_error_example(
        "Scheduling is for people",
        ["status"],
        "any.only",
        "must be one of [DRAFT, WAITING_FOR_APPROVAL]",
        value="SCHEDULED",
        valids=["DRAFT", "WAITING_FOR_APPROVAL"],
    ),
    *CHANGE_ERRORS,
]
VALIDATE_POST = [
    request_example("A post to be submitted", SUBMITTED),
    OpenApiExample(
        "A post to be submitted",
        {"valid": True, "violations": [], "warnings": [], "mediaChecked": False},
        response_only=True,
    ),
    request_example("Nothing in it", {}),
    OpenApiExample(
        "Nothing in it",
        {
            "valid": False,
            "violations": [{"path": path, "message": message, "code": code} for path, message, code in NOTHING],
            "warnings": [],
            "mediaChecked": False,
        },
        response_only=True,
    ),
    INVALID_JSON,
]
READ_POST = [
    response_example("A draft"),
    response_example("Published", status="PUBLISHED", checks=[], review=APPROVED, mediumsData=medium(outcome=OUTCOME)),
]
UPDATE_POST = [
    request_example("Another date", {"scheduledFor": "2031-07-01T08:30:00Z"}),
    response_example("Another date", scheduledFor="2031-07-01T08:30:00.000Z", version=2),
    request_example("Back from rejected", {"status": "DRAFT"}),
    response_example("Back from rejected", notes="Shorter, please", review=REJECTED),
    rule_violation_example("No longer publishable", NO_MEDIA),
    state_conflict_example("update", "SCHEDULED", "revert", "delete"),
    OLD_VERSION,
    VERSION_REQUIRED,
    *CHANGE_ERRORS,
]
DELETE_POST = [
    OLD_VERSION,
    VERSION_REQUIRED,
    OpenApiExample("Deleted", {"message": "Scheduled post deleted"}),
    state_conflict_example("delete", "PUBLISHED"),
    TOO_LONG_REASON,
    INVALID_JSON,
]
SUBMIT_POST = [
    IN_PROGRESS,
    OLD_VERSION,
    VERSION_REQUIRED,
    response_example("Submitted", status="WAITING_FOR_APPROVAL"),
    rule_violation_example("Nothing in it", *NOTHING),
    state_conflict_example("submit", "SCHEDULED", "revert", "delete"),
]
REJECT_POST = [
    IN_PROGRESS,
    OLD_VERSION,
    VERSION_REQUIRED,
    request_example("Sent back", {"notes": "Shorter, please"}),
    response_example("Sent back", status="REJECTED", notes="Shorter, please", review={**REJECTED, "by": AGENT}),
    state_conflict_example("reject", "DRAFT", "submit-for-approval", "update", "delete"),
    validation_error_example("Without notes", ["notes"], "any.required", "is required"),
    validation_error_example("Blank notes", ["notes"], "string.empty", "is not allowed to be empty", value=" "),
    INVALID_JSON,
]
REVERT_POST = [
    IN_PROGRESS,
    OLD_VERSION,
    VERSION_REQUIRED,
    request_example("With a reason", WITH_REASON),
    response_example("Taken back"),
    TOO_LONG_REASON,
    INVALID_JSON,
    state_conflict_example("revert", "DRAFT", "submit-for-approval", "update", "delete"),
]
HUMAN_ONLY = OpenApiResponse(
    ERRORS[403].response,
    "Envelope B: the signature is missing or wrong, or the action requires a person.",
    [
        *SIGNATURE_ERRORS,
        error_example(
            "Whatever the post",
            403,
            "A human reviewer approves and schedules posts, in the app; the API cannot",
            code="approval.human_only",
        ),
    ],
)
