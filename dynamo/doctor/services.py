"""The services: database, migrations, broker, cache, storage and e-mail."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import redis
from django.conf import settings
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from dynamo.doctor.base import Finding, Level
from posts.domain import media_store
from scheduling.domain import health

LOOPBACK = {"", "localhost", "127.0.0.1", "::1"}


def database_findings() -> Iterator[Finding]:
    """Yield version, access, encoding, TLS, pooler and replication of PostgreSQL."""
    if connection.vendor != "postgresql":
        level: Level = "fail" if settings.PRODUCTION else "info"
        yield Finding("database", level, "SQLite: for one machine and for trying out.", "DATABASE_URL")
        return
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        text = f"The database does not answer: {type(error.__cause__ or error).__name__}."
        yield Finding("database", "fail", text, "DATABASE_URL; is the server up, and may this host connect?")
        return
    server, needed = (
        int(_value("SHOW server_version_num")) // 10_000,
        connection.features.minimum_database_version or (0,),
    )
    text = f"PostgreSQL {server} answers."
    yield Finding("database", "ok" if server >= needed[0] else "fail", text, f"Upgrade to {needed[0]} or newer")
    if health.is_read_only():
        yield Finding("database.read_only", "fail", health.READ_ONLY, "DATABASE_URL")
    if (encoding := _value("SHOW server_encoding")) != "UTF8":
        yield Finding("database.encoding", "fail", f"The database's encoding is {encoding}.", "createdb -E UTF8")
    yield from _tls()
    yield _pooler()
    yield _replication()


def _value(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _tls() -> Iterator[Finding]:
    hosts = str(settings.DATABASES["default"].get("HOST", "")).split(",")
    is_local = all(host in LOOPBACK or host.startswith("/") for host in hosts)
    if not is_local and _value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") != "True":
        text = "The connection to the database is not encrypted."
        yield Finding("database.tls", "warn", text, "?sslmode=verify-full&sslrootcert=… in DATABASE_URL")


def _pooler() -> Finding:
    """Recognise a pooler by the process id, which it replaces, and its mode by a second client on the same server."""
    server_pid = int(_value("SELECT pg_backend_pid()"))
    if connection.connection.info.backend_pid == server_pid:
        return Finding("database.pooler", "ok", "There is no pooler between Dynamo and the database.")
    second = connection.copy()
    try:
        with second.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_backend_pid()")
            is_shared = cursor.fetchone()[0] == server_pid
            cursor.execute("ROLLBACK")
    finally:
        second.close()
    mode = "in transaction mode" if is_shared else "in session mode, or with several server connections"
    text = f"A pooler {mode} is between Dynamo and the database, which works: nothing is prepared."
    options = settings.DATABASES["default"].get("OPTIONS", {})
    if options.get("server_side_binding") or options.get("prepare_threshold") is not None:
        fix = "Remove server_side_binding and prepare_threshold"
        return Finding("database.pooler", "fail", f"A pooler {mode} mixes up prepared statements.", fix)
    return Finding("database.pooler", "ok", text)


def _replication() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication"
        )
        standbys, synchronous = cursor.fetchone()
    commit = _value("SHOW synchronous_commit")
    if commit == "off":
        text = "synchronous_commit is off: a crash of the server loses attempts, and posts could be published twice."
        return Finding("database.replication", "fail", text, "synchronous_commit = on in postgresql.conf")
    if not standbys:
        text = "No standby is connected: what was written since the last backup is lost with the disk."
        return Finding("database.replication", "info", text, "docs/operations.md")
    if not synchronous:
        text = f"{standbys} asynchronous: a failover can lose the last seconds. (The role may not see more.)"
        return Finding("database.replication", "warn", f"Standbys: {text}", "synchronous_standby_names")
    return Finding("database.replication", "ok", f"Standbys: {standbys}, of which {synchronous} synchronous.")


def migration_findings() -> Iterator[Finding]:
    loader = MigrationLoader(connection)
    applied, known = set(loader.applied_migrations), set(loader.graph.nodes)
    missing = sorted(f"{app}.{name}" for app, name in known - applied)
    ours = sorted(f"{app}.{name}" for app, name in applied - known if app in {"accounts", "posts", "scheduling"})
    if missing:
        text = f"{len(missing)} migrations are not applied: {', '.join(missing[:5])}."
        yield Finding("migrations", "fail", text, "manage.py migrate")
    elif ours:
        text = f"The database is of a newer version: {', '.join(ours[:5])}."
        yield Finding("migrations", "fail", text, "Install the version that applied them")
    else:
        yield Finding("migrations", "ok", "All migrations are applied.")


def broker_findings() -> Iterator[Finding]:
    if not health.broker_is_reachable():
        yield Finding("broker", "fail", "The broker does not answer.", "REDIS_URL; posts go on when it is back")
        return
    if not settings.REDIS_URL:
        yield Finding("broker", "ok", "The broker is a folder of this machine.")
        return
    parts = urlsplit(settings.REDIS_URL)
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as server:
        info = server.info()
    yield Finding("broker", "ok", f"Redis {info.get('redis_version', '')} answers.")
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction" and info.get("maxmemory"):
        text = f"Redis may delete messages: its maxmemory-policy is {policy}. They are sent again by the sweep, late."
        yield Finding("broker.eviction", "warn", text, "maxmemory-policy noeviction")
    if parts.scheme != "rediss" and parts.hostname not in LOOPBACK:
        yield Finding("broker.tls", "warn", "The connection to Redis is not encrypted.", "rediss:// in REDIS_URL")
    elif "ssl_cert_reqs=none" in parts.query:
        yield Finding("broker.tls", "fail", "The certificate of Redis is not verified.", "Remove ssl_cert_reqs=none")


def cache_findings() -> Iterator[Finding]:
    if health.cache_works():
        yield Finding("cache", "ok", "The cache returns what is stored in it.")
    else:
        yield Finding("cache", "fail", "The cache does not answer: there are no rate limits.", "REDIS_URL, or the disk")


def storage_findings() -> Iterator[Finding]:
    """Store a small file, read it and delete it."""
    content, name = uuid4().bytes, ""
    try:
        name = default_storage.save(f"doctor/{uuid4().hex}", ContentFile(content))
        with default_storage.open(name) as file:
            is_same = file.read() == content
    except Exception as error:  # noqa: BLE001  each storage has its own exceptions
        text = f"The storage of media does not work: {type(error).__name__}."
        yield Finding("storage", "fail", text, "S3_BUCKET and its credentials, or DYNAMO_VAR/files")
        return
    finally:
        if name:
            default_storage.delete(name)
    if not is_same:
        yield Finding("storage", "fail", "The storage returned other bytes than were stored.", "S3_ENDPOINT_URL")
    else:
        yield Finding("storage", "ok", "The storage keeps, returns and deletes a file.")
    if media_store.is_served_here() and settings.PRODUCTION:
        text = "Media are in a folder of this machine: web and workers on other machines do not see them."
        yield Finding("storage.shared", "info", text, "S3_BUCKET, as soon as there is a second machine")


def email_findings(send_test: str = "") -> Iterator[Finding]:
    """Connect to the mail server; with an address, send a message to it."""
    if not settings.EMAIL_HOST:
        text = "EMAIL_HOST is not set: there are no e-mails, and invitations are links to pass on."
        yield Finding("email", "warn", text, "EMAIL_HOST")
        return
    try:
        with mail.get_connection(fail_silently=False) as server:
            if send_test:
                text = f"Dynamo {settings.VERSION} at {settings.ADMIN_URL} can send e-mail."
                mail.EmailMessage("Test of Dynamo's e-mail", text, to=[send_test], connection=server).send()
    except Exception as error:  # noqa: BLE001  smtplib's, OSError, ssl's
        text = f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT} failed: {type(error).__name__}."
        yield Finding(
            "email", "fail", text, "EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD"
        )
        return
    done = f"accepted a message to {send_test}" if send_test else "accepts our login"
    yield Finding("email", "ok", f"The mail server {settings.EMAIL_HOST} {done}.")
