import pytest

from tests.dynamo.sandbox.calls import Caller
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl


@pytest.fixture
def page(sandbox: SandboxControl) -> Caller:
    return Caller(sandbox, FACEBOOK)


@pytest.fixture
def instagram(sandbox: SandboxControl) -> Caller:
    return Caller(sandbox, INSTAGRAM)


@pytest.fixture
def post(page: Caller) -> str:
    return str(page.edge("feed", message="Olá")["id"])


@pytest.fixture
def media(instagram: Caller) -> str:
    return str(instagram.publish(instagram.container())["id"])
