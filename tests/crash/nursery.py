"""Brokers that are born quickly: forked from a process that has imported everything, with the faults in it."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import select
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.broker.process import Broker, NotStarted
from tests.crash.faults import Faults

PATIENCE = 60


@contextlib.contextmanager
def nursery(faults: Faults) -> Iterator[ForkServerContext]:
    """There is one in a process, so faults are the same for all of it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["watership.cli", "watership.launch"])
    before = os.environ.copy()
    os.environ.update(faults.environment)
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield context
    multiprocessing.forkserver._forkserver._stop()


def serve(arguments: list[str], said: str, output: Connection) -> None:
    """In the new process: what `watership broker` does."""
    from watership.cli import main

    log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 2)
    os.dup2(output.fileno(), 1)
    os._exit(main(["broker", *arguments]))


class ForkedBroker(Broker):
    def __init__(self, folder: Path, configuration: str, context: ForkServerContext) -> None:
        super().__init__(folder, configuration)
        self.context = context
        self.forked: BaseProcess | None = None
        self.killer: threading.Timer | None = None

    def start(self, *, killed_after: float | None = None) -> None:
        self.output, theirs = self.context.Pipe(duplex=False)
        arguments = ["--config", str(self.folder / "rabbitmq.conf"), "--data", str(self.folder / "data")]
        (self.folder / "said").write_text("")
        self.forked = self.context.Process(target=serve, args=(arguments, str(self.folder / "said"), theirs))
        self.forked.start()
        theirs.close()
        if killed_after is not None:
            self.killer = threading.Timer(killed_after, os.kill, (self.forked.pid, signal.SIGKILL))
            self.killer.start()
        said = b""
        while b"ready: " not in said:
            told, _, _ = select.select([self.output], [], [], PATIENCE)
            if not told or not (more := os.read(self.output.fileno(), 65536)):
                raise NotStarted(self.said())
            said += more

    def died_within(self, seconds: float) -> bool:
        self.forked.join(seconds)
        return self.forked.exitcode is not None

    def end(self, number: int = signal.SIGKILL) -> int:
        if self.killer is not None:
            self.killer.cancel()
            self.killer.join()
            self.killer = None
        if self.forked.exitcode is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self.forked.pid, number)
        self.forked.join(PATIENCE)
        status = self.forked.exitcode
        self.forked.close()
        self.output.close()
        self.forked = None
        return status
