"""One post by its id, and whether the account answers at all."""

from collections.abc import Collection

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest, NotFound, PermissionDenied
from posts.graph.feed.fields import asked, blamed, optional
from posts.graph.feed.pages import EDGES
from posts.graph.parsing import Found, count


def one(account: Account, platform_id: str, *, without: Collection[str] = ()) -> Found | None:
    """Return the post as it is now, None for one that is there and is not shown. Raises NotFound and other GraphErrors.

    NotFound does not prove that it is gone: the platform says the same when it is confused.
    """
    edge = next(iter(EDGES[account.type].values()))
    parts = edge.parts
    left_out = set(without)
    for _ in range(len(parts) + 1):
        try:
            said = client.get(account, platform_id, fields=asked(parts, left_out))
        except NotFound:
            raise
        except (InvalidRequest, PermissionDenied) as error:
            worse = blamed(error, parts, left_out)
            if not worse and isinstance(error, InvalidRequest):
                worse = optional(parts, left_out)
            if not worse:
                raise
            left_out |= worse
        else:
            return edge.read(account, said, left_out, lambda: None)
    raise InvalidRequest("The platform takes none of the fields")


def answers(account: Account, node: str) -> bool:
    """Whether the platform shows this node now. Of one that is known to be there: whether it can be believed."""
    try:
        return bool(client.get(account, node, fields="id").get("id"))
    except GraphError:
        return False


def total(account: Account) -> int | None:
    """Return how many posts the account has, where the platform tells: on Instagram, stories left out."""
    if account.type == "FB_PAGE":
        return None
    try:
        return count(client.get(account, account.platform_id, fields="media_count").get("media_count"))
    except GraphError:
        return None
