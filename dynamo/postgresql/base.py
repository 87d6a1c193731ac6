import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks the server whether it is there only when something has happened: an error, or a sign on the socket."""

    connection: Any  # psycopg's, which the stubs do not know

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
