"""The broker as a child process: started with a configuration, started again when it ends, ended with us."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from watership.config import Config, load


class BrokerProcess:
    """folder: where its configuration, data and log go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "conf.d"
        self.log = folder / "broker.log"
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.running else None

    def write(self, files: Mapping[str, str]) -> bool:
        """Puts the configuration in place. True when it is another than before."""
        self.configuration.mkdir(parents=True, exist_ok=True)
        changed = False
        for name, text in files.items():
            path = self.configuration / name
            if not path.exists() or path.read_text() != text:
                path.touch(mode=0o600)
                path.write_text(text)
                changed = True
        return changed

    def load(self) -> Config:
        """Raises ConfigError."""
        return load(self.configuration)

    async def start(self) -> None:
        self.starts += 1
        command = [sys.executable, "-m", "watership", "broker", "--config", str(self.configuration)]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, "--data", str(self.folder / "data"), stdout=log, stderr=log, start_new_session=True
            )

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        if self.process is None or not self.running:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def last_words(self) -> str:
        """What it said before it ended."""
        if not self.log.exists():
            return ""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].removeprefix("watership: ") if lines else ""
