"""What is below the var folder is readable by its own user only (A15)."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded
WRITE = """
import django; django.setup()
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from dynamo.celery import app
connection.cursor().execute("CREATE TABLE t (id integer)")
cache.set("a", 1)
default_storage.save("exports/a.csv", ContentFile(b"a"))
app.send_task("scheduling.sweep")
import os, stat
print([(p, oct(stat.S_IMODE(os.stat(os.path.join(d, p)).st_mode)))
       for d, folders, files in os.walk(os.environ["DYNAMO_VAR"]) for p in [*folders, *files]
       if os.stat(os.path.join(d, p)).st_mode & 0o077])
"""


def test_files_below_var_are_private_a15(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o755)  # of an earlier version
    environment = {
        "PATH": os.environ["PATH"], "DYNAMO_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "dynamo.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WRITE], env=environment, capture_output=True, text=True, check=True, umask=0o022
    )
    assert done.stdout.strip() == "[]"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.glob("dynamo.sqlite3*"))
    assert list(folder.glob("broker/queue/*"))
