#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")
    if sys.argv[1:] in (["version"], ["--version"]):  # Django would print its own
        from dynamo import __version__

        print(__version__)
        sys.exit()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
