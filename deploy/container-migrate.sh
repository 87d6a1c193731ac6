#!/bin/sh
# Migrates the database, then prints the next step.
set -eu
python manage.py migrate --noinput
cat <<'END'

The database is ready. Create the first organization and its administrator with

  docker compose -f deploy/compose.yaml exec web-1 python manage.py setup

END
