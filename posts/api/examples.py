"""Requests for channels, superpowers and what is live, and what they are answered."""

from typing import Any

from accounts.api.examples import CSV, UNKNOWN, Example, misshapen, no_limit, refused

PAGE = "FB_PAGE_104857600000001"
LIVE = "a live post"
NAMED = {"mediumId": PAGE}
NO_CHANNEL = misshapen("Without its channel", ["mediumId"], "any.required", "is required", sent={"query": {}})
FOREIGN = refused(
    "Unknown channel", 400, "Unknown mediumId", query={"mediumId": "FB_PAGE_4711"},
    details=[{"path": ["mediumId"], "message": "Unknown mediumId", "code": "channel.unknown"}],
)  # fmt: skip
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
EARLIER = "122100000000001_22000000000000"
FIGURES: dict[str, tuple[str, Any]] = {
    "post_media_view": ("Lifetime Post Media Views", 1840),
    "post_clicks_by_type": ("Lifetime Post Clicks by type", {"photo view": 71, "link clicks": 25}),
    "post_reactions_by_type_total": ("Lifetime Total Post Reactions by Type", {"like": 41, "love": 7}),
    "post_activity_by_action_type": ("Lifetime Post Stories by action type", {"like": 48, "comment": 7, "share": 3}),
    "post_total_media_view_unique": ("Lifetime Post Total Viewers", 1210),
}
FILE = (
    "\ufeffid,parent_id,created_at,author_id,author_name,text,likes,replies,hidden\r\n"
    f"{EARLIER},,2031-07-01T12:59:00.000Z,6900000000000001,Maria Silva,Até já!,0,0,false\r\n"
    f"{COMMENT['id']},,2031-07-01T13:00:00.000Z,6900000000000001,Maria Silva,What time do you close?,2,0,false\r\n"
)
DOWN = (
    "The access token has expired: Error validating access token: Session has expired on Saturday, 13-Jun-26 05:00:00 "
    "PDT. The current time is Saturday, 13-Jun-26 06:12:44 PDT; a person has to connect the channel again"
)
BUSY = "The app has made too many calls: (#4) Application request limit reached"
TROUBLE = [
    refused("A channel to connect again", 502, DOWN, f"{LIVE}, and a platform that fails", query=NAMED),
    refused("The platform is busy", 503, BUSY, f"{LIVE}, and a platform that is busy", query=NAMED),
]
KNOWN = {
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
        for name, (title, value) in FIGURES.items()
    ],
    "unavailable": [
        {
            "name": "post_clicks",
            "reason": "The platform does not take this: (#100) The value must be a valid insights metric",
        }
    ],
    "fetchedAt": "2031-07-02T09:00:00.000Z",
}
ASKING = [FOREIGN, NO_CHANNEL, Example("Not found", 404, UNKNOWN.answer, UNKNOWN.given, query=NAMED)]

CONNECTED = [
    {"id": PAGE, "type": "FB_PAGE", "name": "Casa do Sol"},
    {"id": "INSTAGRAM_ACCOUNT_17841400000000042", "type": "INSTAGRAM_ACCOUNT", "name": "casadosol"},
]
CHANNELS = [Example("Two channels", 200, CONNECTED, "two channels"), no_limit()]
SUPERPOWERS = [
    Example("A template", 200, [
        {
            "name": "Greeter",
            "hashtag": "greeter",
            "templateType": "GENERAL",
            "active": True,
            "creativeTemplateId": "9a7f2c1e-0d4b-4c55-9b0a-3f1de2a7c681",
            "creativeTemplateName": "Greeter",
        }
    ], "a superpower template"),
    no_limit(),
]  # fmt: skip
POSTS = [
    Example("One channel, one month", 200, [POST], LIVE,
            query={**NAMED, "startDate": "2031-07-01", "endDate": "2031-07-31"}),
    FOREIGN,
    misshapen("No date", ["startDate"], "string.isoDate", "must be in iso format",
              sent={"query": {"startDate": "yesterday"}, "context": {"value": "yesterday"}}),
    no_limit(),
]  # fmt: skip
ONE = [Example("A published post", 200, POST, LIVE, query=NAMED), *ASKING]
INSIGHTS = [
    Example("What is known", 200, KNOWN, LIVE, query=NAMED),
    *ASKING, *TROUBLE,
]  # fmt: skip
COMMENTS = [
    Example("A page of one", 200, {"items": [COMMENT], "returned": 1, "mayHaveMore": True, "nextCursor": "eyJ2IjoxfQ"},
            LIVE, query={**NAMED, "limit": "1"}),
    no_limit(NAMED, most=100),
    misshapen("A cursor of another list", ["after"], "any.only", "must be one that this list returned",
              sent={"query": {**NAMED, "after": "abc"}}),
    *ASKING, *TROUBLE,
]  # fmt: skip
EXPORT = [
    Example("A file", 200, FILE, LIVE, query=NAMED, kind=CSV),
    Example("A link", 200, {"totalCount": 2, "csvUrl": "https://dynamo.example/exports/eyJmaWxlIjoi"}, LIVE,
            query={**NAMED, "delivery": "url"}),
    *ASKING, *TROUBLE,
]  # fmt: skip
