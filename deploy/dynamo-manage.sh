#!/bin/sh
# Runs manage.py of the installed release as the user dynamo with the settings of the services: dynamo-manage COMMAND …
set -eu
cd "${DYNAMO_RELEASE:-/opt/dynamo/current}"
set -a
. /etc/dynamo/dynamo.env
set +a
if [ "$(id -un)" = dynamo ]; then
    exec venv/bin/python manage.py "$@"
fi
exec runuser -u dynamo -- venv/bin/python manage.py "$@"
