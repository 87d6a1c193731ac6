"""The loop of an agent with the official MCP client; runs in an environment of that client's, without our packages.

The first line of stdin is the configuration. What a person does is asked for by a line `{"ask": …, "post": …}` on
stdout; the next line of stdin says that it was done. The last line is `{"protocol": …, "calls": …}`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

CONFIG = json.loads(sys.stdin.readline())
CALLED: list[str] = []


@asynccontextmanager
async def connect() -> AsyncIterator[tuple[Any, str]]:
    """Yield a session and the version of the protocol that it negotiated."""
    if CONFIG["client"] == "mcp 1":
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        async with (
            streamablehttp_client(CONFIG["url"], headers=CONFIG["headers"]) as (reader, writer, _),
            ClientSession(reader, writer) as session,
        ):
            initialized = await session.initialize()
            yield session, str(initialized.protocolVersion)
        return

    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client

    if "bridge" in CONFIG:
        given: Any = StdioServerParameters(**CONFIG["bridge"])
        async with Client(given, mode=CONFIG["mode"]) as client:
            yield client, client.protocol_version
        return
    async with httpx2.AsyncClient(headers=CONFIG["headers"], timeout=60) as http:
        transport = streamable_http_client(CONFIG["url"], http_client=http)
        async with Client(transport, mode=CONFIG["mode"]) as client:
            yield client, client.protocol_version


def ask(what: str, **more: Any) -> Any:
    """Let the test do what a person does, and return what it answers."""
    print(json.dumps({"ask": what, **more}), flush=True)
    return json.loads(sys.stdin.readline())


async def call(session: Any, tool: str, **arguments: Any) -> Any:
    """Return the result of a tool. The client has checked it against the schema."""
    result = await session.call_tool(tool, arguments)
    CALLED.append(tool)
    dumped = result.model_dump(by_alias=True)
    assert not dumped["isError"], (tool, dumped["content"])
    return dumped["structuredContent"]


async def refusal(session: Any, tool: str, **arguments: Any) -> Any:
    """Return the error of a tool."""
    result = await session.call_tool(tool, arguments)
    CALLED.append(tool)
    dumped = result.model_dump(by_alias=True)
    assert dumped["isError"], (tool, dumped)
    return json.loads(dumped["content"][0]["text"])


async def loop(session: Any) -> None:
    names = {tool.name for tool in (await session.list_tools()).tools}
    assert len(names) == 16, names
    assert (await call(session, "whoami"))["organization"]["name"]
    channels = (await call(session, "list_channels"))["items"]
    page = next(channel["id"] for channel in channels if channel["type"] == "FB_PAGE")
    assert (await call(session, "get_capabilities", channelId=page))["capabilities"]["types"]["POST"]
    cursor = (await call(session, "list_events"))["nextCursor"]
    post = await draft_and_submit(session, page)
    ask("reject", post=post, notes="Name the street")
    await revise(session, post, page, cursor)
    ask("approve", post=post)
    read = await call(session, "get_post", postId=post)
    assert (read["status"], read["review"]["decision"]) == ("SCHEDULED", "APPROVED"), read
    ask("publish", post=post)
    await read_result(session, post, page)
    await delete_another(session)
    assert set(CALLED) == names, names - set(CALLED)


async def draft_and_submit(session: Any, page: str) -> str:
    """Return the id of the post, which waits for approval."""
    uploaded = await call(session, "upload_media", url=CONFIG["media"])
    small = await call(session, "upload_media", base64=CONFIG["base64"])
    assert uploaded["mediaType"] == small["mediaType"] == "IMAGE"
    draft: dict[str, Any] = {
        "media": uploaded["url"],
        "mediaType": uploaded["mediaType"],
        "altText": "A terrace",
        "scheduledFor": CONFIG["when"],
        "channels": {page: {"mediumType": "FB_PAGE", "caption": ""}},
        "brief": "Please check the hour",
    }
    checked = await call(session, "validate_post", **draft)
    assert not checked["valid"], checked
    draft["channels"][page]["caption"] = "The terrace is open"
    checked = await call(session, "validate_post", **draft)
    assert checked["valid"], checked
    created = await call(session, "create_draft", idempotencyKey=CONFIG["name"], **draft)
    assert await call(session, "create_draft", idempotencyKey=CONFIG["name"], **draft) == created
    post = {"postId": created["id"]}
    changed = await call(session, "update_draft", **post, version=created["version"], brief="From 9 to 22")
    stale = await refusal(session, "update_draft", **post, version=created["version"], brief="Late")
    assert stale["code"] == "precondition.failed", stale
    submitted = await call(session, "submit_for_approval", **post, version=changed["version"])
    assert submitted["status"] == "WAITING_FOR_APPROVAL", submitted
    return str(created["id"])


async def revise(session: Any, post: str, page: str, cursor: str) -> None:
    """Read the rejection, change the text, submit, withdraw, and submit again."""
    events = await call(session, "list_events", after=cursor)
    assert "post.rejected" in [event["type"] for event in events["items"]], events
    read = await call(session, "get_post", postId=post)
    assert (read["status"], read["review"]["notes"]) == ("REJECTED", "Name the street"), read
    assert read["checks"], read
    channels = {page: {"mediumType": "FB_PAGE", "caption": "The terrace in Rua Augusta is open"}}
    changed = await call(session, "update_draft", postId=post, version=read["version"], channels=channels)
    version = changed["version"]
    await call(session, "submit_for_approval", postId=post, version=version)
    withdrawn = await call(session, "withdraw", postId=post, version=version, reason="A last check")
    assert withdrawn["status"] == "DRAFT", withdrawn
    await call(session, "submit_for_approval", postId=post, version=withdrawn["version"])


async def read_result(session: Any, post: str, page: str) -> None:
    read = await call(session, "get_post", postId=post)
    assert read["status"] == "PUBLISHED", read
    live = {"postId": read["mediumsData"][page]["outcome"]["postId"], "mediumId": page}
    ask("comment", post=live["postId"])
    published = await call(session, "get_published_post", **live)
    assert published["scheduledPostId"] == post, published
    insights = await call(session, "get_insights", **live)
    assert insights["insights"], insights
    comments = await call(session, "get_comments", **live)
    assert [comment["text"] for comment in comments["items"]] == ["Is there shade?"], comments


async def delete_another(session: Any) -> None:
    created = await call(session, "create_draft", idempotencyKey=f"{CONFIG['name']}-2")
    listed = await call(session, "list_posts", status="DRAFT")
    assert created["id"] in [item["id"] for item in listed["items"]], listed
    await call(session, "delete_draft", postId=created["id"], version=created["version"])
    gone = await refusal(session, "get_post", postId=created["id"])
    assert gone["code"] == "not_found", gone


async def main() -> None:
    async with connect() as (session, version):
        await loop(session)
        print(json.dumps({"protocol": version, "calls": len(CALLED)}), flush=True)


asyncio.run(main())
