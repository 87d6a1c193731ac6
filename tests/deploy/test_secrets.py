"""The scripts that create secrets and certificates."""

import subprocess
from pathlib import Path

from tests.deploy.services import DEPLOY, make_certificate, program


def test_secrets_are_created_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    program("openssl")

    def create() -> dict[str, str]:
        subprocess.run([DEPLOY / "make-secrets.sh", tmp_path / "secrets"], check=True, stdout=subprocess.DEVNULL)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    first = create()
    made = {name: value for name, value in first.items() if name != "graph_app_secret"}
    assert "dynamo_metrics_token" in made
    assert len(made) == len(set(made.values())) == 5
    assert all(len(value.strip()) == 64 and "," not in value for value in made.values())
    assert first["graph_app_secret"] == ""  # from Meta
    (tmp_path / "secrets" / "graph_app_secret").write_text("from-meta")
    assert create() == {**first, "graph_app_secret": "from-meta"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_certificate_of_an_operator_is_kept(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    assert "BEGIN CERTIFICATE" in certificate.read_text()
    certificate.write_text("of the operator")
    assert make_certificate(tmp_path).read_text() == "of the operator"
