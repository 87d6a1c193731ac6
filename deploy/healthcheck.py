"""Exits with 0 when the web server of this container, or of DYNAMO_BIND, answers /healthz with 200."""

import http.client
import os
import sys

_, _, port = os.environ.get("DYNAMO_BIND", "127.0.0.1:8000").rpartition(":")
host = os.environ.get("DYNAMO_ALLOWED_HOSTS", "localhost").split(",")[0].strip().removeprefix(".")
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=4)
try:
    connection.request("GET", "/healthz", headers={"Host": host})
    sys.exit(0 if connection.getresponse().status == 200 else 1)
except OSError as error:
    sys.exit(str(error))
