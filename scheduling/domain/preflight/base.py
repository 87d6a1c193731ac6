"""What a check says."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warn", "stop", "unknown"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, in a sentence for the person who decides. `channel` is the wire id, if it is one's.

    stop      approving is refused, or nothing would go out
    warn      it can go out, and a person should look at this first
    unknown   nobody has been able to look yet
    """

    name: str
    level: Level
    words: str
    channel: str = ""

    def as_record(self) -> dict[str, Any]:
        """Return what an approval keeps of it."""
        return asdict(self)
