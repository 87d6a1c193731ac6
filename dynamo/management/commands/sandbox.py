import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from dynamo.sandbox.server import Sandbox


class Command(BaseCommand):
    help = "Run a stand-in for the Graph API on 127.0.0.1, with a page of the published posts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="0 selects a free port")
        parser.add_argument("--folder", type=Path, help="stores the posts; default: memory only")
        parser.add_argument("--port-file", type=Path, help="file for the port number, written when the server listens")

    def handle(self, *_args: Any, port: int, folder: Path | None, port_file: Path | None, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _signal, _frame: stop.set())
        callback = f"{settings.ADMIN_URL}{reverse('admin:posts_channel_connect_callback')}"
        sandbox = Sandbox(
            port=port,
            folder=folder,
            app_id=settings.GRAPH_APP_ID,
            app_secret=settings.GRAPH_APP_SECRET,
            redirect_uris=[callback],
        )
        if port_file is not None:
            new = port_file.with_name(f"{port_file.name}.new")
            new.write_text(str(sandbox.port), encoding="ascii")
            new.replace(port_file)  # atomic: readers see the whole number or no file
        self.stdout.write(f"Sandbox of the Graph API: {sandbox.url}")
        self.stdout.flush()
        stop.wait()
        sandbox.close()
