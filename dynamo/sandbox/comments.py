"""Comments as JSON, the edges that list them, and their deletion."""

from collections.abc import Callable
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.auth import require
from dynamo.sandbox.comment_pages import check_weight, facebook_cut, facebook_page, instagram_cut, instagram_page
from dynamo.sandbox.comment_threads import Thread
from dynamo.sandbox.field_parser import Field, parse
from dynamo.sandbox.generated_comments import number_in
from dynamo.sandbox.http import NEWEST, Request, stamp
from dynamo.sandbox.models import Account, Comment, Post, Video
from dynamo.sandbox.request_parsing import Params
from dynamo.sandbox.state import SandboxContext, now

READ_PEOPLE = "pages_read_user_content"
FACEBOOK_USUAL, INSTAGRAM_USUAL = parse("created_time,from,message,id"), parse("timestamp,text,id")
YES = {"true", "1", "total_count"}
Reader = Callable[[SandboxContext, Comment, Field], Any]


def find(context: SandboxContext, account: Account, node_id: str) -> Comment | None:
    """Return a generated comment by its id. Stored comments are in the state's table of nodes."""
    if account.is_page:
        number, _, rest = node_id.rpartition("_")
        post = context.state.find(f"{account.id}_{number}") if number and rest.isdecimal() else None
    else:
        slot = number_in(node_id)[0] if node_id.isdecimal() else -1
        post = context.state.find(context.state.post_of_slot(slot))
    if not isinstance(post, Post) or post.account != account.id:
        return None
    thread = Thread(context, post)
    comment = thread.find(node_id)
    if comment is None or {comment.id, comment.parent} & set(thread.audience.deleted):
        return None
    return comment


def below(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/comments and /{comment}/comments or /replies."""
    node = request.node
    if isinstance(node, Video):
        post = context.state.find(node.post)
        if not isinstance(post, Post):
            return {"data": []}
        node = post
    assert isinstance(node, Post | Comment)  # noqa: S101  routing knows the types that have this edge
    kept = {name: value for name, value in request.query.items() if name not in {"after", "before", "limit"}}
    link = f"{context.url}/{request.version}{request.path}"
    wanted = parse(request.params.text("fields")) if request.params.text("fields") else None
    return listing(context, node, request.params, link, kept, wanted)


def edge(context: SandboxContext, node: Post | Comment, field: Field) -> dict[str, Any]:
    """Return the same edge as a field: `comments.limit(5){message}`, `replies{text}`."""
    params = Params(values=dict(field.modifiers))
    link = f"{context.url}/v{NEWEST}.0/{node.id}/{field.name}"
    kept = {name: value for name, value in field.modifiers.items() if name not in {"after", "before", "limit", "as"}}
    return listing(context, node, params, link, kept, field.inside)


def listing(
    context: SandboxContext,
    node: Post | Comment,
    params: Params,
    link: str,
    kept: dict[str, str],
    wanted: list[Field] | None,
) -> dict[str, Any]:
    account = context.state.account(node.account)
    post = context.state.nodes[node.post] if isinstance(node, Comment) else node
    assert isinstance(post, Post)  # noqa: S101  a comment's post is a post
    parent = node.id if isinstance(node, Comment) else ""
    thread = Thread(context, post)
    if account.is_page:
        require(account, READ_PEOPLE)
        cut = facebook_cut(params, link, kept, parent)
        check_weight(context, cut.limit * _weight(wanted))
        page, paging = facebook_page(context, thread, cut) if cut.limit else ([], {})
    else:
        require(account, "instagram_manage_comments")
        cut = instagram_cut(params, link, kept, parent)
        # This edge does not contain comments on ads.
        page, paging = ([], {}) if post.origin in {"ad", "dark"} else instagram_page(context, thread, cut)
    fields = wanted or (FACEBOOK_USUAL if account.is_page else INSTAGRAM_USUAL)
    answer: dict[str, Any] = {"data": [render(context, comment, fields) for comment in page]}
    if paging:
        answer["paging"] = paging
    if account.is_page and params.text("summary").strip("[]") in YES:
        total = node.replies if isinstance(node, Comment) else thread.total(cut.level)
        answer["summary"] = {"order": cut.order, "total_count": total, "can_comment": True}
    return answer


def _weight(wanted: list[Field] | None) -> int:
    """Return how many comments one item can contain, itself and expanded replies."""
    inner = [field for field in wanted or [] if field.name == "comments"]
    return 1 + sum(int(field.modifiers.get("limit") or 25) for field in inner)


def render(context: SandboxContext, comment: Comment, wanted: list[Field]) -> dict[str, Any]:
    """Return the requested fields and `id`, without empty ones. Raises 100 for an unknown field."""
    readers = FACEBOOK if "_" in comment.id else INSTAGRAM
    answer: dict[str, Any] = {}
    for field in wanted:
        if field.name != "id":
            reader = readers.get(field.name)
            if reader is None:
                raise errors.unknown_field(field.name, "Comment" if readers is FACEBOOK else "IGComment")
            value = reader(context, comment, field)
            if value is not None:
                answer[field.alias] = value
    answer["id"] = comment.id
    return answer


def _cut_down(value: dict[str, Any], field: Field) -> dict[str, Any]:
    if field.inside is None:
        return value
    return {part.alias: value[part.name] for part in field.inside if part.name in value}


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
    parent = context.state.find(comment.parent) or find(context, context.state.account(comment.account), comment.parent)
    return render(context, parent, wanted) if isinstance(parent, Comment) else None


def _permalink(context: SandboxContext, comment: Comment, _field: Field) -> str:
    url, number = context.permalink(comment.post), comment.id.rpartition("_")[2]
    if comment.parent:
        return f"{url}?comment_id={comment.parent.rpartition('_')[2]}&reply_comment_id={number}"
    return f"{url}?comment_id={number}"


def _no_deeper(context: SandboxContext, comment: Comment, field: Field) -> dict[str, Any]:
    return {"data": []} if comment.parent else edge(context, comment, field)


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
    "comments": _no_deeper,
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
    "replies": lambda context, comment, field: edge(context, comment, field) if comment.replies else None,
}


def delete(context: SandboxContext, comment: Comment) -> dict[str, Any]:
    with context.state.lock:
        remove(context, comment)
        return {"success": True}


def remove(context: SandboxContext, comment: Comment) -> None:
    """Delete a comment and its replies. The caller holds the lock."""
    post = context.state.nodes[comment.post]
    assert isinstance(post, Post)  # noqa: S101  a comment's post is a post
    kept = context.state.comments.get(post.id, [])
    audience = context.state.audience(post)
    audience.deleted[comment.id] = 1
    for known in kept:
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
