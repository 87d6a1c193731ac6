"""`make faults`: break everything for a while, then count. Exits 1 when a promise did not hold, or a secret leaked.

--posts how many in all, --seed to replay a run, --only to name phases. Timing decides where exactly a blow falls, so a
replay repeats the plan and the order of blows, not their instants.
"""

import argparse
import os
import secrets
import shutil
import sys
import time
from datetime import timedelta

from tests.chaos.environment import Stage

SETTINGS = {
    "GRAPH_CONNECT_TIMEOUT": "1",
    "GRAPH_READ_TIMEOUT": "3",
    "DYNAMO_LEASE_SECONDS": "6",
    "DYNAMO_ABSENCE_SPACING": "5",
    "DYNAMO_LANDING_LIMIT": "45",
    "DYNAMO_RECONCILE_LIMIT": "90",
    "DYNAMO_MAX_LATENESS_SECONDS": "120",
    "DYNAMO_SWEEP_INTERVAL": "1",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--posts", type=int, default=700)
    parser.add_argument("--seconds", type=float, default=100, help="how long the posts are spread over")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--only", help="phases, separated by commas")
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    parser.add_argument("--stage-text-posts", action="store_true", help="with STAGE_TEXT_POSTS")
    given = parser.parse_args()
    if given.stage_text_posts:
        SETTINGS["DYNAMO_STAGE_TEXT_POSTS"] = "1"
    print(f"seed {given.seed}", flush=True)
    with Stage(workers=2, threads=8, settings=SETTINGS) as stage:
        stage.migrate()
        code = _run(stage, given)
        if given.keep or code:
            print(f"logs: {stage.folder}")
        else:
            shutil.rmtree(stage.folder)
    return code


def _run(stage: Stage, given: argparse.Namespace) -> int:
    import threading

    import django

    django.setup()
    from django.db import connection

    from accounts import clock
    from tests.chaos.faults import PHASES, Chaos
    from tests.chaos.load_generator import LEAD, Crowd
    from tests.chaos.report import broken, judge, table
    from tests.chaos.scenarios import draw
    from tests.security import secret_scan

    phases = given.only.split(",") if given.only else PHASES
    # The platform's own guard against duplicates is off: what is counted is ours.
    stage.sandbox.settings(
        container_seconds=0.2, quota_total=1_000_000, containers_per_day=1_000_000, duplicate_check=False
    )
    stage.work()
    start = clock.now() + LEAD + timedelta(seconds=8)
    plan = draw(
        seed=given.seed, start=start, phases=phases, posts=given.posts, channels=given.channels,
        phase_seconds=given.seconds / len(phases),
    )  # fmt: skip
    crowd = Crowd(plan, stage.sandbox, stage.media.url)
    crowd.settle_in(given.channels)
    chaos = Chaos(stage, crowd, given.seed)
    over = threading.Event()
    people = threading.Thread(target=crowd.act, args=(over,), daemon=True)
    people.start()
    began = time.monotonic()
    chaos.start()
    for phase in phases:
        _wait_until(plan.begins(phase))
        chaos.trouble = phase
        print(f"{time.monotonic() - began:6.1f} s  {phase}", flush=True)
    _wait_until(plan.begins(phases[-1]) + timedelta(seconds=plan.phase_seconds))
    chaos.over.set()
    chaos.join()
    people.join(60)
    over.set()
    connection.close()  # it was cut, like everybody's
    _drain()
    record = stage.sandbox.posts
    rows = judge(plan, run=crowd.run, posts=crowd.posts, reverted=crowd.reverted, record=record)
    print(table(rows))
    pictures = sum(len(item["items"]) or bool(item["media_sha256"]) for item in record)
    print(f"{sum(len(item['items']) > 1 for item in record)} visible posts have several pictures")
    print(f"{pictures} visible pictures compared with their stored copies; the host sent {len(stage.media.served)}")
    for row in rows:
        for note in row.notes[:6]:
            print(f"  {row.phase}: {note}")
    print(
        f"seed {given.seed}: {len(crowd.posts)} posts, {len(record)} visible, {chaos.blows} blows, "
        f"{len(crowd.reverted)} reverted in time, {crowd.edits_refused} edits refused, {time.monotonic() - began:.0f} s"
    )
    leaked, looked = secret_scan.look(stage.folder, {}, but=[stage.folder / "var" / "secrets"])
    print(looked)
    wrong = [*broken(rows), *leaked]
    for line in wrong:
        print(f"BROKEN {line}")
    return 1 if wrong else 0


def _wait_until(instant: object) -> None:
    from accounts import clock

    while clock.now() < instant:  # type: ignore[operator]
        time.sleep(0.05)


def _drain(patience: float = 400) -> None:
    """Wait until every post is settled, as the sweep, the leases and the late limit promise."""
    from scheduling.models import ScheduledPost

    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not ScheduledPost.objects.filter(status__in=["SCHEDULED", "PUBLISHING"]).exists():
            return
        time.sleep(0.5)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
