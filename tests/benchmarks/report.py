"""The table: each figure beside its peer and its goal. Nothing is asserted; a reader judges."""

from dataclasses import dataclass

HEAD = ("figure", "peer", "goal", "measured", "")


@dataclass(frozen=True)
class Figure:
    """One line. `good` None: a plain number that has no goal of its own."""

    name: str
    peer: str
    goal: str
    measured: str
    good: bool | None = None


def table(figures: list[Figure]) -> str:
    """Return the figures as text, in columns."""
    verdicts = {True: "ok", False: "SHORT", None: ""}
    lines = [HEAD, *((one.name, one.peer, one.goal, one.measured, verdicts[one.good]) for one in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])


def at(values: list[float], part: float) -> float:
    """Return the value below which `part` of the values lie, by nearest rank: no number that was not measured."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered) + 0.5) - 1))]


def spread(values: list[float]) -> str:
    """Return p50, p95, p99 and the highest, in milliseconds, in words."""
    numbers = [("p50", at(values, 0.5)), ("p95", at(values, 0.95)), ("p99", at(values, 0.99)), ("max", max(values))]
    return ", ".join(f"{name} {value * 1000:,.0f}" for name, value in numbers) + " ms"
