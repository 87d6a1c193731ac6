from typing import Any

import pytest


@pytest.fixture
def probe(settings: Any) -> None:
    """Serve the views of probe.py beside the project's own."""
    settings.ROOT_URLCONF = "tests.accounts.api.probe"
