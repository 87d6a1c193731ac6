"""Comments as JSON, the edges that list them, with the pages of Facebook and Instagram, and their deletion."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from typing import Any
from urllib.parse import urlencode

from dynamo.sandbox import comment_threads
from dynamo.sandbox.auth import require
from dynamo.sandbox.comment_threads import CHRONOLOGICAL, RANKED, REVERSE, STREAM, TOP, Key, Place, Thread
from dynamo.sandbox.errors import Refusal, invalid, unknown_field
from dynamo.sandbox.field_parser import Field, parse
from dynamo.sandbox.http import NEWEST, Params, Request, decode_cursor, encode_cursor, stamp
from dynamo.sandbox.models import Account, Comment, Node, Post, Video
from dynamo.sandbox.state import SandboxContext, now

READ_PEOPLE = "pages_read_user_content"
FACEBOOK_USUAL, INSTAGRAM_USUAL = parse("created_time,from,message,id"), parse("timestamp,text,id")
INSTAGRAM_LIMIT = 50
YES = {"true", "1", "total_count"}
Reader = Callable[[SandboxContext, Comment, Field], Any]


def find_node(context: SandboxContext, account: Account, node_id: str) -> Node | None:
    """Return a stored node of any account, or a generated comment on the account's posts, that is not deleted."""
    known = context.state.find(node_id)
    if known is not None:
        return known
    if account.is_page:
        number, _, rest = node_id.rpartition("_")
        post = context.state.find(f"{account.id}_{number}") if number and rest.isdecimal() else None
    else:
        slot = comment_threads.number_in(node_id)[0] if node_id.isdecimal() else -1
        post = context.state.find(context.state.post_of_slot(slot))
    if not isinstance(post, Post) or post.account != account.id:
        return None
    thread = Thread(context, post)
    comment = thread.find(node_id)
    return None if comment is None or {comment.id, comment.parent} & set(thread.audience.deleted) else comment


def comments_edge(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/comments and /{comment}/comments or /replies."""
    node = request.node
    if isinstance(node, Video):
        post = context.state.find(node.post)
        if not isinstance(post, Post):
            return {"data": []}
        node = post
    assert isinstance(node, Post | Comment)  # noqa: S101  routing knows the types that have this edge
    link = f"{context.url}/{request.version}{request.path}"
    wanted = parse(request.params.text("fields")) if request.params.text("fields") else None
    return _list(context, node, request.params, link, wanted)


def comments_field(context: SandboxContext, node: Post | Comment, field: Field) -> dict[str, Any]:
    """Return the same edge as a field: `comments.limit(5){message}`, `replies{text}`."""
    link = f"{context.url}/v{NEWEST}.0/{node.id}/{field.name}"
    params = Params(dict(field.modifiers))
    return _list(context, node, params, link, field.inside)


@dataclass
class PageQuery:
    """The parameters of one call. `level` is toplevel, stream or a comment's id; `link` is the call's URL."""

    level: str
    order: str
    limit: int
    params: Params
    link: str
    keep: dict[str, str]

    def next_link(self, **cursor: str) -> str:
        return f"{self.link}?{urlencode(self.keep | {'limit': str(self.limit)} | cursor)}"


def _list(
    context: SandboxContext, node: Post | Comment, params: Params, link: str, wanted: list[Field] | None
) -> dict[str, Any]:
    account = context.state.account(node.account)
    post = context.state.nodes[node.post] if isinstance(node, Comment) else node
    assert isinstance(post, Post)  # noqa: S101  a comment's post is a post
    parent = node.id if isinstance(node, Comment) else ""
    thread = Thread(context, post)
    keep = {name: value for name, value in params.values.items() if name not in {"after", "before", "limit"}}
    if account.is_page:
        require(account, READ_PEOPLE)
        level, order = _facebook_order(params, parent)
        query = PageQuery(level, order, params.limit(), params, link, keep)
        # One item contains itself and expanded replies. Smaller pages avoid this error.
        expanded = [int(field.modifiers.get("limit") or 25) for field in wanted or [] if field.name == "comments"]
        if query.limit * (1 + sum(expanded)) > context.settings.heaviest_page:
            text = "Please reduce the amount of data you're asking for, then retry your request"
            raise Refusal(1, text, status=500)
        page, paging = _facebook_page(context, thread, query) if query.limit else ([], {})
    else:
        require(account, "instagram_manage_comments")
        # The requested order is ignored: comments come newest first, replies oldest first.
        order = CHRONOLOGICAL if parent else REVERSE
        query = PageQuery(parent or TOP, order, min(params.limit(), INSTAGRAM_LIMIT), params, link, keep)
        # This edge does not contain comments on ads.
        page, paging = ([], {}) if post.origin in {"ad", "dark"} else _instagram_page(context, thread, query)
    fields = wanted or (FACEBOOK_USUAL if account.is_page else INSTAGRAM_USUAL)
    answer: dict[str, Any] = {"data": [render(context, comment, fields) for comment in page]}
    if paging:
        answer["paging"] = paging
    if account.is_page and params.text("summary").strip("[]") in YES:
        total = node.replies if isinstance(node, Comment) else thread.total(query.level)
        answer["summary"] = {"order": query.order, "total_count": total, "can_comment": True}
    return answer


def _facebook_order(params: Params, parent: str) -> tuple[str, str]:
    """Return level and order. By default the comments of a post are ranked, and a stream is chronological."""
    level = params.text("filter") or TOP
    if level not in {TOP, STREAM}:
        raise invalid(f"Param filter must be one of {{{TOP}, {STREAM}}}")
    in_time = level == STREAM or bool(parent)
    order = params.text("order") or (CHRONOLOGICAL if in_time else RANKED)
    if order not in {CHRONOLOGICAL, REVERSE, RANKED}:
        raise invalid(f"Param order must be one of {{{CHRONOLOGICAL}, {REVERSE}}}")
    return parent or level, CHRONOLOGICAL if order == RANKED and in_time else order


def _facebook_page(context: SandboxContext, thread: Thread, query: PageQuery) -> tuple[list[Comment], dict[str, Any]]:
    """Return the comments, and the paging with both cursors and the links that exist."""
    before = query.params.text("before")
    after = _decode_cursor(context, thread, query, before or query.params.text("after"))
    if after is _LOST:
        return [], {}
    places = _since(thread, query, after, backwards=bool(before))
    page = list(islice(places, query.limit + 1))
    more, page = len(page) > query.limit, page[: query.limit]
    if before:
        page.reverse()
    if not page:
        return [], {}
    first, last = _cursor(query, page[0]), _cursor(query, page[-1])
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    if before or more:
        paging["next"] = query.next_link(after=last)
    if more if before else after is not None:
        paging["previous"] = query.next_link(before=first)
    return [comment for _, comment in page if comment], paging


def _instagram_page(context: SandboxContext, thread: Thread, query: PageQuery) -> tuple[list[Comment], dict[str, Any]]:
    """Return the comments, and the paging with `after` only; on the last page the paging is empty."""
    after = _decode_cursor(context, thread, query, query.params.text("after"))
    if after is _LOST:
        return [], {}
    page = list(islice(thread.walk(query.level, query.order, after), query.limit + 1))
    paging: dict[str, Any] = {}
    if len(page) > query.limit > 0:
        last = _cursor(query, page[query.limit - 1])
        paging = {"cursors": {"after": last}, "next": query.next_link(after=last)}
    return [comment for _, comment in page[: query.limit] if comment], paging


def _since(thread: Thread, query: PageQuery, after: Key | None, *, backwards: bool) -> Iterator[Place]:
    """Walk the thread, without comments older than `since`."""
    since = query.params.timestamp("since")
    walk = partial(thread.walk, query.level, query.order, backwards=backwards)
    if since is None:
        return walk(after)
    if query.order == RANKED:
        return (place for place in walk(after) if place[1] is None or place[1].created_at >= since)
    if (query.order == CHRONOLOGICAL) != backwards:
        return walk(max(after or NEVER, (since, -1.0, -1)))
    return takewhile(lambda place: place[0][0] >= since, walk(after))


NEVER: Key = (0.0, 0.0, -1)
_LOST: Key = (0.0, 0.0, -2)


def _cursor(query: PageQuery, place: Place) -> str:
    (first, second, third), comment = place
    return encode_cursor(f"{query.order}|{first!r}|{second!r}|{third}|{comment.id if comment else ''}")


def _decode_cursor(context: SandboxContext, thread: Thread, query: PageQuery, cursor: str) -> Key | None:
    """Return the key of a cursor; _LOST when its comment is deleted and the setting asks for an empty page."""
    if not cursor:
        return None
    try:
        order, first, second, third, comment_id = decode_cursor(cursor).split("|")
        key = (float(first), float(second), int(third))
    except ValueError:
        raise invalid("Invalid cursors values") from None
    dead = comment_id in thread.audience.deleted
    if order != query.order or (dead and context.settings.dead_cursors == "refuse"):
        raise invalid("Invalid cursors values")
    return _LOST if dead and context.settings.dead_cursors == "empty" else key


def render(context: SandboxContext, comment: Comment, wanted: list[Field]) -> dict[str, Any]:
    """Return the requested fields and `id`, without empty ones. Raises 100 for an unknown field."""
    readers = FACEBOOK if "_" in comment.id else INSTAGRAM
    answer: dict[str, Any] = {}
    for field in wanted:
        if field.name == "id":
            continue
        if field.name not in readers:
            raise unknown_field(field.name, "Comment" if readers is FACEBOOK else "IGComment")
        value = readers[field.name](context, comment, field)
        if value is not None:
            answer[field.name] = value
    return answer | {"id": comment.id}


def _cut_down(value: dict[str, Any], field: Field) -> dict[str, Any]:
    if field.inside is None:
        return value
    return {part.name: value[part.name] for part in field.inside if part.name in value}


def _from(_context: SandboxContext, comment: Comment, field: Field) -> dict[str, Any] | None:
    if comment.stranger or not comment.author_id:
        return None
    return _cut_down({"name": comment.author_name, "id": comment.author_id}, field)


def _parent(context: SandboxContext, comment: Comment, field: Field) -> dict[str, Any] | None:
    if not comment.parent:
        return None
    wanted = field.inside or FACEBOOK_USUAL
    if [part.name for part in wanted] == ["id"]:
        return {"id": comment.parent}
    parent = find_node(context, context.state.account(comment.account), comment.parent)
    return render(context, parent, wanted) if isinstance(parent, Comment) else None


def _permalink(context: SandboxContext, comment: Comment, _field: Field) -> str:
    url, number = context.permalink(comment.post), comment.id.rpartition("_")[2]
    if comment.parent:
        return f"{url}?comment_id={comment.parent.rpartition('_')[2]}&reply_comment_id={number}"
    return f"{url}?comment_id={number}"


def username(comment: Comment) -> str:
    return "".join(letter for letter in comment.author_name.lower() if letter.isalnum() or letter in "._") or "someone"


FACEBOOK: dict[str, Reader] = {
    "message": lambda _context, comment, _field: comment.text,
    "created_time": lambda _context, comment, _field: stamp(comment.created_at),
    "from": _from,
    "parent": _parent,
    "like_count": lambda _context, comment, _field: comment.like_count,
    "comment_count": lambda _context, comment, _field: comment.replies,
    "permalink_url": _permalink,
    "is_hidden": lambda _context, comment, _field: comment.hidden,
    "is_private": lambda _context, _comment, _field: False,
    "can_hide": lambda _context, _comment, _field: True,
    "can_remove": lambda _context, _comment, _field: True,
    "can_comment": lambda _context, comment, _field: not comment.parent,
    "user_likes": lambda _context, _comment, _field: False,
    "attachment": lambda _context, comment, _field: comment.attachment,
    "message_tags": lambda _context, _comment, _field: None,
    "object": lambda _context, comment, field: _cut_down({"id": comment.post}, field),
    "comments": lambda context, comment, field: (
        {"data": []} if comment.parent else comments_field(context, comment, field)
    ),
}
INSTAGRAM: dict[str, Reader] = {
    "text": lambda _context, comment, _field: comment.text,
    "timestamp": lambda _context, comment, _field: stamp(comment.created_at),
    "username": lambda _context, comment, _field: username(comment),
    "from": lambda _context, comment, field: (
        None if comment.stranger else _cut_down({"id": comment.author_id, "username": username(comment)}, field)
    ),
    "like_count": lambda _context, comment, _field: comment.like_count,
    "hidden": lambda _context, comment, _field: comment.hidden,
    "parent_id": lambda _context, comment, _field: comment.parent or None,
    "media": lambda _context, comment, field: _cut_down({"id": comment.post}, field),
    "user": lambda _context, comment, _field: {"id": comment.account} if comment.author_id == comment.account else None,
    "replies": lambda context, comment, field: comments_field(context, comment, field) if comment.replies else None,
}


def remove(context: SandboxContext, comment: Comment) -> None:
    """Delete a comment and its replies. The caller holds the lock."""
    post = context.state.nodes[comment.post]
    assert isinstance(post, Post)  # noqa: S101  a comment's post is a post
    audience = context.state.audience(post)
    audience.deleted[comment.id] = 1
    for known in context.state.comments.get(post.id, []):
        if comment.id in {known.id, known.parent}:
            known.deleted_at = now()
            audience.deleted[known.id] = 1
            context.state.put(known)
    parent = context.state.find(comment.parent)
    if isinstance(parent, Comment):
        parent.replies -= 1
        context.state.put(parent)
    elif audience.more_replies.get(comment.parent) and comment.id in context.state.nodes:
        audience.more_replies[comment.parent] -= 1
    context.state.put(audience)
