"""Calls of the contract that this server does not offer yet: the proxy answers in the form that the contract gives.

Replace the proxy's answers by the server's as soon as it has the endpoints.
"""

import json
from pathlib import Path

import pytest

from dynamo_client import AuthenticationFailed, Client
from dynamo_client.cli import main
from tests.client.proxy import Answer, Proxy

EVENT = {
    "id": "e1",
    "type": "post.rejected",
    "occurredAt": "2026-05-30T13:00:00.000Z",
    "organizationId": "o1",
    "actor": {"kind": "USER", "id": "7", "name": "Maria"},
    "post": {"id": "p1", "status": "REJECTED", "version": 2, "notes": "Shorter", "mediumsData": {}},
    "channel": None,
    "review": {"decision": "REJECTED", "by": None, "at": "2026-05-30T13:00:00.000Z", "version": 2, "notes": "Shorter"},
}


def test_events_are_decoded_and_give_the_next_cursor(agent_behind_proxy: Client, proxy: Proxy) -> None:
    proxy.faults = [Answer(200, {"items": [EVENT], "nextCursor": "c2"})]
    page = agent_behind_proxy.list_events(after="c1", types=["post.rejected", "post.approved"], limit=10)
    [event] = page.items
    assert event.post is not None
    assert event.post.notes == "Shorter"
    assert (page.next_cursor, event.occurred_at and event.occurred_at.year) == ("c2", 2026)
    assert proxy.requests[0][1] == "/v1/events?after=c1&types=post.rejected%2Cpost.approved&limit=10"


def test_watch_without_a_post_keeps_the_cursor(
    agent_behind_proxy: Client, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object
) -> None:
    monkeypatch.setenv("DYNAMO_API_URL", proxy.url)
    monkeypatch.setenv("DYNAMO_API_KEY", "dk_1")
    monkeypatch.setenv("DYNAMO_API_SECRET", "s3cret")
    file = tmp_path / "cursor"
    file.write_text("c1")
    proxy.faults = [
        Answer(200, {"items": [EVENT], "nextCursor": "c2"}),
        Answer(200, {"items": [], "nextCursor": "c2"}),
    ]
    assert main(["watch", "--cursor-file", str(file), "--interval", "1", "--timeout", "0.5"]) == 4
    assert file.read_text() == "c2"
    assert [path for _, path, _ in proxy.requests] == ["/v1/events?after=c1", "/v1/events?after=c2"]
    output = capsys.readouterr().out  # type: ignore[attr-defined]
    assert json.loads(output)["review"]["notes"] == "Shorter"


def test_validation_is_decoded(agent_behind_proxy: Client, proxy: Proxy) -> None:
    body = {
        "valid": False,
        "violations": [{"path": ["channels", "FB_PAGE_1"], "message": "unknown", "code": "channel.unknown"}],
        "warnings": [{"code": "quota", "severity": "WARNING", "message": "1 left", "channelId": "FB_PAGE_1"}],
        "mediaChecked": False,
    }
    proxy.faults = [Answer(200, body)]
    result = agent_behind_proxy.validate(channels={"FB_PAGE_1": "Olá"})
    assert not result.valid
    assert (result.violations[0].path, result.violations[0].code) == (("channels", "FB_PAGE_1"), "channel.unknown")
    assert result.warnings[0].channel_id == "FB_PAGE_1"
    assert json.loads(proxy.bodies[0]) == {"channels": {"FB_PAGE_1": {"mediumType": "FB_PAGE", "caption": "Olá"}}}


def test_channel_has_capabilities_and_quota(agent_behind_proxy: Client, proxy: Proxy) -> None:
    body = {
        "id": "FB_PAGE_1",
        "type": "FB_PAGE",
        "name": "Casa",
        "state": "CONNECTED",
        "capabilities": {"types": {"POST": {"caption": {"characters": 63206}}}},
        "quota": {"used": 3, "total": 30, "resetsAt": "2026-05-30T13:00:00.000Z"},
    }
    proxy.faults = [Answer(200, body)]
    channel = agent_behind_proxy.get_channel("FB_PAGE_1")
    assert channel.capabilities == body["capabilities"]
    assert channel.quota is not None
    assert (channel.quota.used, channel.quota.total) == (3, 30)


def test_upload_sends_the_file_as_multipart(agent_behind_proxy: Client, proxy: Proxy, tmp_path: Path) -> None:
    file = tmp_path / "sunset.jpg"
    file.write_bytes(b"\xff\xd8 not really \xff\xd9")
    stored = {"id": "m1", "url": "https://dynamo.example/media-files/m1", "mediaType": "IMAGE", "bytes": 18}
    proxy.faults = [Answer(503, headers={"Retry-After": "0"}), Answer(201, stored)]
    media = agent_behind_proxy.upload_media(file)
    assert (media.url, media.bytes) == (stored["url"], 18)
    [(_, _, first), (_, _, second)] = proxy.requests
    assert first["idempotency-key"] == second["idempotency-key"]
    assert second["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="sunset.jpg"' in proxy.bodies[1]
    assert file.read_bytes() in proxy.bodies[1]


def test_clock_error_has_the_servers_time(agent_behind_proxy: Client, proxy: Proxy) -> None:
    details = {"serverTime": "2026-05-30T13:00:00.000Z", "skewSeconds": 75}
    body = {"message": "Signature expired", "code": "signature.expired", "details": details}
    proxy.faults = [Answer(403, body)]
    with pytest.raises(AuthenticationFailed) as refusal:
        agent_behind_proxy.get_organization()
    assert (refusal.value.code, refusal.value.details) == ("signature.expired", details)
