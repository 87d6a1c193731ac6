"""What the tools do: the same as the API, by the same key, with the tool's name in the audit log."""

import base64
import json
from typing import Any

import jsonschema
import pytest

from accounts import clock
from accounts.models import ApiKey, AuditEvent, Organization, User
from dynamo.mcp.errors import BY_STATUS, DO_THIS
from posts.models import Channel, MediaFile, PublishedPost
from scheduling.domain import drafts, event_feed, review
from scheduling.models import ScheduledPost
from tests.dynamo.mcp.messages import McpClient
from tests.helpers import SignedClient, fresh


@pytest.fixture
def content(draft_fields: dict[str, Any]) -> dict[str, Any]:
    return draft_fields


def last_event(verb: str) -> AuditEvent:
    return AuditEvent.objects.filter(verb=verb).latest("pk")


def test_whoami_shows_the_key_and_its_limits(key: ApiKey, mcp: McpClient) -> None:
    ApiKey.objects.update(scopes=["read"], channels=["FB_PAGE_1"])
    shown = mcp.call("whoami")
    assert (shown["keyId"], shown["scopes"], shown["channels"]) == (key.pk, ["read"], ["FB_PAGE_1"])
    assert "secret" not in json.dumps(shown)


def test_channels_and_capabilities_are_those_of_the_api(
    mcp: McpClient, api: SignedClient, facebook: Channel, instagram: Channel
) -> None:
    listed = mcp.call("list_channels")
    assert (listed["items"], listed["nextCursor"]) == (api.get("/channels").json(), None)
    first = mcp.call("list_channels", limit=1)
    second = mcp.call("list_channels", limit=1, cursor=first["nextCursor"])
    assert [*first["items"], *second["items"]] == listed["items"]
    for channel in (facebook, instagram):
        shown = mcp.call("get_capabilities", channelId=channel.public_id)
        assert shown == api.get(f"/channels/{channel.public_id}").json()
    assert mcp.refusal("get_capabilities", channelId="FB_PAGE_9")["code"] == "not_found"


def test_draft_is_validated_created_once_changed_and_submitted(mcp: McpClient, content: Any, key: ApiKey) -> None:
    assert mcp.call("validate_post", **content)["valid"]
    created = mcp.call("create_draft", idempotencyKey="monday", **content)
    assert mcp.call("create_draft", idempotencyKey="monday", **content) == created
    post = ScheduledPost.objects.get()
    assert (str(post.pk), created["status"], post.created_by_key) == (created["id"], "DRAFT", key)
    assert created["allowed"] == ["submit_for_approval", "update_draft", "delete_draft"]
    assert created["adminUrl"].endswith(f"/admin/scheduling/scheduledpost/{post.pk}/review/")
    other = mcp.refusal("create_draft", idempotencyKey="monday", brief="Another")
    assert (other["code"], other["doThis"]) == ("idempotency.mismatch", DO_THIS["idempotency.mismatch"])

    changed = mcp.call("update_draft", postId=created["id"], version=1, brief="Please check the date")
    assert (changed["version"], fresh(post).brief) == (2, "Please check the date")
    for tool in ("update_draft", "submit_for_approval"):
        stale = mcp.refusal(tool, postId=created["id"], version=1)
        assert (stale["code"], stale["details"]["version"]) == ("precondition.failed", 2)
    submitted = mcp.call("submit_for_approval", postId=created["id"], version=2)
    assert (submitted["status"], fresh(post).status) == ("WAITING_FOR_APPROVAL", "WAITING_FOR_APPROVAL")
    assert submitted["allowed"] == ["withdraw", "update_draft", "delete_draft"]
    again = mcp.refusal("submit_for_approval", postId=created["id"], version=2)
    assert (again["code"], again["allowed"]) == ("state.conflict", submitted["allowed"])
    tools = {event.verb: event.details["tool"] for event in AuditEvent.objects.all()}
    assert tools == {"create": "create_draft", "edit": "update_draft", "submit": "submit_for_approval"}
    assert {event.actor_id for event in AuditEvent.objects.all()} == {key.pk}


def test_api_request_names_no_tool(api: SignedClient, content: Any) -> None:
    api.post("/scheduled-posts", content)
    assert "tool" not in last_event("create").details


def test_refused_create_frees_its_key(mcp: McpClient, content: Any) -> None:
    wrong = {**content, "channels": {"FB_PAGE_9": {"mediumType": "FB_PAGE", "caption": "x"}}}
    refused = mcp.refusal("create_draft", idempotencyKey="monday", **wrong)
    assert (refused["code"], refused["violations"][0]["path"]) == ("channel.unknown", ["channels", "FB_PAGE_9"])
    assert mcp.call("create_draft", idempotencyKey="monday", **content)["status"] == "DRAFT"


def test_incomplete_draft_is_not_submitted(mcp: McpClient) -> None:
    created = mcp.call("create_draft", idempotencyKey="empty")
    refused = mcp.refusal("submit_for_approval", postId=created["id"], version=created["version"])
    assert {violation["code"] for violation in refused["violations"]} >= {"scheduledFor.missing", "channels.empty"}
    assert refused["doThis"] == BY_STATUS[400]
    assert ScheduledPost.objects.get().status == "DRAFT"


def test_rejection_is_read_and_revised(
    mcp: McpClient, make_waiting: Any, seat: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    shown = review_of(post)
    review.reject(seat(reviewer, organization), post, notes="Name the hotel", **shown)
    read = mcp.call("get_post", postId=str(post.pk))
    assert (read["status"], read["review"]["notes"], read["review"]["decision"]) == (
        "REJECTED",
        "Name the hotel",
        "REJECTED",
    )
    assert read["checks"]
    assert mcp.call("list_posts", status="REJECTED")["items"][0]["notes"] == "Name the hotel"
    event_feed.number()
    page = mcp.call("list_events", types="post.rejected")
    assert page["items"][0]["review"]["notes"] == page["items"][0]["post"]["notes"] == "Name the hotel"
    assert mcp.call("list_events", after=page["nextCursor"])["items"] == []
    changed = mcp.call("update_draft", postId=str(post.pk), version=read["version"], brief="Named it")
    assert mcp.call("submit_for_approval", postId=str(post.pk), version=changed["version"])["status"] == (
        "WAITING_FOR_APPROVAL"
    )


def review_of(post: ScheduledPost) -> dict[str, Any]:
    from scheduling.domain.content import current_content

    return {"digest": current_content(post)[1], "revision": fresh(post).revision}


def test_waiting_post_is_withdrawn_by_the_key(mcp: McpClient, make_waiting: Any, key: ApiKey) -> None:
    post = make_waiting()
    withdrawn = mcp.call("withdraw", postId=str(post.pk), version=post.version, reason="Wrong date")
    assert (withdrawn["status"], fresh(post).status) == ("DRAFT", "DRAFT")
    decision = fresh(post).last_review
    assert (decision["by"]["kind"], decision["by"]["id"], decision["notes"]) == ("API_KEY", key.pk, "Wrong date")
    assert [last_event(verb).details["tool"] for verb in ("reject", "redraft")] == ["withdraw", "withdraw"]


def test_scheduled_post_is_withdrawn_and_its_approval_is_void(mcp: McpClient, make_scheduled: Any) -> None:
    post = make_scheduled()
    stale = mcp.refusal("withdraw", postId=str(post.pk), version=post.version + 1)
    assert (stale["code"], fresh(post).status) == ("precondition.failed", "SCHEDULED")
    assert mcp.call("withdraw", postId=str(post.pk), reason="Wrong date")["status"] == "DRAFT"
    assert (last_event("revert").details["reason"], last_event("revert").details["tool"]) == ("Wrong date", "withdraw")
    assert (fresh(post).task_id, fresh(post).approval) == (None, None)
    refused = mcp.refusal("withdraw", postId=str(post.pk))
    assert (refused["code"], refused["details"]["status"]) == ("state.conflict", "DRAFT")


def test_post_is_deleted(mcp: McpClient, make_draft: Any) -> None:
    post = make_draft()
    assert mcp.refusal("delete_draft", postId=str(post.pk), version=7)["code"] == "precondition.failed"
    assert mcp.call("delete_draft", postId=str(post.pk), reason="Twice") == {"id": str(post.pk), "deleted": True}
    assert not ScheduledPost.objects.exists()
    assert (last_event("delete").details["tool"], last_event("delete").details["reason"]) == ("delete_draft", "Twice")
    for tool in ("get_post", "withdraw", "delete_draft"):
        assert mcp.refusal(tool, postId=str(post.pk))["code"] == "not_found"


def test_policy_demands_the_version_of_what_a_person_edited(
    mcp: McpClient, make_draft: Any, author: User, organization: Organization
) -> None:
    from accounts.domain.actors import user_actor

    Organization.objects.update(require_if_match=True)
    post = make_draft()
    drafts.edit(user_actor(author), post, changes={"brief": "x", "media": None})
    assert mcp.call("whoami")["versionRequired"]
    for tool in ("delete_draft", "withdraw"):
        assert mcp.refusal(tool, postId=str(post.pk))["code"] == "precondition.required"
    mcp.call("delete_draft", postId=str(post.pk), version=fresh(post).version)


def test_posts_are_listed_page_by_page_with_short_captions(mcp: McpClient, make_draft: Any, facebook: Channel) -> None:
    from scheduling.domain.drafts import ChannelText

    long = {facebook.public_id: ChannelText(facebook.type, "x" * 5000)}
    ids = {str(make_draft(channels=long).pk) for _ in range(3)}
    first = mcp.call("list_posts", limit=2, channelId=facebook.public_id)
    second = mcp.call("list_posts", limit=2, channelId=facebook.public_id, cursor=first["nextCursor"])
    assert {item["id"] for item in [*first["items"], *second["items"]]} == ids
    assert second["nextCursor"] is None
    assert len(json.dumps(first)) < 2000
    assert mcp.call("list_posts", q="nothing")["items"] == []
    assert mcp.refusal("list_posts", channelId="FB_PAGE_9")["code"] == "channel.unknown"


def test_media_are_uploaded_by_url_and_in_base64(mcp: McpClient, media: str, facebook: Channel) -> None:
    by_url = mcp.call("upload_media", url=media)
    from django.core.files.storage import default_storage

    stored = MediaFile.objects.get()
    with default_storage.open(stored.file.name) as file:
        data = base64.b64encode(file.read()).decode()
    by_data = mcp.call("upload_media", base64=data)
    assert by_data["mediaType"] == by_url["mediaType"] == "IMAGE"
    draft = {
        "media": by_data["url"],
        "scheduledFor": "2031-08-01T13:00:00Z",
        "channels": {facebook.public_id: {"mediumType": "FB_PAGE", "caption": "Olá"}},
    }
    checked = mcp.call("validate_post", **draft)
    assert (checked["valid"], checked["mediaChecked"]) == (True, True)
    refused = mcp.refusal("upload_media", base64=base64.b64encode(b"a text").decode())
    assert (refused["code"], refused["doThis"]) == ("media.unusable", DO_THIS["media.unusable"])
    absent = f"{media.partition('?')[0]}/nothing"
    assert mcp.refusal("upload_media", url=absent)["code"] in {"media.unusable", "media.unavailable"}


def test_published_post_insights_and_comments_are_those_of_the_api(
    mcp: McpClient, api: SignedClient, page_post: Any
) -> None:
    where = {"postId": page_post.id, "mediumId": page_post.channel.public_id}
    path, query = f"/posts/{where['postId']}", {"mediumId": where["mediumId"]}
    assert mcp.call("get_published_post", **where) == api.get(path, query=query).json()
    insights, expected = mcp.call("get_insights", **where), api.get(f"{path}/insights", query=query).json()
    assert insights["insights"] == expected["insights"]
    page = mcp.call("get_comments", **where, limit=2)
    assert page["items"] == api.get(f"{path}/comments", query={**query, "limit": 2}).json()["items"]
    assert mcp.refusal("get_comments", **where, after="x")["code"] == "request.invalid"
    assert mcp.refusal("get_insights", **{**where, "mediumId": "FB_PAGE_9"})["code"] == "channel.unknown"
    assert mcp.refusal("get_insights", **{**where, "postId": "1\x00"})["code"] == "request.invalid"
    assert mcp.refusal("get_insights", **{**where, "postId": "1_2"})["code"] == "not_found"


def test_failing_platform_is_an_error_with_a_way_out(mcp: McpClient, page_post: Any, sandbox: Any) -> None:
    where = {"postId": page_post.id, "mediumId": page_post.channel.public_id}
    sandbox.fault("GET .*insights", "html_502", times=50)
    error = mcp.refusal("get_insights", **where)
    assert (error["code"], error["doThis"]) == ("platform.failed", DO_THIS["platform.failed"])
    sandbox.heal()
    sandbox.fault("GET .*insights", "throttle", times=50, minutes=3)
    error = mcp.refusal("get_insights", **where)
    assert (error["code"], error["retryAfter"] > 0) == ("platform.throttled", True)


def test_post_of_another_channel_or_organization_is_not_found(
    make_draft: Any, other_key: Any, make_key: Any, organization: Organization, author: User
) -> None:
    post = make_draft()
    strangers = [McpClient(other_key), McpClient(make_key(organization, author, channels=["FB_PAGE_9"]))]
    for client in strangers:
        assert client.call("list_posts")["items"] == []
        for tool in ("get_post", "withdraw", "delete_draft"):
            assert client.refusal(tool, postId=str(post.pk))["code"] == "not_found"
        for tool in ("update_draft", "submit_for_approval"):
            assert client.refusal(tool, postId=str(post.pk), version=1)["code"] == "not_found"
    assert fresh(post).status == "DRAFT"


def test_unexpected_failure_is_logged_and_shows_no_detail(
    mcp: McpClient, make_draft: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    post = make_draft()
    mcp.client.raise_request_exception = False
    settings.ADMIN_URL = None  # a defect of the configuration
    error = mcp.refusal("get_post", postId=str(post.pk))
    assert (error["code"], error["message"]) == ("server.error", "Internal server error")
    assert "TypeError" in caplog.text


def test_deleted_published_post_is_not_found(mcp: McpClient, page_post: Any) -> None:
    PublishedPost.objects.update(deleted_at=clock.now())
    where = {"postId": page_post.id, "mediumId": page_post.channel.public_id}
    assert mcp.refusal("get_published_post", **where)["code"] == "not_found"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("list_posts", {"status": [1]}), ("list_posts", {"status": ["DRAFT", None]}), ("list_events", {"types": [{}]})],
)
def test_list_of_other_values_than_words_is_refused_at_its_path(mcp: McpClient, tool: str, arguments: Any) -> None:
    (name,) = arguments
    error = mcp.refusal(tool, **arguments)
    assert [(item["path"], item["code"]) for item in error["violations"]] == [([name], "string.base")]


def test_lists_of_words_are_described_as_the_tools_take_them(mcp: McpClient, make_draft: Any) -> None:
    post = make_draft()
    schema = mcp.tools()["list_posts"]["inputSchema"]["properties"]["status"]
    for status in (["DRAFT", "REJECTED"], "DRAFT,REJECTED"):
        jsonschema.validate(status, schema)
        assert [item["id"] for item in mcp.call("list_posts", status=status)["items"]] == [str(post.pk)]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([1], schema)
