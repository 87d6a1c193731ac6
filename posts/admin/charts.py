"""Charts of a published post's metrics: the metrics of one chart have one scale."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from posts.graph.insights import Metric
from posts.models import PublishedPost

REACH, ENGAGEMENT, TIME = "Reach", "Engagement", "Time watched"
# The platforms' names (graph-api, section 6). Times are milliseconds.
VIEWS = {
    "post_media_view", "post_total_media_view_unique", "post_video_views", "views", "reach", "total_views",
    "facebook_views", "crossposted_views",
}  # fmt: skip
TIMES = {"post_video_avg_time_watched", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}


@dataclass(frozen=True)
class Row:
    """`text` is the formatted value."""

    name: str
    value: float
    text: str


@dataclass
class Chart:
    title: str
    rows: list[Row] = field(default_factory=list)


def reaction_chart(post: PublishedPost) -> Chart | None:
    """Return the post's reactions, the most frequent first; None without any."""
    counts = post.reactions if isinstance(post.reactions, dict) else {}
    rows = [_count_row(str(name).capitalize(), number) for name, number in counts.items() if _is_number(number)]
    return Chart("Reactions", sorted(rows, key=lambda row: -row.value)) if rows else None


def insight_charts(metrics: Iterable[Metric]) -> tuple[list[Chart], list[tuple[str, str]]]:
    """Return the charts, and the metrics that are not numbers as (name, text)."""
    reach, engagement, time = Chart(REACH), Chart(ENGAGEMENT), Chart(TIME)
    by_kind, others = [], []
    for metric in metrics:
        name = _name(metric)
        if isinstance(metric.value, dict) and metric.value and all(map(_is_number, metric.value.values())):
            by_kind.append(Chart(name, [_count_row(str(kind).capitalize(), n) for kind, n in metric.value.items()]))
        elif not _is_number(metric.value):
            others.append((name, "nothing yet" if metric.value == {} else str(metric.value)[:200]))
        elif metric.name in TIMES:
            time.rows.append(_time_row(name, metric.value))
        elif metric.name in VIEWS:
            reach.rows.append(_count_row(name, metric.value))
        else:
            engagement.rows.append(_count_row(name, metric.value))
    return [chart for chart in (reach, engagement, time, *by_kind) if chart.rows], others


def _name(metric: Metric) -> str:
    """Return the platform's title without "Lifetime", which all of a post's metrics have, else the metric's name."""
    return (metric.title or metric.name.replace("_", " ").capitalize()).removeprefix("Lifetime ")


def _count_row(name: str, number: float) -> Row:
    return Row(name, number, f"{number:,}" if isinstance(number, int) else f"{number:,.2f}")


def _time_row(name: str, milliseconds: float) -> Row:
    seconds = milliseconds / 1000
    if seconds < 120:
        text = f"{seconds:,.1f} s"
    elif seconds < 7200:
        text = f"{seconds / 60:,.0f} min"
    else:
        text = f"{seconds / 3600:,.0f} h"
    return Row(name, milliseconds, text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
