"""What `manage.py doctor` checks, by section. A section is a function that yields findings; it never raises."""

from collections.abc import Callable, Iterator

from dynamo.doctor import meta
from dynamo.doctor.base import Finding

SECTIONS: dict[str, Callable[[], Iterator[Finding]]] = {"meta": meta.findings}
