"""The platform's failures on endpoints that read live: 503 while it throttles us, 502 for everything else."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.envelopes import UpstreamBusy, UpstreamFailed
from posts.domain.failures import in_words
from posts.graph.errors import GraphError, Throttled


@contextmanager
def upstream() -> Iterator[None]:
    """Turn GraphErrors into answers."""
    try:
        yield
    except Throttled as error:
        raise UpstreamBusy(in_words(error), retry_after=error.retry_after) from error
    except GraphError as error:
        raise UpstreamFailed(in_words(error)) from error
