"""manage.py sync_channel: to the end, said in a line; a failure is an error, and an unknown channel too."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from posts.models import Channel, PublishedPost
from tests.posts.domain.importing import make
from tests.services.sandbox import FACEBOOK, SandboxControl

pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = StringIO()
    call_command("sync_channel", *words, stdout=out)
    return out.getvalue().strip()


def test_a_channel_is_read_to_the_end_and_again(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=230, kinds=["photo"])
    assert said(facebook.public_id) == "Casa do Sol: 230 posts read, 230 new, 0 gone"
    assert said(facebook.public_id, "--full", "--organization", "Casa do Sol") == (
        "Casa do Sol: 230 posts read, 0 new, 0 gone"
    )
    assert PublishedPost.objects.count() == 230


def test_what_stands_in_the_way_is_an_error(sandbox: SandboxControl, facebook: Channel) -> None:
    sandbox.register(FACEBOOK, expired=True)
    with pytest.raises(CommandError):
        said(facebook.public_id)
    with pytest.raises(CommandError, match="No channel has this id"):
        said("FB_PAGE_1")
