"""The page of published posts: Facebook and Instagram cards, newest first, without inline scripts or styles."""

from html import escape
from pathlib import Path

from dynamo.sandbox.http import Request, Response, iso_milliseconds, not_found
from dynamo.sandbox.models import Container, Photo, Post
from dynamo.sandbox.state import SandboxContext, now

PAGE_SIZE = 48
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'"
FILES = {
    "/page.css": ("ui.css", "text/css; charset=utf-8"),
    "/page.js": ("ui.js", "text/javascript; charset=utf-8"),
}
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/media/dynamo.png?w=64&amp;h=64">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body data-posts="{count}">
<header><h1><a href="/">Published in the sandbox</a></h1><p>{summary}</p></header>
<main>{cards}</main>
{more}
</body>
</html>
"""
EMPTY = """<section class="empty"><h2>Nothing is published yet</h2>
<p>A post appears here as soon as a worker publishes it.</p></section>"""


def file(_context: SandboxContext, request: Request) -> Response:
    if request.raw_path not in FILES:
        return not_found("nothing here")
    name, kind = FILES[request.raw_path]
    return Response(200, Path(__file__).with_name(name).read_bytes(), kind)


def overview(context: SandboxContext, request: Request) -> Response:
    """Show the newest posts, of `?account=` if given; `?page=2` shows older ones."""
    account, number = request.query.get("account", ""), request.query.get("page", "1")
    first = (max(1, int(number)) - 1) * PAGE_SIZE if number.isdecimal() else 0
    with context.state.lock:
        live = [post for post in context.state.live(now()) if post.deleted_at is None and account in {"", post.account}]
        live.reverse()
        cards = "".join(_card(context, post) for post in live[first : first + PAGE_SIZE])
        names = len({post.account for post in live})
        made = sum(map(len, context.state.posts.values()))
    summary = f"{len(live)} post{'' if len(live) == 1 else 's'} on {names} account{'' if names == 1 else 's'}"
    query = f"account={escape(account)}&amp;" if account else ""
    more = ""
    if first + PAGE_SIZE < len(live):
        more = f'<nav><a href="/?{query}page={first // PAGE_SIZE + 2}">Older posts</a></nav>'
    return _page("Published in the sandbox", summary if live else "", cards or EMPTY, more, count=str(made))


def single(context: SandboxContext, request: Request) -> Response:
    """Show the post of a permalink."""
    with context.state.lock:
        post = context.state.find(request.raw_path.removeprefix("/live/"))
        if not isinstance(post, Post) or not post.is_visible(now()):
            return _page("Not found", "There is no such post.", status=404)
        return _page("A post in the sandbox", cards=_card(context, post))


def _page(
    title: str, summary: str = "", cards: str = "", more: str = "", *, count: str = "", status: int = 200
) -> Response:
    body = FRAME.format(title=title, summary=summary, cards=cards, more=more, count=count).encode("utf-8", "replace")
    return Response(status, body, "text/html; charset=utf-8", {"Content-Security-Policy": POLICY})


def _card(context: SandboxContext, post: Post) -> str:
    account = context.state.account(post.account)
    network = "facebook" if account.is_page else "instagram"
    timestamp = iso_milliseconds(post.visible_at or 0)
    text = f'<p class="text">{escape(post.message)}</p>' if post.message else ""
    link = f'<a class="link" href="{escape(post.link)}" rel="noreferrer">{escape(post.link)}</a>' if post.link else ""
    media = _media(context, post)
    content = text + link + media if network == "facebook" else media + text
    kind = "" if post.kind in {"text", "link", "photo", "image"} else f'<span class="kind">{post.kind}</span>'
    return f"""<article class="{network}" id="{escape(post.id)}">
<header><span class="face" aria-hidden="true">{escape(account.name[:1].upper())}</span>
<div><a class="who" href="/?account={account.id}">{escape(account.name)}</a>
<span class="network">{network.title()}</span>{kind}</div></header>
{content}
<footer><time datetime="{timestamp}">{timestamp[:10]} <b>{timestamp[11:19]}</b><small>{timestamp[19:]}</small></time>
<a class="id" href="/live/{escape(post.id)}">{escape(post.id)}</a></footer>
</article>
"""


def _media(context: SandboxContext, post: Post) -> str:
    if post.video or post.media_type == "VIDEO":
        video = context.picture_url(post, kind="mp4").removeprefix(context.url)
        return f'<video class="media" src="{escape(video)}" controls muted loop preload="metadata"></video>'
    nodes = [context.state.find(node_id) for node_id in [*post.photos, *post.children]]
    sources = [
        (context.stored_url(node.sha256), node.alt_text) for node in nodes if isinstance(node, Photo | Container)
    ] or [(context.picture_url(post, number), post.alt_text) for number in range(max(1, post.pictures))]
    images = [(source.removeprefix(context.url), alt_text) for source, alt_text in sources if source][:10]
    if not images:
        return ""
    pictures = "".join(f'<img src="{escape(url)}" alt="{escape(text)}" loading="lazy">' for url, text in images)
    return f'<div class="media of{min(len(images), 4)}">{pictures}</div>'
