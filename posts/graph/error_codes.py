"""The platform's error codes: one table, in the order of Meta's error references (Graph API; Instagram publishing).

A code is looked up with its subcode first, then alone. HTTP statuses are not used: 400, 403 and 500 have all been
recorded for the same code. Texts, which can be localised, are used for the codes of TEXTS only, each of which means
several things.
"""

import re
from typing import NamedTuple

from posts.graph import errors
from posts.graph.errors import GraphError

ANY = range(-10_000, 10_000_000)
TIMED_OUT = -2
SPAM = (4, 2207051)  # ambiguous after publishing; a block for calls that publish nothing


class Row(NamedTuple):
    """`code` is one code or a range; `subcode` None stands for every subcode without a row of its own."""

    code: int | range
    subcode: int | None
    meaning: str
    kind: type[GraphError]


TABLE: tuple[Row, ...] = tuple(Row(*row) for row in (
    # transient: a write may have taken effect (recorded: seven duplicate posts after 500s with code 2)
    (1,                 None,    "The platform had an unknown error",                       errors.Ambiguous),
    (2,                 None,    "The platform's service is temporarily unavailable",       errors.Ambiguous),
    (-1,                None,    "The platform had an internal error",                      errors.Ambiguous),
    (TIMED_OUT,         None,    "The platform timed out",                                  errors.ResponseTimeout),
    (20,                1772107, "The answer's fields were refused, not the write",         errors.Ambiguous),
    (ANY,               1609010, "The platform's service is in trouble",                    errors.Ambiguous),
    (ANY,               1363047, "The platform's service is in trouble",                    errors.Ambiguous),
    # throttled: the call was refused
    (4,                 None,    "The app has made too many calls",                         errors.Throttled),
    (17,                None,    "The token's user has made too many calls",                errors.Throttled),
    (32,                None,    "Too many calls for this Page",                            errors.Throttled),
    (341,               None,    "The app has reached a limit",                             errors.Throttled),
    (613,               None,    "Too many calls of this kind",                             errors.Throttled),
    (range(80000, 80015), None,  "Too many calls for this account",                         errors.Throttled),
    # auth
    (102,               None,    "The session has ended",                                   errors.AuthFailed),
    (104,               None,    "The call carried no valid token or signature",            errors.AuthFailed),
    (190,               None,    "The access token is no longer valid",                     errors.AuthFailed),
    (190,               458,     "The app was removed from the account",                    errors.AuthFailed),
    (190,               459,     "The account has to pass a checkpoint",                    errors.AuthFailed),
    (190,               460,     "The account's password was changed",                      errors.AuthFailed),
    (190,               463,     "The access token has expired",                            errors.AuthFailed),
    (190,               464,     "The account is not confirmed",                            errors.AuthFailed),
    (190,               467,     "The access token was invalidated",                        errors.AuthFailed),
    (190,               492,     "The person lost the role on the Page",                    errors.AuthFailed),
    (190,               2069032, "The token is a person's, not the Page's",                 errors.AuthFailed),
    # configuration: every call carries a token, so 2500 is about the version or the path
    (2500,              None,    "The platform does not know the API version or the path",  errors.ConfigurationError),
    # permission
    (3,                 None,    "The app may not do this",                                 errors.PermissionDenied),
    (10,                None,    "The permission is missing or was withdrawn",              errors.PermissionDenied),
    (range(200, 300),   None,    "A permission is missing",                                 errors.PermissionDenied),
    (200,               458,     "Access to the API is blocked",                            errors.PermissionDenied),
    # a person has to act at the platform: scheduling/domain/channel_health.py names what and where
    (ANY,               1404078, "The Page needs Page Publishing Authorization",            errors.ActionRequired),
    (ANY,               4854002, "The person has to confirm their identity",                errors.ActionRequired),
    (ANY,               1885183, "The Meta app is in development mode",                     errors.ActionRequired),
    # invalid
    (12,                None,    "The platform no longer has this",                         errors.RemovedFromVersion),
    (100,               None,    "The platform does not take this",                         errors.InvalidRequest),
    (100,               33,      "The object is missing or invisible",                      errors.NotFound),
    (100,               2108006, "It was published before the account was a professional one", errors.InvalidRequest),
    (100,               1366046, "The image cannot be read or is too large",              errors.InvalidRequest),
    (100,               36007,   "The authorization code has expired",                      errors.InvalidRequest),
    (100,               36008,   "The redirect address is not the one of the dialog",       errors.InvalidRequest),
    (100,               36009,   "The authorization code has been used",                    errors.InvalidRequest),
    (101,               None,    "The app id is unknown",                                   errors.InvalidRequest),
    (105,               None,    "Too many parameters",                                     errors.InvalidRequest),
    (120,               None,    "The album is invalid",                                    errors.InvalidRequest),
    (194,               None,    "A parameter is missing",                                  errors.InvalidRequest),
    (197,               None,    "The post is empty",                                       errors.InvalidRequest),
    (321,               None,    "The album is full",                                       errors.InvalidRequest),
    (324,               None,    "The image is missing or invalid",                       errors.InvalidRequest),
    (352,               None,    "The video is not supported",                               errors.InvalidRequest),
    (803,               None,    "The name is unknown",                                     errors.InvalidRequest),
    (1500,              None,    "The link is invalid",                                     errors.InvalidRequest),
    (1609005,           None,    "The link cannot be posted",                               errors.InvalidRequest),
    (5101,              None,    "The file is too large",                                   errors.InvalidRequest),
    (6000,              None,    "The video cannot be uploaded",                             errors.InvalidRequest),
    (ANY,               1404102, "The content goes against the community standards",        errors.InvalidRequest),
    (ANY,               1609008, "Links to facebook.com are not allowed",                   errors.InvalidRequest),
    (ANY,               2061006, "The URL is bad",                                          errors.InvalidRequest),
    (ANY,               2069019, "The file is bad",                                         errors.InvalidRequest),
    # upload sessions: nothing is visible before they are finished
    (ANY,               1363037, "A piece of the upload came out of order",                 errors.RestageRequired),
    (ANY,               1363041, "The upload session is not valid any more",                errors.RestageRequired),
    # duplicate
    (506,               None,    "The same was posted just before",                         errors.Duplicate),
    (ANY,               1366051, "These photos were posted already",                        errors.Duplicate),
    # policy
    (368,               None,    "The platform blocks the account for its behaviour",       errors.PolicyBlock),
    (ANY,               1390008, "The account posts too fast",                              errors.PolicyBlock),
    (ANY,               1346003, "The content was flagged as abusive",                      errors.PolicyBlock),
    (ANY,               1404006, "The account has to pass a security check",                errors.PolicyBlock),
    (ANY,               1404112, "The account is limited",                                  errors.PolicyBlock),
    # Instagram publishing
    (-2,                2207003, "Downloading the media took too long",                     errors.RestageRequired),
    (-2,                2207020, "The container has expired",                               errors.RestageRequired),
    (-1,                2207001, "Instagram had an internal error",                         errors.Ambiguous),
    (-1,                2207032, "The container could not be made",                         errors.Transient),
    (-1,                2207053, "The upload failed for an unknown reason",                 errors.RestageRequired),
    (1,                 2207057, "The thumbnail's offset is out of range",                  errors.InvalidRequest),
    (4,                 2207051, "The action looks like spam; the post may be published",        errors.Ambiguous),
    (9,                 None,    "The account has used up its posts of the day",            errors.QuotaReached),
    (9,                 2207042, "The account has used up its posts of the day",            errors.QuotaReached),
    (24,                2207006, "The media was not found",                                 errors.NotFound),
    (24,                2207008, "The container does not exist or has expired",             errors.RestageRequired),
    (25,                2207050, "The account is restricted or has to pass a checkpoint",   errors.PolicyBlock),
    (100,               2207023, "The media type is unknown",                               errors.InvalidRequest),
    (100,               2207028, "The carousel needs 2 to 10 items",                        errors.InvalidRequest),
    (100,               2207035, "The product tags are invalid",                            errors.InvalidRequest),
    (100,               2207036, "The product tags are invalid",                            errors.InvalidRequest),
    (100,               2207037, "The product tags are invalid",                            errors.InvalidRequest),
    (100,               2207040, "There are too many tags",                                 errors.InvalidRequest),
    (352,               2207026, "The video's format is not supported",                      errors.InvalidRequest),
    (9004,              2207052, "The media could not be fetched",                          errors.Transient),
    (ANY,               2207052, "The media could not be fetched",                          errors.Transient),
    (9007,              2207027, "The media is not ready yet",                              errors.NotReady),
    (36000,             2207004, "The image is too large",                                errors.InvalidRequest),
    (36001,             2207005, "The image's format is not supported",                   errors.InvalidRequest),
    (36003,             2207009, "The image's aspect ratio is not supported",             errors.InvalidRequest),
    (36004,             2207010, "The caption is too long or has too many tags",            errors.InvalidRequest),
    (range(36000, 36005), None,  "The media or its caption breaks a limit",                 errors.InvalidRequest),
    # Instagram, undocumented, seen live: with several codes or in a container's status
    (ANY,               2207073, "Deleting is not supported",                               errors.InvalidRequest),
    (ANY,               2207077, "The video could not be downloaded",                        errors.RestageRequired),
    (ANY,               2207081, "The account may not post trial reels",                    errors.InvalidRequest),
    (ANY,               2207082, "The upload failed",                                       errors.RestageRequired),
    (ANY,               2207085, "The video could not be processed",                         errors.RestageRequired),
    (ANY,               2207089, "A video cannot be published alone under this media type",  errors.InvalidRequest),
))  # fmt: skip


class TextRule(NamedTuple):
    """What `code` means where the platform's text matches: with one of `subcodes`, None for without any."""

    code: int
    subcodes: range | None
    pattern: re.Pattern[str]
    meaning: str
    kind: type[GraphError]


# Codes that mean several things, all recorded: graph-api, sections 7, 10 and 11a.
TEXTS = (
    TextRule(
        100,
        None,
        re.compile(r"app[ _]?secret[ _]?proof", re.IGNORECASE),
        "GRAPH_APP_SECRET is missing or is not the secret of the Meta app",
        errors.ConfigurationError,
    ),
    TextRule(
        100,
        None,
        re.compile(r"\brequires?\b[^.]{0,160}\bpermissions?\b", re.IGNORECASE),
        "A permission is missing",
        errors.PermissionDenied,
    ),
    TextRule(
        368,
        ANY,
        re.compile(r"\balready (?:been )?posted\b", re.IGNORECASE),
        "The same was posted just before",
        errors.Duplicate,
    ),
)

# What a person has to do, and where, by subcode.


def find_by_text(code: int, subcode: int | None, text: str) -> TextRule | None:
    """Return the rule of TEXTS for an error with this text, None where code and subcode decide."""
    for rule in TEXTS:
        if rule.code == code and (rule.subcodes or subcode is None) and rule.pattern.search(text):
            return rule
    return None


def find(code: int, subcode: int | None) -> Row | None:
    """Return the row of code and subcode, else that of the code alone, else None."""
    row_of_code = None
    for row in TABLE:
        matches = code in row.code if isinstance(row.code, range) else code == row.code
        if matches and subcode is not None and row.subcode == subcode:
            return row
        if matches and row.subcode is None:
            row_of_code = row_of_code or row
    return row_of_code


def from_container_status(text: str) -> tuple[int | None, int | None, Row | None]:
    """Return (code, subcode, row) for the 7-digit code in a failed container's status text, else three Nones."""
    match = re.search(r"\b2207\d{3}\b", text)
    if match is None:
        return None, None, None
    subcode = int(match[0])
    row = next((row for row in TABLE if row.subcode == subcode), None)
    code = row.code if row and isinstance(row.code, int) else None
    return code, subcode, row
