"""Runs two published clients of the Graph API against the sandbox: `python -m tests.sdk PYTHON` (make check-sdk).

PYTHON is the interpreter of the clients' environment: their requirements are not ours. Prints every call with its
result. The exit status is 1 when a call has another result than expected.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from dynamo.sandbox.server import Sandbox
from tests.services.sandbox import ACCOUNTS, FACEBOOK, INSTAGRAM, SandboxControl

SECRET = "secret-of-the-app-of-the-sandbox"
TIMEOUT = 600.0  # seconds


def main() -> int:
    python = sys.argv[1]
    began = time.monotonic()
    sandbox = Sandbox(app_secret=SECRET)
    try:
        control = SandboxControl(sandbox.url)
        for account in ACCOUNTS:
            control.register(account)
        control.settings(require_proof=True)
        given = {"url": sandbox.url, "secret": SECRET, "page": vars(FACEBOOK), "instagram": vars(INSTAGRAM)}
        done = subprocess.run(
            [python, str(Path(__file__).with_name("calls.py"))],
            input=json.dumps(given), text=True, capture_output=True, check=False, timeout=TIMEOUT,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
    finally:
        sandbox.close()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows:
        print(f"{row['sdk']:<20} {row['call']:<44} {row['result']:<9} {row['note']}")
    if done.returncode:
        print(done.stderr)
    count = Counter(row["result"] for row in rows)
    results = ", ".join(f"{number} {result}" for result, number in sorted(count.items()))
    print(f"{len(rows)} calls in {time.monotonic() - began:.1f} s: {results}")
    return 1 if done.returncode or count["FAILED"] or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
