"""Entity tags of scheduled posts, and the requests that are conditional on them (RFC 9110, section 13).

A tag is `"<version>.<revision>.<12 hex of the body's SHA-256>"`. `If-Match` may give the first part or the first two.
"""

import hashlib
import re
from collections.abc import Callable, Iterator

from rest_framework.request import Request

from accounts.api.authentication import get_api_key
from accounts.exceptions import VersionRequired
from accounts.models import ApiKey
from scheduling.domain.drafts import stale_version
from scheduling.domain.review import Precondition
from scheduling.models import ScheduledPost

TAG = re.compile(r'(W/)?(?:"([^"]*)"|([\w.]+))', re.ASCII)  # quotes are optional, as they always were here


def entity_tag(version: int, revision: int, body: bytes) -> str:
    """Return the tag without its quotes."""
    return f"{version}.{revision}.{hashlib.sha256(body).hexdigest()[:12]}"


def if_match(request: Request, present_tag: Callable[[], str]) -> Precondition | None:
    """Return the precondition of an `If-Match` header; without one, and for `*`, that of the organization's policy.

    The precondition raises StaleVersion unless a tag of the header is that of the post. Weak tags never match: the
    comparison is strong. A malformed header matches no post. `present_tag` reads the post's tag from the database.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return required_by_policy(get_api_key(request))
    tags = [tag for weak, tag in _parse(header) if not weak]

    def check(post: ScheduledPost) -> None:
        state = f"{post.version}.{post.revision}"
        full = present_tag() if any(tag.startswith(f"{state}.") for tag in tags) else state
        if not {str(post.version), state, full} & set(tags):
            raise stale_version(post)

    return check


def required_by_policy(key: ApiKey) -> Precondition | None:
    """Return the precondition of a change without a version: that of the organization's policy."""
    return _require_version if key.organization.require_if_match else None


def _require_version(post: ScheduledPost) -> None:
    """Raise VersionRequired for a post that a person edited last."""
    if post.last_edited_by_user_id is not None:
        message = "A person edited this post: send If-Match with the version that you have read"
        raise VersionRequired(message, {"version": post.version, "revision": post.revision})


def is_unmodified(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names the whole tag: the answer is 304. The comparison is weak."""
    header = request.headers.get("If-None-Match", "")
    return header.strip() == "*" or tag in [given for _, given in _parse(header)]


def _parse(header: str) -> Iterator[tuple[bool, str]]:
    """Yield whether each tag is weak, and the tag without its quotes. Malformed ones are left out."""
    for item in header.split(","):
        if match := TAG.fullmatch(item.strip()):
            yield bool(match[1]), match[3] if match[2] is None else match[2]
