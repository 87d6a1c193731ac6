"""A clock that tests of importing move on with `.shift`."""

from typing import Any

import pytest

from accounts import clock


@pytest.fixture
def hours(time_machine: Any) -> Any:
    """The clock, which stands at now and ticks; the sandbox of the test has the same one."""
    time_machine.move_to(clock.now(), tick=True)
    return time_machine
