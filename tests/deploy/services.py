"""PgBouncer, nginx and Redis with TLS from Debian's packages, each on loopback in a temporary folder."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.services.engines import UNPRIVILEGED, Engine, free_port

HOST = "localhost"  # the name in the certificates
DEPLOY = Path(settings.BASE_DIR) / "deploy"


def program(name: str) -> str:
    """Return the path of an installed program; skip the test without it."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install pgbouncer nginx redis-server openssl")
    return path


def make_certificate(folder: Path) -> Path:
    """Create a certificate for HOST as an installation does, and return its path; privkey.pem is beside it."""
    program("openssl")
    subprocess.run([DEPLOY / "make-certificate.sh", folder, HOST], check=True, stdout=subprocess.DEVNULL)
    return folder / "fullchain.pem"


class PgBouncer(Engine):
    """A pooler in transaction mode before the database of the running test, with few server connections."""

    SERVER_CONNECTIONS = 4

    def __init__(self) -> None:
        super().__init__()
        self.program = program("pgbouncer")
        given = connection.settings_dict
        self.url = f"postgresql://{given['USER']}@127.0.0.1:{self.port}/{given['NAME']}"
        password = f" password={given['PASSWORD']}" if given["PASSWORD"] else ""
        configuration = f"""
[databases]
{given["NAME"]} = host={given["HOST"]} port={given["PORT"]} user={given["USER"]}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
admin_users = {given["USER"]}
pool_mode = transaction
default_pool_size = {self.SERVER_CONNECTIONS}
max_client_conn = 200
"""
        (self.folder / "pgbouncer.ini").write_text(configuration)
        if os.geteuid() == 0:  # PgBouncer refuses to run as root
            self.person = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
            os.chown(self.folder, UNPRIVILEGED, UNPRIVILEGED)
            os.chown(self.folder / "pgbouncer.ini", UNPRIVILEGED, UNPRIVILEGED)

    def command(self) -> list[str]:
        return [self.program, str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        return _accepts(self.port)

    def pool_modes(self) -> set[str]:
        """Return the modes of the pools in use, as PgBouncer reports them."""
        import psycopg

        user = connection.settings_dict["USER"]
        console = f"postgresql://{user}@127.0.0.1:{self.port}/pgbouncer"
        with psycopg.connect(console, autocommit=True, cursor_factory=psycopg.ClientCursor) as admin:
            rows: Any = admin.execute("SHOW POOLS")
            names = [column.name for column in rows.description]
            pools = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
        return {pool["pool_mode"] for pool in pools if pool["database"] != "pgbouncer"}


class Nginx(Engine):
    """nginx with deploy/nginx.conf before two web servers, "address:port" each.

    Only addresses, paths and the host name differ from the file.
    """

    def __init__(self, instances: Sequence[str]) -> None:
        super().__init__()
        self.program = program("nginx")
        self.plain_port = free_port()
        self.url = f"https://{HOST}:{self.port}"
        self.certificate = make_certificate(self.folder / "tls")
        self.drain = self.folder / "drain"
        self.drain.mkdir()
        replaced = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl;\n": "",
            "dynamo.example.com": HOST,
            "127.0.0.1:8001": instances[0],
            "127.0.0.1:8002": instances[1],
            "/etc/dynamo/tls": str(self.folder / "tls"),
            "/run/dynamo": str(self.drain),
            "/var/log/nginx/dynamo.log": str(self.folder / "access.log"),
        }
        site = (DEPLOY / "nginx.conf").read_text()
        for old, new in replaced.items():
            assert old in site, f"deploy/nginx.conf has no {old!r}"
            site = site.replace(old, new)
        (self.folder / "site.conf").write_text(site)
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{name}_temp_path {self.folder / name};\n" for name in paths)
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off;\npid {self.folder / 'pid'};\nerror_log {self.folder / 'error.log'};\n"
            f"events {{}}\nhttp {{\n{temporary}include {self.folder / 'site.conf'};\n}}\n"
        )

    def command(self) -> list[str]:
        return [self.program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def answers(self) -> bool:
        return _accepts(self.port)

    def logs(self) -> str:
        """Return everything that nginx wrote: access log, error log and output."""
        return "\n".join((self.folder / name).read_text() for name in ("access.log", "error.log", "log"))


class RedisWithTls(Engine):
    """A Redis server that accepts TLS alone."""

    def __init__(self) -> None:
        super().__init__()
        self.program = program("redis-server")
        self.certificate = make_certificate(self.folder / "tls")
        self.url = f"rediss://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            self.program, "--bind", "127.0.0.1", "--port", "0", "--tls-port", str(self.port),
            "--tls-cert-file", str(self.certificate), "--tls-key-file", str(self.certificate.parent / "privkey.pem"),
            "--tls-auth-clients", "no", "--dir", str(self.folder), "--save", "", "--appendonly", "no",
        ]  # fmt: skip

    def answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname=HOST) as secure,
            ):
                secure.sendall(b"PING\r\n")
                return secure.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
