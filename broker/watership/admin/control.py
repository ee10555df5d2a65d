"""The admin API without a login, for who owns the data directory: a Unix socket in it that its user alone may open.

RabbitMQ's tools prove with a cookie that they are the broker's user on the broker's machine; here the kernel proves it.
Over HTTP nobody comes in this way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from watership.model.users import User

log = logging.getLogger("watership.admin")
NAME = "control"
OWNER = User("rmq-cli", tags=("administrator",))  # who is not in the metadata: the name that RabbitMQ's tools act by
LONGEST = 100  # octets of a socket's path; Linux takes 107


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for the socket that is short enough for the kernel, while inside."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class ControlSocket:
    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.server: asyncio.Server | None = None

    async def open(self, runner: web.AppRunner) -> None:
        """Where the disk keeps no sockets the log says so, and the tools need a login. runner: set up."""
        self.path.unlink(missing_ok=True)  # the lock on the folder says that no other broker has it
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listening.fileno(), 0o600)  # before it has a name
            with reachable(self.path) as name:
                listening.bind(name)
            self.path.chmod(0o600)
        except OSError as error:
            listening.close()
            log.warning("%s cannot be made (%s): the command line needs --url and a login", self.path, error.strerror)
            return
        assert runner.server is not None
        self.server = await asyncio.get_running_loop().create_unix_server(runner.server, sock=listening)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.path.unlink(missing_ok=True)
