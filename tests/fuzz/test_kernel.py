"""The kernel endures spoiled conversations and spoiled logs; under AddressSanitizer too, where the compiler has it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "broker" / "watership" / "kernel"
COUNT = int(os.environ.get("WATERSHIP_FUZZ", "3000"))


def endure(seed: int, count: int, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.endure", str(seed), str(count)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert f"{count} conversations endured" in done.stdout


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spoiled_conversations_and_logs(seed: int):
    endure(seed, COUNT)


def sanitizer() -> Path:
    """The compiler's AddressSanitizer library; skips when it has none."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: on Debian, apt install gcc")
    found = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    if not Path(found).is_absolute():
        pytest.skip("the compiler has no AddressSanitizer: on Debian, apt install libasan8 or gcc")
    return Path(found)


def instrumented() -> Path:
    """A folder with the kernel compiled for AddressSanitizer, built once per state of its sources."""
    sources = sorted(path for path in KERNEL.iterdir() if path.suffix in {".py", ".pyx", ".pxd"})
    state = hashlib.sha256(sys.version.encode() + b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "watership" / f"sanitized-{state}"
    if (cache / "complete").exists():
        return cache
    shutil.rmtree(cache, ignore_errors=True)
    package = cache / "source" / "broker" / "watership"
    shutil.copytree(KERNEL, package / "kernel", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    (package / "__init__.py").write_text("")
    shutil.copy(ROOT / "setup.py", cache / "source")
    subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--build-lib", str(cache), "--build-temp", str(cache / "objects")],
        cwd=cache / "source",
        env={**os.environ, "CFLAGS": "-fsanitize=address -fno-omit-frame-pointer", "LDFLAGS": "-fsanitize=address"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    for path in package.rglob("*.py"):
        shutil.copy(path, cache / "watership" / path.relative_to(package))
    (cache / "complete").touch()
    return cache


def test_no_octet_is_read_or_written_out_of_bounds():
    library = sanitizer()
    endure(
        4,
        COUNT,
        WATERSHIP_KERNEL=str(instrumented()),
        LD_PRELOAD=str(library),
        ASAN_OPTIONS="detect_leaks=0:abort_on_error=0:allocator_may_return_null=1",
        PYTHONMALLOC="malloc",
    )
