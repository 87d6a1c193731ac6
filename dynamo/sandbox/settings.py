"""The settings that `POST /__settings` changes while the sandbox runs."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Settings:
    """Times are in seconds. Where Meta documents several limits, the default is the strictest."""

    latency_ms: float = 0  # duration of each Graph call, half before and half after the work
    container_seconds: float = 0  # for which an Instagram container is IN_PROGRESS
    container_polls: int = 0  # reads of its status that return IN_PROGRESS besides
    video_seconds: float = 0  # from finish until a Page's video is visible
    duplicate_check: bool = True  # refuses the same text twice in a row on one Page
    duplicate_code: int = 506  # of that refusal; or 368, whose text alone shows what it means
    media_fetch_code: int = 9004  # of 2207052, media that cannot be fetched; or 100
    # What a video posted to /videos becomes: "video", "reel" or "reel_draft" (field report: vertical videos).
    video_becomes: str = "video"
    reels_per_day: int = 30  # reels of a Page per rolling 24 h
    # Publishing one container again: "refuse" (24/2207008), "not_ready" (9007/2207027) or "same" (the same media id).
    # The platform's answer is not documented.
    creation_id_twice: str = "refuse"
    quota_total: int = 50  # Instagram publishes per rolling 24 h
    containers_per_day: int = 400  # Instagram containers per rolling 24 h
    schedule_days: int = 30  # the longest native scheduling
    photo_max_bytes: int = 4 * 1024 * 1024  # of a Page's photo
    video_chunk_bytes: int = 4 * 1024 * 1024  # of one transfer of an upload session
    hourly_calls: int = 1_000_000  # 100 % of the usage headers, per account; beyond it 80001 / 80002
    # Forced percentages {"app": n, "business": n}; empty: counted. "minutes": until access is regained, at any
    # percentage. "other": the percentage of another use case in the same header, with an hour until access is regained.
    usage: dict[str, int] = field(default_factory=dict)
    usage_after_calls: int = 3  # calls without usage headers
    # A cursor of a deleted item: "work" (continue at its position), "refuse" (100) or "empty" (a page without items).
    dead_cursors: str = "work"
    heaviest_page: int = 500  # comments in one response, expanded ones included; more are refused with code 1
    app_id: str = ""  # of the Meta app; without it there is no app, and no login
    app_secret: str = field(default="", repr=False)  # checks appsecret_proof when set
    redirect_uris: list[str] = field(default_factory=list)  # the app's valid OAuth redirect URIs
    # Configurations of Login for Business by id: {"permissions": [...], "token": "USER" or "SYSTEM_USER"}, and for a
    # system user's token "expires_in" (0: never).
    login_configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    code_seconds: float = 600  # for which a code of the login dialog is valid
    short_token_seconds: float = 5400  # for which the token of a code is valid
    long_token_seconds: float = 60 * 86_400
    data_access_seconds: float = 90 * 86_400
    require_proof: bool = False  # refuses calls without a proof
    media_versions: dict[str, int] = field(default_factory=dict)  # {"name.jpg": 2}: other bytes for the same /media URL

    def change(self, given: dict[str, Any]) -> None:
        """Apply all or none. Raises ValueError with the reason."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"unknown setting {name}; known: {', '.join(known)}")
            wanted = (int, float) if known[name] in {int, float} else known[name]
            if not isinstance(value, wanted) or (isinstance(value, bool) and known[name] is not bool):
                raise ValueError(f"{name} must be {known[name].__name__}")
        for name, value in given.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """Return all settings; for app_secret whether it is set."""
        return asdict(self) | {"app_secret": bool(self.app_secret)}
