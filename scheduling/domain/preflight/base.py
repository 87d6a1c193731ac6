from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "stop", "unknown"]


@dataclass(frozen=True)
class Check:
    """The result of one check. `words` is a sentence for the reviewer; `channel` the public id, empty without one.

    `live`: the post that it clashes with is published.

    stop      approving is refused, or nothing would be published
    warn      it can be published; a person should check this first
    unknown   not checked yet
    """

    name: str
    level: Level
    words: str
    channel: str = ""
    live: bool = False
