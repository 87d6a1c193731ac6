import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import Format

TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid


ServerBindingCursor: Any = base.ServerBindingCursor  # the stubs know another


class Kept(ServerBindingCursor):  # type: ignore[misc]
    """A cursor that is used again after it was closed: to make one costs as much as a small statement."""

    def close(self) -> None:
        """Leave it open."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks the server whether it is there only when something has happened: an error, or a sign on the socket."""

    connection: Any  # psycopg's, which the stubs do not know
    kept: Any = None

    def is_usable(self) -> bool:
        """Whether the connection that was kept since the last request still works.

        A server that ended it has said so: there is something to read then, if only the end. One that vanished without
        a word keeps a question waiting as well, here as with a query.
        """
        if self.connection is None or self.errors_occurred:
            return super().is_usable()
        try:
            watch = select.poll()
            watch.register(self.connection.fileno(), select.POLLIN)
            silent = not watch.poll(0)
        except (OSError, ValueError, psycopg.Error):
            return False
        return silent or super().is_usable()

    def prepared_cursor(self) -> Any:
        """Return the connection's cursor for statements that are prepared. There is one, so fetch all before the next.

        It is captured with Django's others where queries are counted.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        if self.kept is None or self.kept.connection is not self.connection:
            self.kept = Kept(self.connection)
            if self.timezone_name == "UTC":
                # psycopg's own loader gives what Django's does then, without a call into Python for each instant.
                loader = psycopg.adapters.get_loader(TIMESTAMPTZ, Format.TEXT)
                self.kept.adapters.register_loader(TIMESTAMPTZ, loader)
        return self._prepare_cursor(self.kept)  # type: ignore[attr-defined]
