"""Fixtures of all tests: two organizations, their users, keys and channels, and a sandbox of the platform."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts import clock, encryption
from accounts.domain import actors
from accounts.models import ApiKey, Membership, Organization, Role, User
from dynamo.sandbox.server import Sandbox
from posts.models import Channel
from scheduling.domain.drafts import ChannelText, create
from scheduling.domain.media_inspection import inspect_media
from tests.helpers import SignedClient, approve, as_reviewer, log_in, stamp, switch_truncate_triggers
from tests.plugins.network_guard import keep_inside
from tests.services.processes import ProcessGroup, process_group
from tests.services.sandbox import FACEBOOK, INSTAGRAM, OTHER_FACEBOOK, PlatformAccount, SandboxControl
from tests.services.web_server import WebServer


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of the browser and of the kit out unless they are asked for: they need Debian's packages."""
    asked = any(f"tests/{collection_path.name}" in arg for arg in config.invocation_params.args)
    apart = collection_path.parent == Path(__file__).parent and collection_path.name in {"browser", "deploy"}
    return True if apart and not asked else None


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        keep_inside(patch)
        yield


@pytest.fixture(autouse=True)
def _each_test_alone(settings: Any, tmp_path: Path) -> None:
    """Give each test a cache of its own, and passwords that are quick to check."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alone = {"KEY_PREFIX": f"test-{uuid.uuid4().hex}"} if settings.REDIS_URL else {"LOCATION": str(tmp_path / "cache")}
    settings.CACHES = {"default": {**settings.CACHES["default"], **alone}}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Disable the triggers that refuse to TRUNCATE the audit log: pytest-django truncates after tests that commit."""
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            switch_truncate_triggers("DISABLE")


# People and organizations


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Casa do Sol")


@pytest.fixture
def other_organization(db: None) -> Organization:
    return Organization.objects.create(name="Rival")


@pytest.fixture
def make_member(db: None) -> Callable[..., User]:
    """Make a user who may log in to the admin; the password stays readable in `.raw_password`."""

    def make(username: str, organization: Organization, role: Role = Role.EDITOR, *, may_review: bool = False) -> User:
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, f"{username}@example.com", password, is_staff=True)
        user.raw_password = password  # type: ignore[attr-defined]
        Membership.objects.create(organization=organization, user=user, role=role, may_review=may_review)
        return user

    return make


@pytest.fixture
def author(make_member: Callable[..., User], organization: Organization) -> User:
    return make_member("author", organization)


@pytest.fixture
def reviewer(make_member: Callable[..., User], organization: Organization) -> User:
    return make_member("reviewer", organization, Role.VIEWER, may_review=True)


@pytest.fixture
def viewer(make_member: Callable[..., User], organization: Organization) -> User:
    return make_member("viewer", organization, Role.VIEWER)


@pytest.fixture
def admin_member(make_member: Callable[..., User], organization: Organization) -> User:
    return make_member("administrator", organization, Role.ADMIN)


@pytest.fixture
def outsider(make_member: Callable[..., User], other_organization: Organization) -> User:
    return make_member("outsider", other_organization, may_review=True)


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return the function that logs a user in and returns the browser that holds the session."""
    return log_in


# Keys and the API


@pytest.fixture
def make_key(db: None) -> Callable[..., ApiKey]:
    """Make a key that `issued_by` issued; its secret stays readable in `.secret`."""

    def make(organization: Organization, issued_by: User, name: str = "agent", **columns: Any) -> ApiKey:
        secret = secrets.token_urlsafe(32)
        key = ApiKey.objects.create(
            organization=organization,
            name=name,
            issued_by=issued_by,
            secret_encrypted=encryption.encrypt(secret),
            **columns,
        )
        key.secret = secret  # type: ignore[attr-defined]
        return key

    return make


@pytest.fixture
def key(make_key: Callable[..., ApiKey], organization: Organization, author: User) -> ApiKey:
    return make_key(organization, author)


@pytest.fixture
def other_key(make_key: Callable[..., ApiKey], other_organization: Organization, outsider: User) -> ApiKey:
    return make_key(other_organization, outsider, "other agent")


@pytest.fixture
def api(key: ApiKey) -> SignedClient:
    return SignedClient(key)


@pytest.fixture
def other_api(other_key: ApiKey) -> SignedClient:
    return SignedClient(other_key)


# The platform


def connect(organization: Organization, account: PlatformAccount) -> Channel:
    return Channel.objects.create(
        organization=organization,
        public_id=account.public_id,
        type=account.type,
        platform_id=account.id,
        name=account.name,
        token_encrypted=encryption.encrypt(account.token),
    )


@pytest.fixture
def facebook(organization: Organization) -> Channel:
    return connect(organization, FACEBOOK)


@pytest.fixture
def instagram(organization: Organization) -> Channel:
    return connect(organization, INSTAGRAM)


@pytest.fixture
def other_facebook(other_organization: Organization) -> Channel:
    return connect(other_organization, OTHER_FACEBOOK)


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxControl]:
    server = Sandbox(port=0, folder=None)
    yield SandboxControl(server.url)
    server.close()


@pytest.fixture(scope="session")
def public_server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def sandbox(sandbox_server: SandboxControl, public_server: WebServer, settings: Any) -> SandboxControl:
    """The sandbox of the platform, reset, with the accounts of all channels; it fetches our media from us."""
    sandbox_server.reset()
    settings.PUBLIC_URL = public_server.url
    settings.GRAPH_BASE_URL = sandbox_server.url
    settings.SANDBOXED = settings.MEDIA_ALLOW_LOOPBACK = True
    return sandbox_server


@pytest.fixture
def media(sandbox: SandboxControl) -> str:
    """The URL of a picture that the sandbox serves, small because most tests store it."""
    return f"{sandbox.media()}?w=480&h=480"


# The storage


@pytest.fixture(scope="session")
def bucket_endpoint() -> Iterator[str]:
    """The address of moto's server, which is spoken to over HTTP like any S3-compatible one."""
    from moto.server import ThreadedMotoServer  # slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(bucket_endpoint: str, settings: Any) -> Iterator[Any]:
    """The default storage as the settings make it of S3_BUCKET; returns a client of the bucket."""
    import boto3
    from botocore.config import Config

    credentials = {"region_name": "eu-west-1", "aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=bucket_endpoint, **credentials)  # type: ignore[call-overload]
    client.create_bucket(Bucket="media", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    options = {
        "bucket_name": "media",
        "endpoint_url": bucket_endpoint,
        "region_name": "eu-west-1",
        "access_key": "key",
        "secret_key": "secret",
        "querystring_expire": settings.MEDIA_LINK_SECONDS,
        "file_overwrite": False,
        "max_memory_size": 4 * 1024**2,
        "client_config": Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}),
    }
    settings.STORAGES = {
        **settings.STORAGES, "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }  # fmt: skip
    yield client
    for item in client.list_objects_v2(Bucket="media").get("Contents", []):
        client.delete_object(Bucket="media", Key=item["Key"])
    client.delete_bucket(Bucket="media")


# Scheduled posts


@pytest.fixture
def draft_fields(facebook: Channel, instagram: Channel, media: str) -> dict[str, Any]:
    """What a client sends for a draft that would pass the full publish validation, due in an hour."""
    return {
        "type": "POST",
        "media": media,
        "mediaType": "IMAGE",
        "scheduledFor": stamp(clock.now() + timedelta(hours=1)),
        "channels": {
            item.public_id: {"mediumType": item.type, "caption": f"Olá from {item.name} 👋"}
            for item in (facebook, instagram)
        },
    }


@pytest.fixture
def make_draft(key: ApiKey, facebook: Channel, instagram: Channel, media: str) -> Callable[..., Any]:
    """Make a draft through the domain, by `key` unless an `actor` is given; keywords replace its changes.

    With `submit` it is submitted, and its media is inspected if `looked`. `channels` may be a list of channels. The
    defaults pass the full publish validation; the post is due in an hour.
    """

    def make(*, actor: actors.Actor | None = None, submit: bool = False, looked: bool = True, **changes: Any) -> Any:
        channels = changes.pop("channels", [facebook, instagram])
        if isinstance(channels, list):
            channels = {item.public_id: ChannelText(item.type, f"Olá from {item.name} 👋") for item in channels}
        content = {
            "type": "POST",
            "media": media,
            "media_type": "IMAGE",
            "scheduled_for": clock.now() + timedelta(hours=1),
            "channels": channels,
            **changes,
        }
        actor = actor or actors.api_key_actor(key)
        post = create(actor, organization=key.organization, changes=content, submit=submit)  # type: ignore[arg-type]
        if submit and looked:
            inspect_media(str(post.pk), post.version)
            post.refresh_from_db()
        return post

    return make


@pytest.fixture
def make_waiting(make_draft: Callable[..., Any]) -> Callable[..., Any]:
    """Make a post that waits for approval; takes what `make_draft` takes."""
    return lambda **changes: make_draft(submit=True, **changes)


@pytest.fixture
def seat() -> Callable[..., Any]:
    """Return the function that gives the Reviewer that a user is."""
    return as_reviewer


@pytest.fixture
def make_scheduled(
    make_waiting: Callable[..., Any], seat: Callable[..., Any], reviewer: User, organization: Organization
) -> Callable[..., Any]:
    """Make a post that `reviewer` approved and scheduled; takes what `make_draft` takes."""

    def make(**changes: Any) -> Any:
        post = make_waiting(**changes)
        approve(seat(reviewer, organization), post)
        post.refresh_from_db()
        return post

    return make


# Processes


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, sandbox: SandboxControl) -> Iterator[ProcessGroup]:
    """Start workers, beat, web or another sandbox as processes of their own; they end with the test."""
    with process_group(tmp_path) as started:
        yield started
