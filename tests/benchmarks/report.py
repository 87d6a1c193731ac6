"""The table of figures. Nothing is asserted; the reader judges."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table. `good` is None when the figure has no limit."""

    name: str
    limit: str
    measured: str
    good: bool | None = None


def table(figures: list[Figure]) -> str:
    """Return the figures as text, in columns."""
    verdicts = {True: "ok", False: "SHORT", None: ""}
    lines = [("figure", "limit", "measured", "")]
    lines += [(figure.name, figure.limit, figure.measured, verdicts[figure.good]) for figure in figures]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([rows[0], "-" * len(rows[0]), *rows[1:]])


def percentile(values: list[float], part: float) -> float:
    """Return the measured value at `part` (0 to 1) of the sorted values, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered) + 0.5) - 1))]


def percentiles(seconds: list[float]) -> str:
    """Return p50, p95, p99 and the maximum as text, in milliseconds."""
    if not seconds:
        return "-"
    numbers = {f"p{part:.0%}"[:-1]: percentile(seconds, part) for part in (0.5, 0.95, 0.99)} | {"max": max(seconds)}
    return ", ".join(f"{name} {value * 1000:,.0f}" for name, value in numbers.items()) + " ms"
