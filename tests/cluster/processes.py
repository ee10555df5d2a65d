"""Children that live as long as a test session, each with its log, ended by their ids."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class Processes:
    """prefix: what every command is started through, such as nsenter."""

    def __init__(self, folder: Path, prefix: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.prefix = prefix
        self.started: list[tuple[str, subprocess.Popen[bytes]]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*self.prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self.started.append((name, process))
        return process

    def log(self, name: str, lines: int = 40) -> str:
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, name: str, *, patience: float = 10) -> None:
        for entry in [e for e in self.started if e[0] == name]:
            end(entry[1], patience)
            self.started.remove(entry)

    def stop_all(self) -> None:
        """The last started first: an API server without etcd does not end."""
        for name, _ in reversed(self.started.copy()):
            self.stop(name)


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, holds: Callable[[], bool], *, seconds: float = 60, log: Callable[[], str] = str) -> None:
    """Polls; raises TimeoutError with the log when it never holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s\n{log()}")
        time.sleep(0.2)
