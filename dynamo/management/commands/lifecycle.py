from typing import Any

from django.core.management.base import BaseCommand

from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost


def diagram() -> str:
    """Return the lifecycle as a Mermaid state diagram, generated from the transitions."""
    field: Any = ScheduledPost._meta.get_field("status")
    order = {str(status): number for number, status in enumerate(Status)}
    edges = {
        (str(transition.source), str(transition.target), str(transition.name))
        for transition in field.get_all_transitions(ScheduledPost)
    }
    lines = [
        f"    {source} --> {target}: {name}"
        for source, target, name in sorted(edges, key=lambda edge: (order[edge[0]], order[edge[1]], edge[2]))
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Status.DRAFT}", *lines])


class Command(BaseCommand):
    help = "Print the lifecycle of a scheduled post as the Mermaid diagram of the README."

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(diagram())
