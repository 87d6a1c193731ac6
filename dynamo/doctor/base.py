from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "info"]


@dataclass(frozen=True)
class Finding:
    """The result of one check. `name` is stable; `text` is a sentence without secrets; `fix` is where to fix it.

    fail   does not work until it is fixed
    warn   works now, or in part
    info   cannot be checked from here: a person looks at it
    """

    name: str
    level: Level
    text: str
    fix: str = ""
