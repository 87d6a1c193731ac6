"""The platform's failures on endpoints that read live: 503 while it throttles us, 502 for everything else."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.exceptions import UpstreamFailed, UpstreamThrottled
from posts.graph.errors import GraphError, Throttled, user_message


@contextmanager
def upstream() -> Iterator[None]:
    """Turn GraphErrors into answers."""
    try:
        yield
    except Throttled as error:
        raise UpstreamThrottled(user_message(error), retry_after=error.retry_after) from error
    except GraphError as error:
        raise UpstreamFailed(user_message(error)) from error
