"""`python -m tests.fuzz --seconds 30`: every target for its share of the time, or those that are named.

Each runs in a process of its own, guided by coverage (atheris). What it finds is printed, as bytes to be kept as a
regression test, and the exit status is 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.names import NAMES

DONE = re.compile(r"Done (\d+) (?:runs|in)|#(\d+)\s+DONE")
COUNTED = re.compile(r"#(\d+)")
OURS = ["accounts", "posts", "scheduling", "dynamo.mcp"]


def run(name: str, seconds: int, seed: int, folder: Path) -> tuple[int, str]:
    """Fuzz one target; return how many cases were tried, and what was found."""
    words = [sys.executable, "-m", "tests.fuzz", "--inside", name, "--seed", str(seed), "--seconds", str(seconds)]
    env = {**os.environ, "DYNAMO_VAR": str(folder)}
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", env=env, check=False)
    output = done.stdout + done.stderr
    counts = [int(runs or done) for runs, done in DONE.findall(output)] or [
        int(item) for item in COUNTED.findall(output)
    ]
    return max(counts, default=0), "" if done.returncode == 0 else output[-2500:]


def inside(name: str, seconds: int, seed: int) -> None:
    """Become the fuzzer of one target. Does not return."""
    import atheris

    with atheris.instrument_imports(include=OURS):
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")
        django.setup()
        from tests.fuzz.targets import SEEDS, TARGETS
    corpus = Path(tempfile.mkdtemp(dir=os.environ["DYNAMO_VAR"]))
    for number, seed_input in enumerate(SEEDS[name]):
        (corpus / str(number)).write_bytes(seed_input)
    limits = [f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=512", "-rss_limit_mb=1500", "-timeout=5"]
    limits.append(f"-artifact_prefix={corpus.parent}/")
    atheris.Setup([name, *limits, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def _run_in_folder(name: str, seconds: int, seed: int) -> tuple[int, str]:
    with tempfile.TemporaryDirectory(prefix="dynamo-fuzz-") as folder:
        return run(name, seconds, seed, Path(folder))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], help="all of them when none is named")
    parser.add_argument("--seconds", type=int, default=30, help="for all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", choices=NAMES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(given.inside, given.seconds, given.seed)
    chosen, found, cases = given.targets or NAMES, 0, 0
    share = max(1, given.seconds // len(chosen))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda name: _run_in_folder(name, share, given.seed), chosen))
    for name, (count, broke) in zip(chosen, results, strict=True):
        cases += count
        found += bool(broke)
        print(f"fuzz: {name:10} {count:>9,} cases in {share} s{', BROKEN' if broke else ''}", flush=True)
        if broke:
            print(broke)
    print(f"fuzz: {cases:,} cases, {found} of {len(chosen)} targets broken")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
