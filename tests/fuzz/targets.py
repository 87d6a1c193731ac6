"""The parsers of foreign input, each with what must hold for any input. A violation is an exception."""

import base64
import csv
import hashlib
import hmac
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.core import signing
from django.test import RequestFactory, override_settings
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request

from accounts import clock, datetimes
from accounts.api import authentication
from accounts.api.authentication import ApiKeyUser
from accounts.api.exceptions import RequestValidationError, exception_handler, from_drf_error
from accounts.api.pagination import KeysetPagination
from accounts.api.parsers import find_invalid_text
from accounts.api.serializers import StrictSerializer, validate
from accounts.domain.request_signatures import sign, verify_signature
from accounts.exceptions import Invalid
from accounts.models import ApiKey
from dynamo.mcp import errors
from dynamo.mcp import serializers as mcp_serializers
from dynamo.mcp.views import server
from posts.domain import comment_export, facebook_login, meta_callbacks, post_refresh
from posts.graph import comments, feed, login, rate_limits, responses, subscriptions
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.models import PublishedPost
from scheduling.api.serializers import CreatePostSerializer, UpdatePostSerializer
from scheduling.domain import media_url

RUN = ("=", "+", "-", "@", "\t", "\r")


def text(data: bytes) -> str:
    """Return any text, lone surrogates included."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def document(data: bytes) -> Any:
    """Return the JSON in the bytes, None when there is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def storable(output: str) -> None:
    """Fail unless PostgreSQL could take the text, and anybody may read it: UTF-8, no NUL, no secret."""
    output.encode()
    assert "a-secret-token" not in output
    assert "\x00" not in output


def date(data: bytes) -> None:
    """A date header is an aware instant, or refused."""
    moment = authentication._parse_date(text(data))
    assert moment is None or moment.utcoffset() == timedelta(0)


def instant(data: bytes) -> None:
    """What is taken for an instant goes out as the contract writes it, and comes back the same."""
    try:
        moment = datetimes.parse_datetime(text(data))
    except ValueError:
        return
    output = datetimes.format_datetime(moment)
    assert output
    assert datetimes.parse_datetime(output) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def signature(data: bytes) -> None:
    """Nothing is a signature but the signature; what is no text is none either."""
    given = data.decode("latin-1")  # as a server hands headers over
    assert not verify_signature(None, message=given, signature=given, at=clock.now())
    made = sign("test-secret", given)
    assert made.islower() or made.isdecimal()
    assert len(made) == 64


def cursor(data: bytes) -> None:
    """Only what this server signed for this very list is a cursor."""
    given = text(data)
    signed_elsewhere = signing.dumps(given.encode(errors="replace").decode(), salt="dynamo.cursor")
    request: Any = SimpleNamespace(auth=ApiKey())
    for tried in (given, signed_elsewhere):
        try:
            KeysetPagination("posts", ["-published_at"], parameters={}).decode_cursor(request, PublishedPost, tried)
        except RequestValidationError:
            continue
        raise AssertionError("a forged cursor was accepted")


def cell(data: bytes) -> None:
    """A spreadsheet finds one cell, which is no formula, and reads what was written."""
    written = text(data).encode(errors="replace").decode()
    output = comment_export.escape_formula(written)
    assert output[:1] not in RUN
    assert len(output) >= len(written)
    line = io.StringIO(newline="")
    csv.writer(line).writerow([output, "next"])
    line.seek(0)
    assert next(csv.reader(line)) == [output, "next"]


def answer(data: bytes) -> None:
    """Whatever the platform answers is an object or a GraphError, whose words can be stored and hold no secret."""
    status = (200, 400, 429, 500)[len(data) % 4]
    for outward in (True, False):
        try:
            output = responses.parse_response(status, {}, data, outward=outward, secrets=("a-secret-token",))
        except GraphError as error:
            storable(str(error))
            continue
        assert isinstance(output, dict)


def headers(data: bytes) -> None:
    """Usage headers are numbers, whatever they say."""
    output = data.decode("latin-1")
    names = ("X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage", "Retry-After")
    for given in ({name: output} for name in names):
        assert rate_limits.of_app(given).percent >= 0
        assert rate_limits.of_account(given).regain_seconds >= 0
        assert rate_limits.retry_after(given) > 0


def comment(data: bytes) -> None:
    """A comment of the platform's with an id is read, and can be written out as a row."""
    item = document(data)
    if not isinstance(item, dict) or "id" not in item:
        item = {"id": "1", "text": item, "message": item, "replies": {"paging": item}, "from": item, "timestamp": item}
    for read in (comments.facebook, comments.instagram):
        for entry in comment_export.cells(read(item)):
            entry.encode()


def published(data: bytes) -> None:
    """A post of the platform's is read into columns that the database takes, whatever its fields are."""
    item = document(data)
    when = {"created_time": "2026-11-01T10:00:00+0000", "timestamp": "2026-11-01T10:00:00+0000"}
    named = item if isinstance(item, dict) else {}
    names = ("message", "attachments", "insights", "reactions", "comments", "shares", "from", "children", "caption")
    account = Account("FB_PAGE", "1", "a-secret-token")
    for node in (item, {"id": "1_2", **when, **named}, {"id": "1", **when, **dict.fromkeys(names, item)}):
        for read in (feed.facebook_post, feed.instagram_media):
            post = read(account, node, (), lambda: None) if isinstance(node, dict) else None
            if post is not None:
                storable(json.dumps(post.values, ensure_ascii=False))


def token(data: bytes) -> None:
    """What the platform says about a token, Pages and webhooks is read, and a Page can be stored and shown."""
    item = document(data)
    if not isinstance(item, dict):
        item = dict.fromkeys(("id", "scopes", "granular_scopes", "expires_at", "error", "tasks", "name"), item)
    info = login.parse_token_info(item)
    assert isinstance(info.allows("pages_show_list", "1"), bool)
    page = login.parse_page({**item, "instagram_business_account": item})
    if page is not None:
        storable(f"{page.id}{page.name}{page.username}")
        json.dumps(asdict(page)).encode()
    for fields in (item, [item, *item.values()]):
        subscription = subscriptions.parse_app_subscription({**item, "callback_url": item.get("id"), "fields": fields})
        storable(subscription.callback_url)


def state(data: bytes) -> None:
    """Only what this server signed for this session is a state."""
    given = text(data)
    for tried in (given, signing.dumps(given.encode(errors="replace").decode(), salt="facebook-login:another")):
        try:
            facebook_login.read_state("a-session", tried)
        except Invalid:
            continue
        raise AssertionError("a forged state was accepted")


def address(data: bytes) -> None:
    """A media address is judged, whatever it is."""
    given = text(data)
    media_url.validate_media_url(given)
    media_url.kind_by_extension(given)


def body(data: bytes) -> None:
    """A request's body is valid, or answered with every problem in JSON."""
    given = document(data)
    problems = list(find_invalid_text(given))
    if problems:
        json.dumps([str(problem) for problem in problems])
        return
    for shaped in (CreatePostSerializer(data=given), UpdatePostSerializer(data=given)):
        try:
            shaped.run_validation(given)
        except ValidationError as error:
            body = RequestValidationError(from_drf_error(error.detail)).to_response_body()
            json.dumps(body, allow_nan=False).encode()


def signed_request(data: bytes) -> None:
    """Only what is signed with the app secret is a signed_request; its content may still be anything."""
    encoded = base64.urlsafe_b64encode(data).decode().rstrip("=")
    with override_settings(GRAPH_APP_SECRET="test-secret"):
        mac = hmac.new(b"test-secret", encoded.encode(), hashlib.sha256).digest()
        genuine = f"{base64.urlsafe_b64encode(mac).decode().rstrip('=')}.{encoded}"
        for given, is_genuine in ((text(data), False), (f"{text(data)}.{encoded}", False), (genuine, True)):
            try:
                parsed = meta_callbacks.parse_signed_request(given)
            except meta_callbacks.InvalidSignedRequest:
                continue
            assert is_genuine
            assert 0 < len(parsed.user_id) <= 40
            assert parsed.issued_at.utcoffset() == timedelta(0)


def webhook(data: bytes) -> None:
    """A webhook names accounts and posts by ids, whatever it is, and no signature fits but the signature."""
    with override_settings(GRAPH_APP_SECRET="test-secret"):
        assert not post_refresh.is_genuine(data, text(data))
    given = document(data)
    entry = {"id": "1", "changes": [{"field": "feed", "value": given}, {"field": "comments", "value": given}]}
    for item in (given, {"object": "page", "entry": given}, {"object": "page", "entry": [given, entry]}):
        _, found = post_refresh.changed_posts(item)
        assert all(part.replace("_", "").isdecimal() for pair in found for part in pair)


class _NoTool:
    """Stands for the view: refuses each tool before it reads the database."""

    def raise_throttled(self) -> None:
        raise Throttled(wait=10)


def mcp(data: bytes) -> None:
    """Every body to /mcp gets an answer in JSON, in each version of the protocol; a deep one the view refuses."""
    for version in ("2026-07-28", "2025-06-18"):
        headers = {"mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": "whoami"}
        post = RequestFactory().post("/mcp", data, content_type="application/json", headers=headers)
        request = Request(post, parser_context={"view": _NoTool()})
        request.auth = ApiKey()
        request.user = ApiKeyUser(request.auth)
        try:
            response = server(request)
        except RecursionError:
            continue
        assert response.status_code in {200, 202, 400, 404}
        if response.status_code != 202:
            assert json.loads(response.content)["jsonrpc"] == "2.0"


def tool(data: bytes) -> None:
    """Arguments of a tool are valid, or answered with violations in JSON."""
    given = document(data)
    for arguments in ARGUMENTS:
        try:
            validate(given, arguments)
        except RequestValidationError as error:
            refusal = errors.error_json(exception_handler(error, {}))
            assert refusal["violations"]
            json.dumps(refusal, allow_nan=False).encode()


ARGUMENTS = [
    found for found in vars(mcp_serializers).values() if isinstance(found, type) and issubclass(found, StrictSerializer)
]
TARGETS: dict[str, Callable[[bytes], None]] = {
    item.__name__: item
    for item in (
        date, instant, signature, cursor, cell, answer, headers, comment, published, token, state, address, body,
        signed_request, webhook, mcp, tool,
    )
}  # fmt: skip
SEEDS: dict[str, list[bytes]] = {
    "date": [b"2026-05-30T13:00:00.000Z", b"Sat, 30 May 2026 13:00:00 GMT", b"Saturday, 30-May-26 13:00:00 GMT"],
    "instant": [b"2026-05-30T13:00:00.000Z", b"2999-12-31 23:59:59,999999999+23:59"],
    "signature": [b"2026-05-30T13:00:00.000Z"],
    "cursor": [b"WyJhIixbMSwyXV0:1abcde:xyz", b".eJyrVkrLz1eyUkpKLFKqBQA"],
    "cell": [b"=1+1", b" \xe2\x80\x8b@SUM(1)", b"a;=1+1", b'"quoted", or not', b"line\r\n-next(1)"],
    "answer": [b'{"error":{"code":190,"error_subcode":463,"message":"a-secret-token"}}', b'{"success":false}', b"true"],
    "headers": [b'{"call_count":99}', b'{"1":[{"call_count":1,"estimated_time_to_regain_access":5}]}', b"120"],
    "comment": [b'{"id":"1","replies":{"data":[],"paging":{"next":"x"}}}', b'{"id":"1","from":{"name":"\\ud800"}}'],
    "published": [
        b'{"id":"1_2","attachments":{"data":[{"type":"new_album","media":{"image":{"src":"/x"}}}]},"shares":{"count":1}}',
        b'{"insights":{"data":[{"name":"post_reactions_by_type_total","values":[{"value":{"like":3,"\\ud800":1}}]}]}}',
        b'{"data":[{"name":"post_reactions_by_type_total","total_value":{"value":{"sorry":-1}}}],"summary":[]}',
    ],
    "token": [
        b'{"is_valid":true,"granular_scopes":[{"scope":"x","target_ids":["1"]}],"expires_at":1}',
        b'{"id":"1","access_token":"x","tasks":["CREATE_CONTENT"],"name":"\\ud800"}',
    ],
    "state": [b"WyJhIixbMSwyXV0:1abcde:xyz", b".eJyrVkrLz1eyUkpKLFKqBQA"],
    "address": [b"https://media.example.com/sunset.jpg", b"http://[::ffff:127.0.0.1]:80/x", b"http://0x7f.1/"],
    "body": [b'{"status":"DRAFT","channels":{"FB_PAGE_1":{"mediumType":"FB_PAGE","caption":"x"}}}', b'{"media":null}'],
    "signed_request": [b'{"algorithm":"HMAC-SHA256","issued_at":1790000000,"user_id":"1"}', b"{}", b"null"],
    "webhook": [
        b'{"object":"page","entry":[{"id":"1","changes":[{"field":"feed","value":{"post_id":"1_2"}}]}]}',
        b'{"post_id":"1_2","media":{"id":"3"}}',
    ],
    "mcp": [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{"a":1e999}}}',
        b'{"jsonrpc":"2.0","id":"\\ud800","method":"initialize","params":{"protocolVersion":"2025-06-18"}}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
    ],
    "tool": [
        b'{"idempotencyKey":"k","channels":{"FB_PAGE_1":{"mediumType":"FB_PAGE","caption":"\\ud800"}}}',
        b'{"postId":"\\u0000","version":-1,"limit":1e300,"status":"DRAFT,","after":[]}',
    ],
}
