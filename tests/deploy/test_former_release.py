"""The processes of the former release with this release's schema, as between migration and restart in an upgrade."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.conf import settings as django_settings
from django.core.management import call_command

from accounts.models import ApiKey, User
from posts.models import Channel
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient
from tests.services.former_release import COMMIT
from tests.services.processes import ProcessGroup, process_group
from tests.services.sandbox import SandboxControl
from tests.smoke import publish_post

pytestmark = pytest.mark.processes


@pytest.fixture
def former_processes(transactional_db: None, tmp_path: Path, sandbox: SandboxControl) -> Iterator[ProcessGroup]:
    """Start processes of the former release, from the history of this checkout."""
    archive = subprocess.run(["git", "archive", COMMIT], cwd=django_settings.BASE_DIR, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history of this checkout lacks {COMMIT[:12]}: git fetch --unshallow")
    source = tmp_path / "former"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(source, filter="data")
    with process_group(tmp_path, source=source) as started:
        yield started


def test_former_release_creates_approves_and_publishes_a_post(
    former_processes: ProcessGroup,
    key: ApiKey,
    reviewer: User,
    facebook: Channel,
    instagram: Channel,
    sandbox: SandboxControl,
    media: str,
    settings: Any,
) -> None:
    password: str = reviewer.raw_password  # type: ignore[attr-defined]
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # those of the processes
    reviewer.set_password(password)
    reviewer.save()
    secret: str = key.secret  # type: ignore[attr-defined]
    former_processes.worker(beat=True)
    former_processes.media_worker()
    url = former_processes.web()[1]

    post = publish_post(
        {
            "api": f"{url}/v1",
            "admin": f"{url}/admin/",
            "sandbox": sandbox.url,
            "key": {"id": key.pk, "secret": secret},
            "reviewer": {"username": reviewer.get_username(), "password": password},
            "channels": [facebook.public_id, instagram.public_id],
            "media": media,
        }
    )

    assert len(sandbox.posts) == 2
    assert ScheduledPost.objects.get(pk=post).status == Status.PUBLISHED
    assert SignedClient(key).get(f"/scheduled-posts/{post}").json()["status"] == "PUBLISHED"
    call_command("verify_audit_log")
