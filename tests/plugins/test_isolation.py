"""The groups of pytest-xdist: the tests that start processes run in one worker, one after the other."""

import os

import pytest


@pytest.mark.processes
def test_process_test_is_in_the_group_of_one_worker(request: pytest.FixtureRequest) -> None:
    is_distributed = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@processes") == is_distributed
