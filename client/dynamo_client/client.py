"""The clients. `Client` blocks; `AsyncClient` has the same methods, to be awaited; its lists are async iterators."""

import asyncio
import inspect
import mimetypes
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from itertools import count
from typing import Any, BinaryIO, Concatenate, ParamSpec, Self, TypeVar, get_args
from urllib.parse import urlsplit

import httpx2

from dynamo_client import endpoints
from dynamo_client.auth import BearerAuth
from dynamo_client.endpoints import Call, ListCall
from dynamo_client.exceptions import DynamoError, NoResponse, api_error
from dynamo_client.retries import RetryPolicy

P = ParamSpec("P")
T = TypeVar("T")

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
TIMEOUT = 60.0  # seconds without progress; figures and comments are read from the platform meanwhile


def api_url(base_url: str, auth: httpx2.Auth) -> str:
    """Return the address that paths are appended to, which ends in /v1. Raises ValueError.

    A Bearer token is the secret itself, so it is sent over http only to this machine.
    """
    url = base_url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The address of the API must begin with https://")
    if isinstance(auth, BearerAuth) and parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("A Bearer token is only sent over https: use an https address, or SignatureAuth")
    return url if parts.path.endswith("/v1") else f"{url}/v1"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_response(error: httpx2.TransportError) -> NoResponse:
    reason = str(error) or type(error).__name__
    return NoResponse(f"No response from the server: {reason}", sent=not isinstance(error, NOT_SENT))


@contextmanager
def _request_options(call: Call[Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of one attempt; a file that is uploaded is open meanwhile, and is not read into memory."""
    with ExitStack() as stack:
        files = None
        if call.file is not None:
            kind = mimetypes.guess_type(call.file.name)[0] or "application/octet-stream"
            files = {"file": (call.file.name, stack.enter_context(call.file.open("rb")), kind)}
        yield {
            "params": dict(call.params),
            "json": call.json,
            "files": files,
            "headers": {"Accept": "application/json", **call.headers},
        }


def _documented_as(
    endpoint: Callable[..., Any], result: Callable[[Any], Any] = lambda kind: kind
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Give a method the name, docstring and signature of an endpoint, after `client`, so that `help` shows them.

    `result` makes the return type of the one that the endpoint's call has.
    """

    def decorate(method: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(endpoint)
        [kind] = get_args(signature.return_annotation)
        client = inspect.Parameter("client", inspect.Parameter.POSITIONAL_ONLY)
        method.__name__, method.__doc__ = endpoint.__name__, endpoint.__doc__
        method.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[client, *signature.parameters.values()], return_annotation=result(kind)
        )
        return method

    return decorate


def _sync(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    @_documented_as(endpoint)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(endpoint(*args, **kwargs))

    return method


def _sync_list(endpoint: Callable[P, ListCall[T]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    @_documented_as(endpoint, lambda kind: Iterator[kind])  # type: ignore[valid-type]
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return client.iterate(endpoint(*args, **kwargs))

    return method


def _async(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    @_documented_as(endpoint)
    async def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(endpoint(*args, **kwargs))

    return method


def _async_list(endpoint: Callable[P, ListCall[T]]) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[T]]:
    @_documented_as(endpoint, lambda kind: AsyncIterator[kind])  # type: ignore[valid-type]
    def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return client.iterate(endpoint(*args, **kwargs))

    return method


class Client:
    """A blocking client for one API key, to be used as a context manager. Threads may share it.

    `base_url` is the server's address, with or without /v1. Methods raise the exceptions of `dynamo_client.exceptions`.
    """

    def __init__(
        self, base_url: str, auth: httpx2.Auth, *, timeout: float = TIMEOUT, retries: RetryPolicy | None = None
    ) -> None:
        self.base_url = api_url(base_url, auth)
        self.retries = retries or RetryPolicy()
        self._http = httpx2.Client(auth=auth, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call, with further attempts where they are safe, and return its decoded result."""
        for attempt in count(1):
            error: DynamoError
            try:
                with _request_options(call) as options:
                    response = self._http.request(call.method, self.base_url + call.path, **options)
            except httpx2.TransportError as failure:
                error = _no_response(failure)
            else:
                if response.is_success:
                    return call.decode(response)
                error = api_error(response)
            delay = self.retries.delay(call, error, attempt)
            if delay is None:
                raise error
            time.sleep(delay)
        raise AssertionError("count() does not end")

    def iterate(self, call: ListCall[T]) -> Iterator[T]:
        """Yield the items of all pages; the next page is requested when it is needed."""
        while True:
            page = self.send(call)
            yield from page.items
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    def export_comments(self, post_id: str, medium_id: str, file: BinaryIO) -> int:
        """Write all comments of a published post to `file` as CSV while they are read; return the bytes written.

        Raises NoResponse when the transfer breaks off: the file is then incomplete. It is not repeated.
        """
        call = endpoints.comments_csv(post_id, medium_id)
        written = 0
        try:
            with (
                _request_options(call) as options,
                self._http.stream(call.method, self.base_url + call.path, **options) as response,
            ):
                if not response.is_success:
                    response.read()
                    raise api_error(response)
                for chunk in response.iter_bytes():
                    written += file.write(chunk)
        except httpx2.TransportError as failure:
            raise _no_response(failure) from failure
        return written

    get_organization = _sync(endpoints.get_organization)
    list_channels = _sync_list(endpoints.list_channels)
    get_channel = _sync(endpoints.get_channel)
    list_superpowers = _sync_list(endpoints.list_superpowers)
    validate = _sync(endpoints.validate)
    create_draft = _sync(endpoints.create_draft)
    list_scheduled_posts = _sync_list(endpoints.list_scheduled_posts)
    get_scheduled_post = _sync(endpoints.get_scheduled_post)
    update_draft = _sync(endpoints.update_draft)
    delete_scheduled_post = _sync(endpoints.delete_scheduled_post)
    submit_for_approval = _sync(endpoints.submit_for_approval)
    reject = _sync(endpoints.reject)
    revert = _sync(endpoints.revert)
    upload_media = _sync(endpoints.upload_media)
    list_published_posts = _sync_list(endpoints.list_published_posts)
    get_published_post = _sync(endpoints.get_published_post)
    get_insights = _sync(endpoints.get_insights)
    list_comments = _sync_list(endpoints.list_comments)
    export_comments_to_url = _sync(endpoints.export_comments_to_url)
    list_events = _sync(endpoints.list_events)


class AsyncClient:
    """The client for asyncio, with the methods and the behaviour of `Client`; an async context manager."""

    def __init__(
        self, base_url: str, auth: httpx2.Auth, *, timeout: float = TIMEOUT, retries: RetryPolicy | None = None
    ) -> None:
        self.base_url = api_url(base_url, auth)
        self.retries = retries or RetryPolicy()
        self._http = httpx2.AsyncClient(auth=auth, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call, with further attempts where they are safe, and return its decoded result."""
        for attempt in count(1):
            error: DynamoError
            try:
                with _request_options(call) as options:
                    response = await self._http.request(call.method, self.base_url + call.path, **options)
            except httpx2.TransportError as failure:
                error = _no_response(failure)
            else:
                if response.is_success:
                    return call.decode(response)
                error = api_error(response)
            delay = self.retries.delay(call, error, attempt)
            if delay is None:
                raise error
            await asyncio.sleep(delay)
        raise AssertionError("count() does not end")

    async def iterate(self, call: ListCall[T]) -> AsyncIterator[T]:
        """Yield the items of all pages; the next page is requested when it is needed."""
        while True:
            page = await self.send(call)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            call = call.after(page.next_cursor)

    async def export_comments(self, post_id: str, medium_id: str, file: BinaryIO) -> int:
        """Write all comments of a published post to `file` as CSV while they are read; return the bytes written.

        Raises NoResponse when the transfer breaks off: the file is then incomplete. It is not repeated.
        """
        call = endpoints.comments_csv(post_id, medium_id)
        written = 0
        try:
            with _request_options(call) as options:
                async with self._http.stream(call.method, self.base_url + call.path, **options) as response:
                    if not response.is_success:
                        await response.aread()
                        raise api_error(response)
                    async for chunk in response.aiter_bytes():
                        written += file.write(chunk)
        except httpx2.TransportError as failure:
            raise _no_response(failure) from failure
        return written

    get_organization = _async(endpoints.get_organization)
    list_channels = _async_list(endpoints.list_channels)
    get_channel = _async(endpoints.get_channel)
    list_superpowers = _async_list(endpoints.list_superpowers)
    validate = _async(endpoints.validate)
    create_draft = _async(endpoints.create_draft)
    list_scheduled_posts = _async_list(endpoints.list_scheduled_posts)
    get_scheduled_post = _async(endpoints.get_scheduled_post)
    update_draft = _async(endpoints.update_draft)
    delete_scheduled_post = _async(endpoints.delete_scheduled_post)
    submit_for_approval = _async(endpoints.submit_for_approval)
    reject = _async(endpoints.reject)
    revert = _async(endpoints.revert)
    upload_media = _async(endpoints.upload_media)
    list_published_posts = _async_list(endpoints.list_published_posts)
    get_published_post = _async(endpoints.get_published_post)
    get_insights = _async(endpoints.get_insights)
    list_comments = _async_list(endpoints.list_comments)
    export_comments_to_url = _async(endpoints.export_comments_to_url)
    list_events = _async(endpoints.list_events)
