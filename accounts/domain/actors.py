"""Who acts: a person, an API key, or a worker. Every verb of the domain takes one first."""

from dataclasses import dataclass

from accounts.models import ActorKind, ApiKey, User


@dataclass(frozen=True)
class Actor:
    """Someone or something that acts, as the trail names it. Exactly one of `user` and `key` is set, or neither."""

    kind: ActorKind
    id: str
    name: str
    user: User | None = None
    key: ApiKey | None = None


def user_actor(user: User) -> Actor:
    """Return the actor for a signed-in person."""
    return Actor(ActorKind.PERSON, str(user.pk), user.get_full_name() or user.get_username(), user=user)


def api_key_actor(key: ApiKey) -> Actor:
    """Return the actor for a request signed with `key`."""
    return Actor(ActorKind.KEY, key.pk, key.name, key=key)


WORKER = Actor(ActorKind.WORKER, "worker", "worker")
