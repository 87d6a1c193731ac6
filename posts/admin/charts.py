"""Numbers of a live post in groups that can be drawn: what belongs on one scale stands together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from posts.graph.insights import Metric
from posts.models import PublishedPost

SEEN, DONE, TIME = "Seen", "What people did", "Time watched"
# By the platforms' own names (graph-api, section 6). Times are milliseconds.
VIEWS = {
    "post_media_view", "post_total_media_view_unique", "post_video_views", "views", "reach", "total_views",
    "facebook_views", "crossposted_views",
}  # fmt: skip
TIMES = {"post_video_avg_time_watched", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}


@dataclass(frozen=True)
class Row:
    """A number with its name; `words` is how people read it."""

    name: str
    value: float
    words: str


@dataclass
class Chart:
    """Numbers on one scale."""

    title: str
    rows: list[Row] = field(default_factory=list)


def reaction_chart(post: PublishedPost) -> Chart | None:
    """Return the post's reactions, the most frequent first; None where the platform has or tells none."""
    counts = post.reactions if isinstance(post.reactions, dict) else {}
    rows = [_counted(str(name).capitalize(), number) for name, number in counts.items() if _is_number(number)]
    return Chart("Reactions", sorted(rows, key=lambda row: -row.value)) if rows else None


def insight_charts(figures: Iterable[Metric]) -> tuple[list[Chart], list[tuple[str, str]]]:
    """Return the charts, those of one number each last, and what is no number as (name, words)."""
    by_title: dict[str, Chart] = {title: Chart(title) for title in (SEEN, DONE, TIME)}
    apart, others = [], []
    for figure in figures:
        name = _name(figure)
        if _is_number(figure.value):
            title = SEEN if figure.name in VIEWS else TIME if figure.name in TIMES else DONE
            by_title[title].rows.append(_timed(name, figure.value) if title == TIME else _counted(name, figure.value))
        elif isinstance(figure.value, dict) and figure.value and all(map(_is_number, figure.value.values())):
            apart.append(Chart(name, [_counted(str(kind).capitalize(), n) for kind, n in figure.value.items()]))
        else:
            others.append((name, "nothing yet" if figure.value == {} else str(figure.value)[:200]))
    return [chart for chart in (*by_title.values(), *apart) if chart.rows], others


def _name(one: Metric) -> str:
    """Return the platform's title without what it says of each of a post's metrics, else words from the name."""
    return (one.title or one.name.replace("_", " ").capitalize()).removeprefix("Lifetime ")


def _counted(name: str, number: float) -> Row:
    return Row(name, number, f"{number:,}" if isinstance(number, int) else f"{number:,.2f}")


def _timed(name: str, milliseconds: float) -> Row:
    seconds = milliseconds / 1000
    if seconds < 120:
        words = f"{seconds:,.1f} s"
    else:
        words = f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"
    return Row(name, milliseconds, words)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
