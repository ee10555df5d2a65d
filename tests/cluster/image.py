"""Watership's image for a node of our own: buildah on a base made by debootstrap, no image registry involved."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .binaries import Missing, folder, say

ROOT = Path(__file__).parents[2]
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,python3-dev,gcc,libc6-dev,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def base() -> Path:
    """A Debian with Python and a compiler, made once."""
    target = folder().parent / f"base-{SUITE}-{hashlib.sha256(PACKAGES.encode()).hexdigest()[:8]}.tar"
    if not target.exists():
        say(f"making a base image of Debian {SUITE}, once")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
            root = Path(name) / "root"
            try:
                run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root))
            except RuntimeError as error:
                raise Missing(f"Debian {SUITE} cannot be fetched: {str(error).strip().splitlines()[-1]}") from error
            for unused in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
                shutil.rmtree(root / unused, ignore_errors=True)
            partial = target.with_suffix(".partial")
            run("tar", "-C", str(root), "--exclude=./dev/*", "-cf", str(partial), ".")
            partial.rename(target)
    return target


def build(name: str, work: Path) -> Path:
    """The image NAME as a docker archive. RuntimeError with buildah's words when the Dockerfile does not build."""
    say("building the image")
    store = ("--root", str(work / "storage"), "--runroot", str(work / "run"), "--storage-driver", "vfs")
    buildah = ("buildah", *store)
    archive = base()
    container = run(*buildah, "from", "scratch").strip()
    run(*buildah, "add", container, str(archive), "/")
    run(*buildah, "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", container)
    run(*buildah, "commit", "--rm", container, "localhost/watership-base")
    trust = []
    if CERTIFICATES.is_dir():  # whatever this machine trusts, the build does
        bundle = f"{CERTIFICATES}/ca-certificates.crt"
        trust = [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", f"--env=PIP_CERT={bundle}"]
    environment = [f"--env={n}={v}" for n, v in os.environ.items() if n in ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")]
    unset = [f"--unsetenv={e.removeprefix('--env=').partition('=')[0]}" for e in (*trust[1:], *environment)]
    run(
        *buildah,
        "build",
        "--isolation=chroot",
        "--build-arg=BASE=localhost/watership-base",
        *trust,
        *environment,
        *unset,
        f"--tag={name}",
        str(ROOT),
    )
    target = work / "watership.tar"
    run(*buildah, "push", name, f"docker-archive:{target}:{name}")
    shutil.rmtree(work / "storage", ignore_errors=True)
    return target
