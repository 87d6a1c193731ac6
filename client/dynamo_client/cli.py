"""The command `dynamo`. Results go to stdout, as text or with --json as the API's JSON; errors go to stderr.

Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 the post was not approved, 4 `watch` timed out.
"""

import argparse
import getpass
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dynamo_client import credentials, mcp_bridge
from dynamo_client.client import Client
from dynamo_client.credentials import Credentials, connect
from dynamo_client.endpoints import Content
from dynamo_client.exceptions import ApiError, DynamoError
from dynamo_client.models import MediaItem, PublishedPost, ScheduledPost, encode

REFUSED, WRONG_ARGUMENTS, NOT_APPROVED, TIMED_OUT = 1, 2, 3, 4
UNDECIDED = {"WAITING_FOR_APPROVAL"}
APPROVED = {"SCHEDULED", "PUBLISHING"}
INTERVAL = 10.0  # seconds between two requests of `watch`


class ArgumentsError(Exception):
    """Arguments that are valid one by one but not together."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except ArgumentsError as error:
        print(f"dynamo: {error}", file=sys.stderr)
        return WRONG_ARGUMENTS
    except (DynamoError, ValueError, OSError) as error:
        print(f"dynamo: {error}", file=sys.stderr)
        if isinstance(error, ApiError) and error.request_id:
            print(f"dynamo: request id {error.request_id}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130


# Commands


def login(arguments: argparse.Namespace) -> int:
    """Check the key against the server and store it."""
    url = arguments.url or input("Address of the API: ").strip()
    key_id = arguments.key_id or input("Key id: ").strip()
    secret = sys.stdin.readline().strip() if arguments.secret_stdin else getpass.getpass("Secret: ").strip()
    given = Credentials(url, key_id, secret, bearer=arguments.bearer)
    with Client(given.url, given.auth()) as client:
        organization = client.get_organization()
    path = credentials.save(given)
    print(f"{organization.name}: the key is valid. Stored in {path}")
    return 0


def channels(arguments: argparse.Namespace) -> int:
    """List the channels."""
    with connect() as client:
        found = list(client.list_channels())
    _print(arguments, found, (f"{channel.id}\t{channel.name}" for channel in found))
    return 0


def draft(arguments: argparse.Namespace) -> int:
    """Create a draft, after uploading the media that are files of this machine."""
    _check_alt_texts(arguments)
    with connect() as client:
        content = _content(client, arguments)
        post = client.create_draft(submit=arguments.submit, idempotency_key=arguments.idempotency_key, **content)
    _print(arguments, post, [_post_line(post)])
    return 0


def edit(arguments: argparse.Namespace) -> int:
    """Change the given parts of a post; --channel replaces all channels. A rejected post becomes a draft again."""
    _check_alt_texts(arguments)
    if arguments.caption is not None and not arguments.channel:
        raise ArgumentsError("--caption needs --channel: name every channel that the post keeps")
    if arguments.caption is None and not all("=" in channel for channel in arguments.channel or []):
        raise ArgumentsError("--channel replaces the caption: give it as --channel ID=CAPTION, or with --caption")
    with connect() as client:
        content = _content(client, arguments)
        rejected = client.get_scheduled_post(arguments.post_id).status == "REJECTED"
        post = client.update_draft(arguments.post_id, version=arguments.version, redraft=rejected, **content)
    _print(arguments, post, [_post_line(post)])
    return 0


def _check_alt_texts(arguments: argparse.Namespace) -> None:
    if len(arguments.alt_text) > len(arguments.media):
        raise ArgumentsError("each --alt-text needs a --media")


def _content(client: Client, arguments: argparse.Namespace) -> Content:
    """Return what the arguments of `draft` and `edit` give; media that are files are uploaded."""
    given = {name: getattr(arguments, name) for name in ("type", "scheduled_for", "brief", "external_id")}
    content: Content = {name: value for name, value in given.items() if value is not None}  # type: ignore[assignment]
    if arguments.channel:
        content["channels"] = dict(_channel_text(text, arguments.caption or "") for text in arguments.channel)
    urls = [_media_url(client, media) for media in arguments.media]
    alt_texts = [*arguments.alt_text, *[None] * len(urls)]
    if len(urls) == 1:
        content["media"] = urls[0]
        if alt_texts[0] is not None:
            content["alt_text"] = alt_texts[0]
    elif urls:
        content["media_items"] = [MediaItem(url, alt_text=text) for url, text in zip(urls, alt_texts, strict=False)]
    return content


def submit(arguments: argparse.Namespace) -> int:
    """Submit a post to the reviewers."""
    with connect() as client:
        post = client.submit_for_approval(arguments.post_id, version=arguments.version)
    _print(arguments, post, [_post_line(post)])
    return 0


def watch(arguments: argparse.Namespace) -> int:
    """Follow a post until it is decided, or the events of the organization."""
    until = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    with connect() as client:
        return _watch_post(client, arguments, until) if arguments.post_id else _watch_events(client, arguments, until)


def _watch_post(client: Client, arguments: argparse.Namespace, until: float | None) -> int:
    """Print the post at each change of status, until a person has decided, or with --published until it is live."""
    pending = (UNDECIDED | APPROVED) if arguments.published else UNDECIDED
    status = ""
    while True:
        post = client.get_scheduled_post(arguments.post_id)
        if post.status != status:
            status = post.status
            _print(arguments, post, [_post_line(post)])
        if status not in pending:
            return REFUSED if status == "FAILED" else 0 if status in APPROVED | {"PUBLISHED"} else NOT_APPROVED
        if not _sleep(arguments.interval, until):
            return TIMED_OUT


def _watch_events(client: Client, arguments: argparse.Namespace, until: float | None) -> int:
    """Print events as lines of JSON. --cursor-file keeps the position after each page, so that none is missed."""
    file = arguments.cursor_file
    cursor = file.read_text(encoding="utf-8").strip() or None if file is not None and file.exists() else None
    while True:
        page = client.list_events(after=cursor)
        for event in page.items:
            print(json.dumps(encode(event), ensure_ascii=False), flush=True)
        cursor = page.next_cursor or cursor
        if file is not None and cursor is not None:
            part = file.with_name(f"{file.name}.part")  # an incomplete file never has the name
            part.write_text(cursor, encoding="utf-8")
            part.replace(file)
        if not page.items and not _sleep(arguments.interval, until):
            return TIMED_OUT


def posts(arguments: argparse.Namespace) -> int:
    """List scheduled posts, or with --published what is live."""
    found: list[ScheduledPost] | list[PublishedPost]
    with connect() as client:
        if arguments.published:
            found = list(client.list_published_posts(medium_id=arguments.channel))
            lines = [f"{post.id}\t{post.published_at}\t{post.permalink or ''}" for post in found]
        else:
            found = list(client.list_scheduled_posts(status=arguments.status, channel_id=arguments.channel))
            lines = [_post_line(post) for post in found]
    _print(arguments, found, lines)
    return 0


def comments(arguments: argparse.Namespace) -> int:
    """Print the comments of a published post, or write all of them to a CSV file."""
    with connect() as client:
        if arguments.csv is None:
            found = list(client.list_comments(arguments.post_id, arguments.channel))
            _print(arguments, found, (f"{comment.id}\t{comment.created_at}\t{comment.text}" for comment in found))
        elif arguments.csv == Path("-"):
            client.export_comments(arguments.post_id, arguments.channel, sys.stdout.buffer)
        else:
            part = arguments.csv.with_name(f"{arguments.csv.name}.part")  # an incomplete file never has the name
            with part.open("wb") as file:
                written = client.export_comments(arguments.post_id, arguments.channel, file)
            part.replace(arguments.csv)
            print(f"{arguments.csv}: {written} bytes")
    return 0


def mcp(arguments: argparse.Namespace) -> int:  # noqa: ARG001  the signature of every command
    """Serve MCP on stdin and stdout until stdin ends."""
    mcp_bridge.run(credentials.load(), sys.stdin.buffer, sys.stdout.buffer)
    return 0


# Arguments and output


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dynamo", description="Draft posts and follow their review. People approve.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=help_text, description=help_text)
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print the API's JSON")
        return added

    added = command(login, "check a key and store it")
    added.add_argument("--url", help="address of the server, for example https://dynamo.example")
    added.add_argument("--key-id")
    added.add_argument("--secret-stdin", action="store_true", help="read the secret from stdin instead of asking")
    added.add_argument("--bearer", action="store_true", help="send the key as a Bearer token instead of signing")

    command(channels, "list the channels")

    added = command(draft, "create a draft and print its id")
    _add_content_options(added, channel_required=True)
    added.add_argument("--idempotency-key", help="the same key never creates a second post")
    added.add_argument("--submit", action="store_true", help="submit it for approval at once")

    added = command(edit, "change a draft, or a post that was rejected or waits for approval")
    added.add_argument("post_id")
    added.add_argument("--version", type=int, required=True, help="refuse when the post is no longer at this version")
    _add_content_options(added, channel_required=False)

    added = command(submit, "submit a post for approval")
    added.add_argument("post_id")
    added.add_argument("--version", type=int, help="refuse when the post is no longer at this version")

    added = command(watch, "follow a post until a person has decided; without a post, print events")
    added.add_argument("post_id", nargs="?")
    added.add_argument("--published", action="store_true", help="follow an approved post until it is published")
    added.add_argument("--interval", type=float, default=INTERVAL, help="seconds between two requests")
    added.add_argument("--timeout", type=float, help="seconds")
    added.add_argument("--cursor-file", type=Path, help="keeps the position in the events")

    added = command(posts, "list scheduled posts")
    added.add_argument("--status", type=lambda text: text.split(","), default=[], help="states, separated by commas")
    added.add_argument("--published", action="store_true", help="list what is live instead")
    added.add_argument("--channel", help="only this channel")

    added = command(comments, "read the comments of a published post")
    added.add_argument("post_id")
    added.add_argument("--channel", required=True)
    added.add_argument("--csv", type=Path, metavar="FILE", help="write all comments to a file; - is stdout")

    command(mcp, "serve MCP on stdin and stdout, signing each request: for the configuration of an MCP client")
    return parser


def _add_content_options(parser: argparse.ArgumentParser, *, channel_required: bool) -> None:
    parser.add_argument(
        "--channel",
        action="append",
        required=channel_required,
        metavar="ID[=CAPTION]",
        help="a channel, with a caption of its own; repeat it for each channel",
    )
    parser.add_argument("--caption", help="the caption of channels without one of their own")
    parser.add_argument("--media", action="append", default=[], metavar="URL|FILE", help="repeat it for a carousel")
    parser.add_argument("--alt-text", action="append", default=[], help="of each image, in order")
    parser.add_argument(
        "--at", dest="scheduled_for", type=_time, metavar="TIME", help="ISO 8601 with an offset: 2026-12-01T09:00+01:00"
    )
    parser.add_argument("--type", choices=["POST", "REEL", "STORY"])
    parser.add_argument("--brief", help="what the reviewer should know; never published")
    parser.add_argument("--external-id", help="your own id of the post")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not ISO 8601") from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} lacks the offset: add Z or for example +01:00")
    return time


def _channel_text(text: str, caption: str) -> tuple[str, str]:
    channel_id, equals, own = text.partition("=")
    return channel_id, own if equals else caption


def _media_url(client: Client, media: str) -> str:
    """Return the URL of the media; a file of this machine is uploaded first."""
    if media.startswith(("http://", "https://")):
        return media
    return client.upload_media(Path(media)).url


def _post_line(post: ScheduledPost) -> str:
    time = post.scheduled_for.isoformat() if post.scheduled_for else "-"
    line = f"{post.id}\t{post.status}\t{time}\tversion {post.version}"
    notes = f"\t{post.notes}" if post.notes else ""
    errors = "".join(
        f"\t{channel_id}: {content.outcome.error.message}"
        for channel_id, content in post.mediums_data.items()
        if content.outcome is not None and content.outcome.error is not None
    )
    return line + notes + errors


def _print(arguments: argparse.Namespace, result: Any, lines: Iterable[str]) -> None:
    text = json.dumps(encode(result), ensure_ascii=False) if arguments.json else "\n".join(lines)
    if text:
        print(text, flush=True)


def _sleep(seconds: float, until: float | None) -> bool:
    """Wait; return False instead when the deadline would pass."""
    if until is not None and time.monotonic() + seconds > until:
        return False
    time.sleep(seconds)
    return True


if __name__ == "__main__":
    sys.exit(main())
