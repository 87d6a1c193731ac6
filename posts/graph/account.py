"""Whom a call speaks for."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """A Page or an Instagram account with the token that opens it. `type` is FB_PAGE or INSTAGRAM_ACCOUNT."""

    type: str
    platform_id: str
    token: str = field(repr=False)
