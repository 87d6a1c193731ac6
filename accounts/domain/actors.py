"""The actor of a change: a person, an API key or a worker. Domain functions take one as their first argument."""

from dataclasses import dataclass

from accounts.models import ActorKind, ApiKey, User


@dataclass(frozen=True)
class Actor:
    """The actor as recorded in the audit log. At most one of `user` and `key` is set.

    `tool` is the MCP tool that a key acted through; it is recorded in the details of the event.
    """

    kind: ActorKind
    id: str
    name: str
    user: User | None = None
    key: ApiKey | None = None
    tool: str = ""


def user_actor(user: User) -> Actor:
    return Actor(ActorKind.PERSON, str(user.pk), user.get_full_name() or user.get_username(), user=user)


def api_key_actor(key: ApiKey, *, tool: str = "") -> Actor:
    return Actor(ActorKind.KEY, key.pk, key.name, key=key, tool=tool)


KINDS = {ActorKind.PERSON: "USER", ActorKind.KEY: "API_KEY", ActorKind.WORKER: "WORKER"}


def actor_json(actor: Actor) -> dict[str, str]:
    """Return the actor as the API names it: `kind` is USER, API_KEY or WORKER."""
    return {"kind": KINDS[actor.kind], "id": actor.id, "name": actor.name}


WORKER = Actor(ActorKind.WORKER, "worker", "worker")
