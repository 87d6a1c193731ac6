"""manage.py sync_channel."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from posts.models import Channel, PublishedPost
from tests.posts.domain.importing import make
from tests.services.sandbox import FACEBOOK, SandboxControl

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("sync_channel", *arguments, stdout=out)
    return out.getvalue().strip()


def test_sync_channel_reads_everything_and_again_with_full(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=230, kinds=["photo"])
    assert run(facebook.public_id) == "Casa do Sol: 230 posts read, 230 new, 0 deleted"
    assert run(facebook.public_id, "--full", "--organization", "Casa do Sol") == (
        "Casa do Sol: 230 posts read, 0 new, 0 deleted"
    )
    assert PublishedPost.objects.count() == 230


def test_sync_channel_failure_is_a_command_error(sandbox: SandboxControl, facebook: Channel) -> None:
    sandbox.register(FACEBOOK, expired=True)
    with pytest.raises(CommandError):
        run(facebook.public_id)
    with pytest.raises(CommandError, match="No channel has this id"):
        run("FB_PAGE_1")
