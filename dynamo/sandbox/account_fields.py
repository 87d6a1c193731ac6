"""Fields of a Page and of an Instagram account."""

from collections.abc import Callable
from typing import Any

from dynamo.sandbox.field_parser import Field
from dynamo.sandbox.models import Account
from dynamo.sandbox.state import SandboxContext, now


def _username(_world: SandboxContext, account: Account, _field: Field) -> str:
    return account.username or "".join(letter for letter in account.name.lower() if letter.isalnum())


def _media_count(world: SandboxContext, account: Account, _field: Field) -> int:
    return sum(1 for post in world.state.timeline(account.id) if post.is_visible(now()))


PAGE: dict[str, Callable[[SandboxContext, Account, Field], Any]] = {
    "name": lambda _world, account, _field: account.name,
    "username": _username,
    "link": lambda world, _account, _field: f"{world.url}/",
    "fan_count": lambda _world, _account, _field: 0,
    "followers_count": lambda _world, _account, _field: 0,
}
INSTAGRAM: dict[str, Callable[[SandboxContext, Account, Field], Any]] = {
    "name": lambda _world, account, _field: account.name,
    "username": _username,
    "followers_count": lambda _world, _account, _field: 0,
    "media_count": _media_count,
}
