"""What follows each class of error of the Graph API, the most specific class first."""

import random
from dataclasses import dataclass

from posts.graph import error_codes, errors

AGAIN, DEFER, GIVE_UP, READ_BACK, RESTAGE = "again", "defer", "give up", "read back", "restage"
READ_BACK_AFTER = 2.0  # seconds after an ambiguous answer; most posts that were published are readable by then


@dataclass(frozen=True)
class Rule:
    """What follows an error: `then` and, for a retry, the first pause in seconds; it doubles up to a minute."""

    then: str
    pause: float = 0.0
    channel: str = ""  # the channel's new state: "reconnect" or "block"


RULES: list[tuple[type[errors.GraphError], Rule]] = [
    # most specific first             then       pause  channel
    (errors.Ambiguous,           Rule(READ_BACK, 2)),
    (errors.NotReady,            Rule(AGAIN,     2)),
    (errors.RestageRequired,     Rule(RESTAGE,   1)),
    (errors.Throttled,           Rule(AGAIN,    60)),
    (errors.AuthFailed,          Rule(GIVE_UP,   0, "reconnect")),
    (errors.PolicyBlock,         Rule(GIVE_UP,   0, "block")),
    (errors.QuotaReached,        Rule(DEFER,    60)),
    (errors.Duplicate,           Rule(GIVE_UP)),
    (errors.PermissionDenied,    Rule(GIVE_UP)),
    (errors.ActionRequired,      Rule(GIVE_UP)),
    (errors.ConfigurationError,  Rule(AGAIN,    30)),
    (errors.NotFound,            Rule(AGAIN,    15)),
    (errors.InvalidRequest,      Rule(GIVE_UP)),
    (errors.Transient,           Rule(AGAIN,     1)),
    (errors.GraphError,          Rule(GIVE_UP)),
]  # fmt: skip


# Refusals after which the post may be public all the same. When it is absent, the refusal was a block of the channel.
BLOCKS_WHEN_ABSENT = {"{}/{}".format(*error_codes.SPAM)}


def may_land_late(label: str) -> bool:
    """Whether a post may be published long after the error with this label: the platform gave no answer."""
    code, _, _ = label.partition("/")
    return label == errors.ResponseTimeout.__name__ or code == str(error_codes.TIMED_OUT)


def find_rule(error: errors.GraphError) -> Rule:
    """Return the rule of the first class in RULES that `error` is an instance of."""
    return next(rule for kind, rule in RULES if isinstance(error, kind))


def retry_delay(error: errors.GraphError, tries: int) -> float:
    """Return seconds before try number `tries` + 1: the platform's `retry_after`, else doubling; with jitter."""
    requested = getattr(error, "retry_after", None)
    base = float(requested) if requested else min(60.0, find_rule(error).pause * 2 ** min(tries, 6))
    return base * random.uniform(1.0, 1.3)  # noqa: S311  jitter, not a secret
