"""The doors that nobody knocks at: what a worker takes from the broker, and what an operator types.

A task takes no credentials: whoever can write to the broker can order it, with anything in it. A command is typed by
somebody with a shell. Neither can approve, and each has a line here that says what it may change at most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.models import Dispatch
from tests.security.fixtures import Side, Stage

TRACE = {"accounts.AuditEvent", "accounts.AuditSeal"}
TOLD = {"scheduling.Notice", "scheduling.Dispatch"}
SENT = {"scheduling.ScheduledPost", "scheduling.Delivery", "scheduling.Attempt", "posts.PublishedPost", *TOLD, *TRACE}
POSTS = ("draft", "waiting", "rejected", "scheduled", "failed")
NIL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Task:
    """`orders`: arguments that whoever writes to the broker might send; `changes`: the tables it may touch."""

    orders: Callable[[Side], Sequence[Sequence[Any]]] = lambda _side: [()]
    changes: frozenset[str] = frozenset()


def each_post(*more: Any) -> Callable[[Side], Sequence[Sequence[Any]]]:
    """Return orders for a post in every state."""
    return lambda side: [(side.things[state], *more) for state in POSTS]


def channel(side: Side) -> Sequence[Sequence[Any]]:
    """Return the order for the side's channel."""
    return [(side.channel.pk,)]


READ = frozenset({"posts.PublishedPost", "posts.ChannelSync", "posts.Channel", *TRACE})
TASKS: dict[str, Task] = {
    "scheduling.publish": Task(each_post(NIL), frozenset(SENT)),
    "scheduling.resume": Task(each_post(), frozenset(SENT)),
    "scheduling.stage": Task(each_post(), frozenset(SENT)),
    "scheduling.cancel": Task(lambda side: [(NIL, [(side.channel.pk, {"photo": "1"})]), (None, [])]),
    "scheduling.inspect_media": Task(each_post(1), frozenset({"scheduling.ScheduledPost", *TRACE})),
    "scheduling.examine_channel": Task(channel, frozenset({"scheduling.Checkup", "posts.Channel", *TRACE})),
    "scheduling.fill_permalinks": Task(changes=frozenset({"scheduling.Delivery", "posts.PublishedPost"})),
    "scheduling.link_imported": Task(changes=frozenset({"posts.PublishedPost", "scheduling.Delivery"})),
    "scheduling.sweep": Task(changes=frozenset({"scheduling.Pulse", "accounts.ApiKey", *SENT})),
    "scheduling.deliver_notification": Task(
        lambda _side: [(pk,) for pk in Dispatch.objects.values_list("pk", flat=True)], frozenset(TOLD)
    ),
    "posts.sync_channel": Task(channel, READ),
    "posts.sync_due": Task(changes=READ),
}


@dataclass(frozen=True)
class Command:
    """`tries`: what an operator might type. Without any it is not run here, for the reason in `instead`."""

    tries: Callable[[Stage], Sequence[Sequence[str]]] = lambda _stage: [()]
    changes: frozenset[str] = frozenset()
    instead: str = ""


def typed(*words: str) -> Callable[[Stage], Sequence[Sequence[str]]]:
    """Return one line of the same words whatever there is."""
    return lambda _stage: [words]


def _keys(stage: Stage) -> Sequence[Sequence[str]]:
    name = stage.home.organization.name
    people = ("casa-editor", "casa-viewer", "rival-chief", "root")
    return [("--organization", name, "--name", "new", "--issued-by", person) for person in people]


COMMANDS: dict[str, Command] = {
    "issue_key": Command(_keys, frozenset({"accounts.ApiKey", *TRACE})),
    "export_trail": Command(),
    "verify_trail": Command(),
    "forget_trail": Command(lambda stage: [(stage.home.organization.name, "2020-01-01")], frozenset(TRACE)),
    "rotate_encryption": Command(changes=frozenset({"accounts.ApiKey", "posts.Channel", "scheduling.Webhook"})),
    "publish_due": Command(lambda _stage: [("--dry-run",), ("--dry-run", "--within", "7200"), ()], frozenset(SENT)),
    "sync_channel": Command(lambda stage: [(stage.home.things["wire"],)], READ),
    "seed_posts": Command(
        typed("--count", "3", "--channels", "1"), frozenset({"accounts.Organization", "posts.Channel", *READ})
    ),
    "seed_demo": Command(
        changes=frozenset(
            {"accounts.Organization", "accounts.User", "accounts.Membership", "accounts.ApiKey", "posts.Channel",
             "posts.SuperpowerTemplate", *SENT}
        )
    ),
    "lifecycle": Command(),
    "openapi": Command(typed("--check")),
    "demo": Command(instead="runs until it is stopped; its reviewer signs in and presses the button: tests.smoke"),
    "sandbox": Command(instead="the stand-in of the platform, which has no part in the database"),
}  # fmt: skip
