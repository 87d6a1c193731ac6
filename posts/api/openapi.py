"""Examples and parameters of the operations on channels, superpowers and published posts."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from accounts.api.openapi import error_example, limit_too_large_example, validation_error_example

PAGE = "FB_PAGE_104857600000001"
POST: dict[str, Any] = {
    "id": "104857600000001_122100000000001",
    "mediumId": PAGE,
    "mediumType": "FB_PAGE",
    "type": "POST",
    "caption": "The terrace is open 👋",
    "mediaUrl": "https://media.example.com/terrace.jpg",
    "mediaType": "IMAGE",
    "thumbnailUrl": None,
    "permalink": "https://www.facebook.com/104857600000001/posts/122100000000001",
    "publishedAt": "2031-07-01T13:00:01.000Z",
    "metrics": {"likes": 48, "comments": 7, "shares": 3, "reactions": {"like": 41, "love": 7}},
    "superpower": None,
    "scheduledPostId": "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11",
}
REEL = {
    **POST,
    "id": "17900000000000001",
    "mediumId": "INSTAGRAM_ACCOUNT_17841400000000001",
    "mediumType": "INSTAGRAM_ACCOUNT",
    "type": "REEL",
    "mediaUrl": "https://media.example.com/terrace.mp4",
    "mediaType": "VIDEO",
    "thumbnailUrl": "https://media.example.com/terrace-still.jpg",
    "permalink": "https://www.instagram.com/reel/C0123456789/",
    "metrics": {"likes": 48, "comments": 7, "shares": None, "reactions": None},
    "scheduledPostId": None,
}
COMMENT: dict[str, Any] = {
    "id": "122100000000001_22000000000001",
    "parentId": None,
    "text": "What time do you close?",
    "createdAt": "2031-07-01T13:00:00.000Z",
    "author": {"id": "6900000000000001", "name": "Maria Silva"},
    "likes": 2,
    "replies": 0,
    "hidden": False,
}
REPLY: dict[str, Any] = {
    **COMMENT,
    "id": "122100000000001_22000000000002",
    "parentId": COMMENT["id"],
    "text": "At midnight!",
    "author": None,
}
METRICS: dict[str, tuple[str, Any]] = {
    "post_media_view": ("Lifetime Post Media Views", 1840),
    "post_clicks_by_type": ("Lifetime Post Clicks by type", {"photo view": 71, "link clicks": 25}),
    "post_reactions_by_type_total": ("Lifetime Total Post Reactions by Type", {"like": 41, "love": 7}),
    "post_activity_by_action_type": ("Lifetime Post Stories by action type", {"like": 48, "comment": 7, "share": 3}),
    "post_total_media_view_unique": ("Lifetime Post Total Viewers", 1210),
}
METRIC_REFUSED = "The platform does not take this: (#100) The value must be a valid insights metric"
INSIGHTS = {
    "postId": POST["id"],
    "mediumId": PAGE,
    "insights": [
        {
            "name": name,
            "period": "lifetime",
            "title": title,
            "description": f"{title} of this post since it was published.",
            "value": value,
        }
        for name, (title, value) in METRICS.items()
    ],
    "unavailable": [{"name": "post_clicks", "reason": METRIC_REFUSED}],
    "fetchedAt": "2031-07-02T09:00:00.000Z",
}
CSV = (
    "\ufeffid,parent_id,created_at,author_id,author_name,text,likes,replies,hidden\r\n"
    "122100000000001_22000000000000,,2031-07-01T12:59:00.000Z,6900000000000001,Maria Silva,Até já!,0,0,false\r\n"
    f"{COMMENT['id']},,2031-07-01T13:00:00.000Z,6900000000000001,Maria Silva,What time do you close?,2,0,false\r\n"
)
CHANNEL_EXPIRED = (
    "The access token has expired: Error validating access token: Session has expired on Saturday, 13-Jun-26 05:00:00 "
    "PDT. The current time is Saturday, 13-Jun-26 06:12:44 PDT; a person has to connect the channel again"
)
APP_THROTTLED = "The app has made too many calls: (#4) Application request limit reached"
SUPERPOWER = {
    "name": "Greeter",
    "hashtag": "greeter",
    "templateType": "GENERAL",
    "active": True,
    "creativeTemplateId": "9a7f2c1e-0d4b-4c55-9b0a-3f1de2a7c681",
    "creativeTemplateName": "Greeter",
}
REPLY_RULE = {
    "id": "r1",
    "scope": "PRIVATE",
    "broadcastMessageType": "REGULAR",
    "text": "Here is the menu, @[mention_user]",
    "mediaUrl": "https://media.example.com/menu.jpg",
    "mediaType": "image",
    "attachmentId": "1160000000000001",
    "subtitle": "Casa do Sol",
    "isAIGenerated": True,
    "isAiGeneratedEdited": True,
    "active": True,
    "redirects": [
        {
            "id": "b1",
            "text": "The menu",
            "description": "All dishes",
            "url": "https://casadosol.example/menu",
            "d10xUrl": "https://links.example/m",
        }
    ],
}
CONDITIONAL = {
    **SUPERPOWER,
    "id": "5d9a1d5a-2f52-4c3f-9a55-0a2f5ff2c6b1",
    "hashtag": "Menu",
    "lookupHashtag": "menu",
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "thumbnail": "https://media.example.com/menu-small.jpg",
    "notes": "For the summer",
    "note": "For the summer",
    "caption": "Write MENU below",
    "expirationDate": 1_943_913_600_000,
    "conditionGroups": [
        {
            "groupId": "g1",
            "name": "asked for the menu",
            "probability": 1,
            "autoLike": True,
            "autoLikeProbability": 0.5,
            "publicRepliesProbability": 0.5,
            "conditions": [
                {
                    "conditionType": "USER_ACTION",
                    "userActionType": "COMMENTED",
                    "values": ["menu"],
                    "aiValues": ["carte"],
                    "logicalCondition": "ANY_VALUE",
                }
            ],
            "publicReplies": [{"scope": "PUBLIC", "text": "Look at your messages!", "like": True}],
            "privateReplies": [REPLY_RULE],
        }
    ],
}

POST_ID = OpenApiParameter(
    "post_id",
    str,
    OpenApiParameter.PATH,
    description="The post's id on its platform.",
    examples=[OpenApiExample("A post", POST["id"])],
)
MEDIUM_ID = OpenApiExample("A Page", PAGE, parameter_only=("mediumId", "query"))
UNKNOWN_CHANNEL = error_example(
    "Unknown channel",
    400,
    "Unknown mediumId",
    [{"path": ["mediumId"], "message": "Unknown mediumId", "code": "channel.unknown"}],
)
ONE_POST = [
    MEDIUM_ID,
    UNKNOWN_CHANNEL,
    validation_error_example("Without its channel", ["mediumId"], "any.required", "is required"),
]
FROM_PLATFORM = [
    *ONE_POST,
    error_example("A channel to connect again", 502, CHANNEL_EXPIRED),
    error_example("Rate limited by the platform", 503, APP_THROTTLED),
]

UNKNOWN_WORKSPACE = error_example(
    "A workspace",
    400,
    "Unknown workspaceId",
    [{"path": ["workspaceId"], "message": "Unknown workspaceId", "code": "workspace.unknown"}],
)
LIST_CHANNELS = [
    UNKNOWN_WORKSPACE,
    OpenApiExample("A Page", {"id": PAGE, "type": "FB_PAGE", "name": "Casa do Sol"}),
    error_example(
        "Unknown workspace",
        400,
        "Unknown workspaceId",
        [{"path": ["workspaceId"], "message": "Unknown workspaceId", "code": "workspace.unknown"}],
    ),
    limit_too_large_example(),
]
LIST_SUPERPOWERS = [
    OpenApiExample("A template", SUPERPOWER),
    OpenApiExample("A template with conditions", CONDITIONAL),
    limit_too_large_example(),
]
LIST_POSTS = [
    OpenApiExample("One channel, one month", POST),
    MEDIUM_ID,
    OpenApiExample("A day", "2031-07-01", parameter_only=("startDate", "query")),
    OpenApiExample("A day", "2031-07-31", parameter_only=("endDate", "query")),
    UNKNOWN_CHANNEL,
    validation_error_example("No date", ["startDate"], "string.isoDate", "must be in iso format", value="yesterday"),
    limit_too_large_example(),
]
READ_POST = [OpenApiExample("A published post", POST), OpenApiExample("A reel", REEL), *ONE_POST]
READ_INSIGHTS = [OpenApiExample("Known metrics", INSIGHTS), *FROM_PLATFORM]
READ_COMMENTS = [
    OpenApiExample(
        "A page of two", {"items": [COMMENT, REPLY], "returned": 2, "mayHaveMore": True, "nextCursor": "eyJ2IjoxfQ"}
    ),
    limit_too_large_example(100),
    validation_error_example("A cursor of another list", ["after"], "any.only", "must be one that this list returned"),
    *FROM_PLATFORM,
]
EXPORT_COMMENTS = [
    OpenApiExample("A file", CSV, media_type="text/csv"),
    OpenApiExample("A link", {"totalCount": 2, "csvUrl": "https://dynamo.example/exports/eyJmaWxlIjoi"}),
    *FROM_PLATFORM,
]
