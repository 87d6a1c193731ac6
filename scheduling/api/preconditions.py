"""If-Match: the version that a client believes it is changing."""

import re

from rest_framework.request import Request

from scheduling.models import ScheduledPost

NO_VERSION = -1  # one that no post ever has
TAG = re.compile(r'\s*(?:W/)?(?:"(\w+)"|(\w+))\s*')


def expected_version(request: Request, post: ScheduledPost) -> int | None:
    """Return the version that the request insists on, None when it insists on none.

    Quotes are optional, `W/` is ignored, any tag of a list will do, `*` is any version. What is none of this matches
    no version, because a client that sends the header asked not to be taken at a guess.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = [found[1] or found[2] for tag in header.split(",") if (found := TAG.fullmatch(tag))]
    return post.version if str(post.version) in tags else NO_VERSION
