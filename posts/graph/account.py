from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """A Page or an Instagram account with its access token. `type` is FB_PAGE or INSTAGRAM_ACCOUNT."""

    type: str
    platform_id: str
    token: str = field(repr=False)
