"""The platform's failures in a sentence for whoever asked. It holds no credentials."""

from posts.graph.errors import AuthFailed, GraphError, NotFound

# 100/33 says the same of what is deleted, what is hidden from us, and during outages of everything.
UNSEEN = "The platform does not show this post now: it may be deleted or hidden, or the platform is in trouble"
RECONNECT = "a person has to connect the channel again"


def in_words(error: GraphError) -> str:
    """Return why a live read failed."""
    if isinstance(error, NotFound):
        return UNSEEN
    text = str(error)
    if isinstance(error, AuthFailed) and error.code is not None:
        return f"{text.rstrip('.')}; {RECONNECT}"
    return text
