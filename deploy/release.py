"""Builds the files of a release in dist/: `make release` (ARGS="--snapshot --no-image"). See docs/releasing.md.

The source archive, wheel and sdist of the client, the SBOM of requirements/run.txt, the image, and last SHA256SUMS.
Only what is committed is built. The same commit gives the same bytes, except for the image. Runs in the environment of
requirements/release.txt.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE_BUILDERS = ("buildah", "podman", "docker")


class Refusal(Exception):
    """Why no release can be built; the message is for the person who asked for it."""


def run(*command: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """Run a command, whose errors go to the terminal, and return its output. Raises Refusal when it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Refusal(f"{' '.join(map(str, command[:4]))} … failed")
    return done.stdout.strip()


def read_version() -> str:
    """Return the version that is committed. Raises Refusal when its places differ."""
    found = re.search(r'^__version__ = "(.+?)"', (ROOT / "dynamo/__init__.py").read_text("utf-8"), re.MULTILINE)
    if not found:
        raise Refusal("dynamo/__init__.py has no __version__")
    for name in ("pyproject.toml", "client/pyproject.toml"):
        version = tomllib.loads((ROOT / name).read_text("utf-8"))["project"]["version"]
        if version != found[1]:
            raise Refusal(f"{name} has the version {version}, dynamo.__version__ is {found[1]}")
    return found[1]


def release_name(*, snapshot: bool) -> str:
    """Return the name of what is built, for example dynamo-0.3.0. Raises Refusal when it must not be built."""
    if changed := run("git", "status", "--porcelain"):
        raise Refusal(f"the tree is not clean; commit or remove these files:\n{changed}")
    version, commit = read_version(), run("git", "rev-parse", "HEAD")
    if snapshot:
        return f"dynamo-{version}-snapshot-{commit[:12]}"
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    if not re.search(rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}$", changelog, re.MULTILINE):
        raise Refusal(f"CHANGELOG.md has no section `## {version} - <date>`; `--snapshot` builds what is not released")
    tag = f"v{version}"
    if run("git", "tag", "--list", tag) and run("git", "rev-parse", f"{tag}^{{commit}}") != commit:
        raise Refusal(f"{tag} is the tag of another commit; raise the version")
    return f"dynamo-{version}"


def archive_source(name: str, file: Path, source: Path) -> None:
    """Write what is committed to `file`, a tar.gz with the folder `name`, and unpack it in `source`."""
    tar = subprocess.run(["git", "archive", f"--prefix={name}/", "HEAD"], cwd=ROOT, check=True, capture_output=True)
    with file.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        packed.write(tar.stdout)
    with tarfile.open(file) as archive:
        archive.extractall(source, filter="data")


def build_image(name: str, source: Path, file: Path) -> str:
    """Build the image `dynamo:<version>` and save it for `docker load`. Return what was done, or why nothing was."""
    tool = next(filter(shutil.which, IMAGE_BUILDERS), None)
    if tool is None:
        return f"no image: none of {', '.join(IMAGE_BUILDERS)} is installed"
    image = name.replace("-", ":", 1)
    base = os.environ.get("PYTHON_IMAGE")
    argument = ["--build-arg", f"PYTHON_IMAGE={base}"] if base else []
    command = "bud" if tool == "buildah" else "build"
    # The OCI format of the others has no HEALTHCHECK.
    formatted = [] if tool == "docker" else ["--format", "docker"]
    try:
        run(tool, command, *formatted, "--tag", image, *argument, "--file", source / "deploy/Dockerfile", source)
        if tool == "buildah":
            run(tool, "push", image, f"docker-archive:{file}:{image}")
        else:
            run(tool, "save", "--output", file, image)
    except Refusal as refusal:
        raise Refusal(f"{refusal}: the image was not built; `--no-image` leaves it out") from None
    return f"the image {image} is built by {tool}"


def build(name: str, folder: Path, *, with_image: bool) -> None:
    """Build all files in `folder`."""
    with tempfile.TemporaryDirectory() as temporary:
        archive_source(name, folder / f"{name}.tar.gz", Path(temporary))
        source = Path(temporary) / name
        epoch = run("git", "log", "-1", "--format=%ct")
        hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", folder)
        run(*hatchling, folder=source / "client", SOURCE_DATE_EPOCH=epoch)
        run(
            sys.executable, "-m", "cyclonedx_py", "requirements", "--pyproject", "pyproject.toml",
            "--mc-type", "application", "--output-reproducible", "--validate", "--spec-version", "1.6",
            "--output-file", folder / f"{name}.cdx.json", "requirements/run.txt", folder=source,
        )  # fmt: skip
        print(build_image(name, source, folder / f"{name}.image.tar") if with_image else "no image: --no-image")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums))


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the files of a release in dist/.")
    parser.add_argument("--snapshot", action="store_true", help="build a version that is not released")
    parser.add_argument("--no-image", action="store_true", help="build no image")
    options = parser.parse_args()
    try:
        name = release_name(snapshot=options.snapshot)
        target = ROOT / "dist" / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        try:
            build(name, target, with_image=not options.no_image)
        except Refusal:
            shutil.rmtree(target)  # an unfinished release looks like a finished one
            raise
    except Refusal as refusal:
        sys.exit(f"no release: {refusal}")
    print(f"dist/{name}:", *sorted(file.name for file in target.iterdir()), sep="\n  ")


if __name__ == "__main__":
    main()
