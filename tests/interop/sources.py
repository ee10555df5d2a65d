"""The suites' sources and a virtual environment with the clients: fetched once into the user's cache, by hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.interop.suites import SUITES

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


UNREACHABLE = ("connection", "timed out", "resol", "proxy", "no matching distribution", "could not find a version")


class NoPackageIndex(Exception):
    """What pip said."""


def pip(python: Path, *arguments: str) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode and any(word in done.stdout.lower() for word in UNREACHABLE):
        raise NoPackageIndex(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout[-5000:]


def pinned(name: str) -> str:
    """The line of requirements.txt with the hashes of one distribution."""
    (paragraph,) = [text for text in REQUIREMENTS.read_text().split("\n    # via") if f"\n{name}==" in text]
    return paragraph[paragraph.index(f"\n{name}==") + 1 :] + "\n"


def fetched() -> Path:
    """A folder with `venv/`, and NAME/ of each suite. Raises NoPackageIndex."""
    state = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "watership" / f"interop-{state}"
    if (cache / "complete").exists():
        return cache
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", cache / "venv"], check=True)
    python = cache / "venv" / "bin" / "python"
    pip(python, "install", "--require-hashes", "--no-deps", "-r", str(REQUIREMENTS))
    for suite in SUITES:
        unpack(python, suite.name, cache)
    (cache / "complete").touch()
    return cache


def unpack(python: Path, name: str, cache: Path) -> None:
    """The source distribution of `name` to cache/name."""
    wanted, archives = cache / f"{name}.txt", cache / f"{name}-archive"
    wanted.write_text(pinned(name))
    pip(
        python, "download", "--no-deps", "--no-binary", name, "--require-hashes", "-r", str(wanted), "-d", str(archives)
    )
    (archive,) = archives.iterdir()
    with tarfile.open(archive) as tar:
        tar.extractall(archives, filter="data")
    (folder,) = [path for path in archives.iterdir() if path.is_dir()]
    folder.rename(cache / name)
