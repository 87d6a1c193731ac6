"""What `POST /__settings` changes while the sandbox runs."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Settings:
    """Seconds, bytes and counts; defaults are the stricter of what Meta documents.

    latency_ms            each Graph answer takes this long, half before and half after the work
    container_seconds     an Instagram container is IN_PROGRESS for so long
    container_polls       … and for so many reads of its status
    video_seconds         a Page's video is processed for so long after finish, then visible
    duplicate_check       506 for the same text twice in a row on one Page
    creation_id_twice     publishing one container again: "refuse" (24/2207008), "not_ready" (9007/2207027) or
                          "same" (the same media id); the platform's answer is not documented
    quota_total           Instagram publishes per rolling 24 h
    containers_per_day    Instagram containers per rolling 24 h
    schedule_days         how far ahead native scheduling reaches
    photo_max_bytes       a Page's photo
    video_chunk_bytes     what one transfer of a sessionised upload takes
    hourly_calls          100 % of the usage headers, per account; beyond it 80001 / 80002
    usage                 forced percentages {"app": n, "business": n}; empty means counted
    usage_after_calls     usage headers appear after so many calls
    dead_cursors          a cursor whose item was deleted since: "work" (go on from its place), "refuse" (100) or
                          "empty" (a last page without items)
    heaviest_page         more comments than this in one answer, expanded ones included: code 1, reduce the amount
    app_secret            checked against appsecret_proof when set; require_proof refuses calls without it
    media_versions        {"name.jpg": 2}: other bytes under the same /media URL
    """

    latency_ms: float = 0
    container_seconds: float = 0
    container_polls: int = 0
    video_seconds: float = 0
    duplicate_check: bool = True
    creation_id_twice: str = "refuse"
    quota_total: int = 50
    containers_per_day: int = 400
    schedule_days: int = 30
    photo_max_bytes: int = 4 * 1024 * 1024
    video_chunk_bytes: int = 4 * 1024 * 1024
    hourly_calls: int = 1_000_000
    usage: dict[str, int] = field(default_factory=dict)
    usage_after_calls: int = 3
    dead_cursors: str = "work"
    heaviest_page: int = 500
    app_secret: str = field(default="", repr=False)
    require_proof: bool = False
    media_versions: dict[str, int] = field(default_factory=dict)

    def change(self, given: dict[str, Any]) -> None:
        """Apply all or none. Raises ValueError with the reason."""
        known = {one.name: type(getattr(self, one.name)) for one in fields(self)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"unknown setting {name}; known: {', '.join(known)}")
            wanted = (int, float) if known[name] in {int, float} else known[name]
            if not isinstance(value, wanted) or (isinstance(value, bool) and known[name] is not bool):
                raise ValueError(f"{name} must be {known[name].__name__}")
        for name, value in given.items():
            setattr(self, name, value)

    def wire(self) -> dict[str, Any]:
        """Return all settings; of the secret only whether there is one."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"app_secret": bool(self.app_secret)}
