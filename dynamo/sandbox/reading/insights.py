"""Insights of a post: one wrong name refuses the whole call, missing data is an empty list, some values are objects."""

from typing import Any

from dynamo.sandbox.auth import require
from dynamo.sandbox.errors import Refusal, invalid
from dynamo.sandbox.field_parser import Field
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Audience, Post, Video
from dynamo.sandbox.reading import metrics
from dynamo.sandbox.reading.instagram import is_current_story
from dynamo.sandbox.reading.metrics import Metric
from dynamo.sandbox.reading.tallies import Tally, tally
from dynamo.sandbox.state import SandboxContext

FEWEST_VIEWERS = 5
NOT_SHARED = "The media was not shared to Facebook, so that it has no {name}"


def of_post(world: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/insights and /{ig-media}/insights."""
    node = request.node
    assert isinstance(node, Post)  # noqa: S101  routing knows the types that have this edge
    params = request.params
    wanted = {name: params.text(name) for name in ("metric", "period", "breakdown", "metric_type")}
    if isinstance(params.values.get("metric"), list) or wanted["metric"].startswith("["):
        wanted["metric"] = ",".join(str(one) for one in params.items("metric"))
    return read(world, node, wanted)


def of_video(world: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{video}/video_insights; without `metric` all that there are."""
    node = request.node
    assert isinstance(node, Video)  # noqa: S101  routing knows the types that have this edge
    post = world.state.find(node.post)
    if not isinstance(post, Post):
        return {"data": []}
    names = [one for one in request.params.text("metric").split(",") if one] or list(metrics.VIDEO)
    if not set(names) <= set(metrics.VIDEO):
        raise invalid("The value must be a valid insights metric")
    counted = tally(world, post)
    audience = world.state.audience(post)
    return {"data": [_entry(node.id, name, metrics.VIDEO[name], counted, audience, {}) for name in names]}


def edge(world: SandboxContext, post: Post, field: Field) -> dict[str, Any]:
    """Return the same as a field: `insights.metric(reach,likes)`."""
    return read(world, post, dict(field.modifiers))


def read(world: SandboxContext, post: Post, wanted: dict[str, str]) -> dict[str, Any]:
    """`wanted`: metric (comma-separated), and period, breakdown, metric_type when given."""
    require(world.state.account(post.account), "instagram_manage_insights" if post.media_type else "read_insights")
    names = [one.strip() for one in wanted.get("metric", "").split(",") if one.strip()]
    if not names:
        raise invalid("The parameter metric is required")
    audience, counted = world.state.audience(post), tally(world, post)
    if post.media_type:
        _check_instagram(post, names, wanted, audience)
    elif not set(names) <= set(metrics.PAGE_POST):
        raise invalid("The value must be a valid insights metric")
    _refuse_ordered(audience, names)
    if post.kind == "story":
        _check_story(counted, audience)
    other_period = not post.media_type and wanted.get("period", "lifetime") not in {"", "lifetime"}
    if audience.insights_empty or other_period or (post.kind == "story" and not is_current_story(post)):
        return {"data": []}
    known = metrics.of(post)
    shown = [name for name in dict.fromkeys(names) if audience.insights.get(name, 0) is not None]
    return {"data": [_entry(post.id, name, known[name], counted, audience, wanted) for name in shown]}


def _check_instagram(post: Post, names: list[str], wanted: dict[str, str], audience: Audience) -> None:
    known = metrics.of(post)
    for at, name in enumerate(names):
        if name not in metrics.INSTAGRAM:
            every = ", ".join(metrics.INSTAGRAM)
            raise invalid(f"metric[{at}] must be one of the following values: {every}")
        if name not in known:
            raise invalid(f"The Media Insights API does not support the {name} metric for this media product type.")
        if name in {"crossposted_views", "facebook_views"} and name not in audience.insights:
            raise invalid(NOT_SHARED.format(name=name))
    if wanted.get("period", "lifetime") not in {"", "lifetime"}:
        raise invalid("period[0] must be one of the following values: lifetime")
    if wanted.get("breakdown") and any(known[name].breakdown != wanted["breakdown"] for name in names):
        raise Refusal(1, "An unknown error has occurred.", status=500)


def _refuse_ordered(audience: Audience, names: list[str]) -> None:
    """Refuse what this post's account does not have: seen with small Pages, for metrics that others have."""
    for name in names:
        code = audience.refused.get(name)
        if code == 100:
            raise invalid("The value must be a valid insights metric")
        if code is not None:
            status = 403 if 200 <= code < 300 else 400
            raise Refusal(code, f"(#{code}) The metric {name} is not available for this object", status=status)


def _check_story(counted: Tally, audience: Audience) -> None:
    viewers = audience.insights.get("reach", counted.views)
    if isinstance(viewers, int) and viewers < FEWEST_VIEWERS:
        raise Refusal(10, "(#10) Not enough viewers for the media to show insights")


def _entry(
    node_id: str, name: str, metric: Metric, counted: Tally, audience: Audience, wanted: dict[str, str]
) -> dict[str, Any]:
    value = audience.insights.get(name, metric.value(counted))
    entry: dict[str, Any] = {"name": name, "period": "lifetime"}
    if wanted.get("breakdown"):
        entry["total_value"] = {"value": value, "breakdowns": [_breakdown(metric, value)]}
    elif wanted.get("metric_type") == "total_value":
        entry["total_value"] = {"value": value}
    else:
        entry["values"] = [{"value": value}]
    description = f"{metric.title} of this post since it was published."
    return entry | {"title": metric.title, "description": description, "id": f"{node_id}/insights/{name}/lifetime"}


def _breakdown(metric: Metric, value: Any) -> dict[str, Any]:
    """Split a total over the dimension's values, the rest to the first."""
    share = value // (len(metric.parts) + 1)
    counts = [value - share * (len(metric.parts) - 1)] + [share] * (len(metric.parts) - 1)
    results = [
        {"dimension_values": [part], "value": count} for part, count in zip(metric.parts, counts, strict=True) if count
    ]
    return {"dimension_keys": [metric.breakdown], "results": results}
