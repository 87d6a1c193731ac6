"""What to do after the platform said no, by class of error. Reads like the tables of Meta's documentation."""

import random
from dataclasses import dataclass

from posts.graph import error_codes, errors

AGAIN, DEFER, GIVE_UP, LOOK, RESTAGE = "again", "defer", "give up", "look", "restage"


@dataclass(frozen=True)
class Rule:
    """What follows an error: `then` and, for another try, the first pause in seconds; it doubles up to a minute."""

    then: str
    pause: float = 0.0
    channel: str = ""  # what becomes of the channel: "reconnect" or "block"


RULES: list[tuple[type[errors.GraphError], Rule]] = [
    # most particular first            then       pause  channel
    (errors.Ambiguous,            Rule(LOOK,      2)),
    (errors.NotReady,             Rule(AGAIN,     2)),
    (errors.RestageRequired,           Rule(RESTAGE,   1)),
    (errors.Throttled,            Rule(AGAIN,    60)),
    (errors.AuthFailed,           Rule(GIVE_UP,   0, "reconnect")),
    (errors.PolicyBlock,          Rule(GIVE_UP,   0, "block")),
    (errors.QuotaReached,         Rule(DEFER,    60)),
    (errors.Duplicate,            Rule(GIVE_UP)),
    (errors.PermissionDenied,     Rule(GIVE_UP)),
    (errors.NotFound,             Rule(AGAIN,    15)),
    (errors.InvalidRequest,       Rule(GIVE_UP)),
    (errors.Transient,            Rule(AGAIN,     1)),
    (errors.GraphError,           Rule(GIVE_UP)),
]  # fmt: skip


# Refusals that may hide a post that went live. Once it is known to be absent, they were a block of the channel.
BLOCKS_WHEN_ABSENT = {"{}/{}".format(*error_codes.SPAM)}


def may_land_late(label: str) -> bool:
    """Whether what was asked for may appear long after an error, by its label: nobody has said how it went."""
    code, _, _ = label.partition("/")
    return label == errors.ResponseTimeout.__name__ or code == str(error_codes.TIMED_OUT)


def rule(error: errors.GraphError) -> Rule:
    """Return the rule for `error`: that of the first class in the table that it is an instance of."""
    return next(rule for kind, rule in RULES if isinstance(error, kind))


def retry_delay(error: errors.GraphError, tries: int) -> float:
    """Return seconds to wait before try number `tries` + 1: what the platform asks for, else doubling, with jitter."""
    asked = getattr(error, "retry_after", None)
    base = float(asked) if asked else min(60.0, rule(error).pause * 2 ** min(tries, 6))
    return base * random.uniform(1.0, 1.3)  # noqa: S311  jitter, not a secret
