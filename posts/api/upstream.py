"""The platform's failures on endpoints that read live: 503 while it throttles us, 502 for everything else."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.api.envelopes import UpstreamBusy, UpstreamFailed
from posts.graph.errors import AuthFailed, GraphError, NotFound, Throttled

# 100/33 says the same of what is deleted, what is hidden from us, and during outages of everything.
UNSEEN = "The platform does not show this post now: it may be deleted or hidden, or the platform is in trouble"
RECONNECT = "a person has to connect the channel again"


@contextmanager
def upstream() -> Iterator[None]:
    """Turn GraphErrors into answers. Their messages are for people and hold no credentials."""
    try:
        yield
    except Throttled as error:
        raise UpstreamBusy(str(error), retry_after=error.retry_after) from error
    except NotFound as error:
        raise UpstreamFailed(UNSEEN) from error
    except AuthFailed as error:
        text = str(error)
        raise UpstreamFailed(text if error.code is None else f"{text.rstrip('.')}; {RECONNECT}") from error
    except GraphError as error:
        raise UpstreamFailed(str(error)) from error
