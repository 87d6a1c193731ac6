from typing import Any

from django.core.management.base import BaseCommand

from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost


def diagram() -> str:
    """Return the lifecycle as a Mermaid state diagram, generated from the transitions themselves."""
    field: Any = ScheduledPost._meta.get_field("status")
    order = {str(status): place for place, status in enumerate(Status)}
    steps = sorted(
        {
            (str(get_all_transition.source), str(get_all_transition.target), str(get_all_transition.name))
            for get_all_transition in field.get_all_transitions(ScheduledPost)
        },
        key=lambda step: (order[step[0]], order[step[1]], step[2]),
    )
    lines = [f"    {source} --> {target}: {name}" for source, target, name in steps]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Status.DRAFT}", *lines])


class Command(BaseCommand):
    help = "Print the lifecycle of a scheduled post as a Mermaid diagram; the README shows the same."

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(diagram())
