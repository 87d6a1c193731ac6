"""Superpowers in words: what happens when somebody comments."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts import clock
from posts.admin import times


def in_words(superpower: Any) -> list[str]:
    """Return one sentence for each thing that the superpower does. Takes any JSON: references are not validated."""
    if not isinstance(superpower, dict):
        return []
    return list(_sentences(superpower))


def title(superpower: Any) -> str:
    """Return the superpower's name with its hashtag."""
    if not isinstance(superpower, dict):
        return ""
    name = superpower.get("name") or superpower.get("creativeTemplateName") or "Superpower"
    tag = str(superpower.get("hashtag") or "").lstrip("#")
    return f"{name} #{tag}" if tag else str(name)


def expires(superpower: Any) -> datetime | None:
    """Return when the superpower ends; None for one that does not, and for what names no instant."""
    at = superpower.get("expirationDate") if isinstance(superpower, dict) else None
    if not isinstance(at, int | float) or isinstance(at, bool):
        return None
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def is_over(superpower: Any) -> bool:
    """Whether the superpower has ended."""
    end = expires(superpower)
    return end is not None and end <= clock.now()


def _sentences(superpower: dict[str, Any]) -> Iterator[str]:
    if superpower.get("active") is False:
        yield "Switched off: nothing is answered."
    if end := expires(superpower):
        when = f"{times.full(end, ZoneInfo('UTC'))} UTC"
        yield f"Expired on {when}: nothing is answered any more." if is_over(superpower) else f"Until {when}."
    groups = _objects(superpower.get("conditionGroups"))
    for group in groups:
        when = _when(group)
        for kind, how in (("publicReplies", "reply in public"), ("privateReplies", "send a private message")):
            texts = [f"“{one['text']}”" for one in _objects(group.get(kind)) if one.get("text")]
            if texts:
                share = group.get("publicRepliesProbability" if kind == "publicReplies" else "probability")
                yield f"{when}, {how}{_share(share)}: {' or '.join(texts)}"
        if group.get("autoLike"):
            yield f"{when}, like the comment{_share(group.get('autoLikeProbability'))}."
    if not groups:
        yield "Answers every comment as the template says."


def _when(group: dict[str, Any]) -> str:
    words = [
        f"“{value}”"
        for condition in _objects(group.get("conditions"))
        for value in condition.get("values") or []
        if isinstance(value, str | int)
    ]
    if not words or words == ["“any”"]:
        return "When someone comments"
    return f"When someone comments {' or '.join(words)}"


def _share(probability: Any) -> str:
    if not isinstance(probability, int | float) or probability >= 1:
        return ""
    return f" ({probability:.0%} of the time)"


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
