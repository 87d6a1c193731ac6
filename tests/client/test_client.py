"""What an agent does with the client: draft, submit, read the review, revise, read what is published."""

import asyncio
import csv
import inspect
import io
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.models import ApiKey, Organization, User
from dynamo_client import (
    AsyncClient,
    AuthenticationFailed,
    BearerAuth,
    Client,
    Conflict,
    InvalidRequest,
    MediaItem,
    NotFound,
    PermissionDenied,
    SignatureAuth,
    StaleVersion,
)
from dynamo_client.models import Channel as ChannelResult
from dynamo_client.models import Insights
from posts.models import Channel
from scheduling.domain import review
from scheduling.domain.media_inspection import inspect_media
from scheduling.models import ScheduledPost
from tests.helpers import approve, as_reviewer
from tests.posts.conftest import LivePost
from tests.services.web_server import WebServer


def in_an_hour() -> datetime:
    return (clock.now() + timedelta(hours=1)).replace(microsecond=0)


def test_loop_from_draft_to_approval(
    agent: Client, facebook: Channel, media: str, reviewer: User, organization: Organization
) -> None:
    assert agent.get_organization().name == organization.name
    [channel] = agent.list_channels()
    scheduled_for = in_an_hour()
    post = agent.create_draft(
        channels={channel.id: "Olá"},
        media=media,
        media_type="IMAGE",
        scheduled_for=scheduled_for,
        brief="For the weekend",
    )
    assert (post.status, post.version, post.scheduled_for) == ("DRAFT", 1, scheduled_for)
    assert post.mediums_data[channel.id].caption == "Olá"
    assert post.created_by is not None
    assert post.created_by.kind == "API_KEY"
    assert agent.submit_for_approval(post.id, version=post.version).status == "WAITING_FOR_APPROVAL"

    person = as_reviewer(reviewer, organization)
    review.reject(person.actor, ScheduledPost.objects.get(pk=post.id), notes="Shorter")
    rejected = agent.get_scheduled_post(post.id)
    assert (rejected.status, rejected.notes) == ("REJECTED", "Shorter")

    revised = agent.update_draft(post.id, version=rejected.version, channels={channel.id: "Oi"}, redraft=True)
    assert (revised.status, revised.version) == ("DRAFT", 2)
    agent.submit_for_approval(post.id, version=2)
    inspect_media(post.id, 2)
    approve(person, ScheduledPost.objects.get(pk=post.id))
    assert agent.get_scheduled_post(post.id).status == "SCHEDULED"


def test_update_with_stale_version_is_refused(agent: Client, facebook: Channel) -> None:
    post = agent.create_draft(channels={facebook.public_id: "Olá"})
    agent.update_draft(post.id, version=1, brief="Changed")
    with pytest.raises(StaleVersion) as refusal:
        agent.update_draft(post.id, version=1, brief="Again")
    assert refusal.value.status == 412
    assert agent.get_scheduled_post(post.id).brief == "Changed"


def test_incomplete_post_lists_all_violations(agent: Client, facebook: Channel) -> None:
    post = agent.create_draft(channels={facebook.public_id: ""})
    with pytest.raises(InvalidRequest) as refusal:
        agent.submit_for_approval(post.id)
    paths = {violation.path[0] for violation in refusal.value.violations}
    assert {"scheduledFor", "channels"} <= paths
    assert refusal.value.message in {violation.message for violation in refusal.value.violations}
    assert refusal.value.request_id


def test_wrong_shape_names_the_field(agent: Client) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        agent.create_draft(type="CAROUSEL")
    [violation] = refusal.value.violations
    assert (refusal.value.status, violation.path, violation.code) == (422, ("type",), "any.only")


def test_state_conflict_lists_the_allowed_actions(agent: Client, facebook: Channel) -> None:
    post = agent.create_draft(channels={facebook.public_id: "Olá"})
    with pytest.raises(Conflict) as refusal:
        agent.revert(post.id)
    assert refusal.value.post_status == "DRAFT"
    assert set(refusal.value.allowed) == {"submit-for-approval", "update", "delete"}


def test_deleted_post_is_not_found(agent: Client) -> None:
    post = agent.create_draft()
    agent.delete_scheduled_post(post.id)
    with pytest.raises(NotFound):
        agent.get_scheduled_post(post.id)


def test_wrong_secret_fails_authentication(transactional_db: None, key: ApiKey, public_server: WebServer) -> None:
    with Client(public_server.url, SignatureAuth(key.pk, "wrong")) as stranger, pytest.raises(AuthenticationFailed):
        stranger.get_organization()


def test_missing_scope_is_denied(
    transactional_db: None, make_key: Callable[..., ApiKey], organization: Organization, author: User,
    public_server: WebServer,
) -> None:  # fmt: skip
    key = make_key(organization, author, scopes=["read"])
    with Client(public_server.url, SignatureAuth(key.pk, key.secret)) as client:  # type: ignore[attr-defined]
        assert client.get_organization().id == str(organization.pk)
        with pytest.raises(PermissionDenied):
            client.create_draft()


def test_carousel_is_sent_and_returned_in_order(agent: Client, instagram: Channel) -> None:
    items = [MediaItem("https://example.com/1.jpg", alt_text="The beach"), MediaItem("https://example.com/2.jpg")]
    post = agent.create_draft(channels={instagram.public_id: "Olá"}, media_items=items)
    assert post.media_items == items


def test_list_yields_every_page(agent: Client) -> None:
    made = [agent.create_draft(brief=str(number)).id for number in range(5)]
    assert sorted(post.id for post in agent.list_scheduled_posts(page_size=2)) == sorted(made)
    assert list(agent.list_scheduled_posts(status=["SCHEDULED", "FAILED"])) == []


def test_published_post_with_comments_and_insights(agent: Client, page_post: LivePost) -> None:
    page_post.comments(count=7, replies=0, seed=3)
    medium = page_post.channel.public_id
    [post] = agent.list_published_posts(medium_id=medium, start_date=page_post.row.published_at.date())
    assert (post.id, post.medium_id) == (page_post.id, medium)
    assert agent.get_published_post(post.id, medium).published_at == post.published_at
    assert len({comment.id for comment in agent.list_comments(post.id, medium, page_size=3)}) == 7
    insights = agent.get_insights(post.id, medium)
    assert insights.post_id == post.id
    assert insights.insights or insights.unavailable


def test_comments_are_exported_as_csv(agent: Client, page_post: LivePost) -> None:
    page_post.comments(count=60, replies=0.4, seed=3)
    file = io.BytesIO()
    written = agent.export_comments(page_post.id, page_post.channel.public_id, file)
    assert written == len(file.getvalue())
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    assert len({row["id"] for row in rows}) == 60


def test_async_client_runs_the_same_calls(
    transactional_db: None, key: ApiKey, public_server: WebServer, page_post: LivePost
) -> None:
    page_post.comments(count=5, replies=0, seed=3)

    async def run() -> list[Any]:
        auth = SignatureAuth(key.pk, key.secret)  # type: ignore[attr-defined]
        async with AsyncClient(public_server.url, auth) as client:
            channels = [channel async for channel in client.list_channels()]
            posts = await asyncio.gather(*(client.create_draft(brief=str(number)) for number in range(3)))
            read = [post.id async for post in client.list_scheduled_posts(page_size=1)]
            file = io.BytesIO()
            await client.export_comments(page_post.id, page_post.channel.public_id, file)
            with pytest.raises(NotFound):
                await client.get_scheduled_post("nothing")
            return [channels[0].id, sorted(post.id for post in posts) == sorted(read), file.getvalue().count(b"\r\n")]

    assert asyncio.run(run()) == [page_post.channel.public_id, True, 6]


def test_time_without_zone_is_refused_before_sending() -> None:
    with (
        Client("https://dynamo.example", SignatureAuth("dk_1", "s")) as client,
        pytest.raises(ValueError, match="zone"),
    ):
        client.create_draft(scheduled_for=datetime(2031, 8, 1, 13))  # noqa: DTZ001  the case


@pytest.mark.parametrize("url", ["http://dynamo.example", "ftp://dynamo.example", "dynamo.example"])
def test_bearer_is_not_sent_in_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Client(url, BearerAuth("dk_1", "s"))


@pytest.mark.parametrize("url", ["https://dynamo.example", "https://dynamo.example/", "https://dynamo.example/v1/"])
def test_base_url_with_or_without_version(url: str) -> None:
    with Client(url, BearerAuth("dk_1", "s")) as client:
        assert client.base_url == "https://dynamo.example/v1"


def test_no_method_approves_or_publishes() -> None:
    names = {name for kind in (Client, AsyncClient) for name in vars(kind)}
    assert {"submit_for_approval", "export_comments"} <= names
    assert [name for name in names if name.startswith(("approve", "publish", "schedule"))] == []


def test_methods_show_the_signature_of_their_call() -> None:
    parameters = inspect.signature(Client.get_insights)
    assert list(parameters.parameters) == ["client", "post_id", "medium_id"]
    assert parameters.return_annotation is Insights
    assert inspect.signature(Client.list_channels).return_annotation == Iterator[ChannelResult]
    assert inspect.signature(AsyncClient.list_channels).return_annotation == AsyncIterator[ChannelResult]
    assert (Client.get_insights.__doc__ or "").startswith("Read the figures")
