"""`watership backup DIR`: a consistent copy of a running broker's data."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from watership.admin.api import AdminError, Unreachable
from watership.store import StoreError
from watership.store.directory import Directory
from watership.store.inspection import find, find_pages

from .commands.command import Failure
from .ctl import connected
from .options import reaching
from .store import TOOLS

if TYPE_CHECKING:
    from .broker import Commands

DESCRIPTION = """\
Copies the data of a running broker into DIR, a new or empty folder on this machine, while messages flow. What the
broker had confirmed when the copy began is in it, and so are all queues, exchanges, users and policies; what came
later is not. The mark that is printed is the position of the log up to which it goes. To restore, start a broker on
the copy: `watership broker --data DIR`. It goes on from there, so keep another copy if you may need it again.
"""
EPILOG = (
    "On the broker's machine its own user needs no login; from elsewhere give --url, --username and --password of an "
    "administrator. The same as a tar: curl -fu USER:PASSWORD http://HOST:15672/api/backup -o backup.tar"
)


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "backup", help="copy the data of a running broker", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder for the copy")
    reaching(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            print(f"watership: {folder} is not empty: name a new folder for the copy", file=sys.stderr)
            return 1
        mark = asyncio.run(fetch(folder, options))
        directory = Directory(folder)
        damages = find(directory, TOOLS) or find_pages(directory, TOOLS)
        directory.close()
    except (Failure, AdminError, Unreachable, StoreError, OSError, tarfile.TarError) as error:
        print(f"watership: there is no backup, and {folder} is not complete: {error}", file=sys.stderr)
        return 1
    for damage in damages:
        print(f"watership: {damage}", file=sys.stderr)
    if damages:
        return 1
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder} holds all that was confirmed up to mark {mark} of the log: {size:,} octets, checked")
    return 0


async def fetch(folder: Path, options: argparse.Namespace) -> int:
    """The mark."""
    with ExitStack() as stack:
        async with connected(options, stack) as client:
            backup = await client.backup()
            try:
                await unpack(backup, folder)
            finally:
                await backup.close()
            return int(backup.mark)


async def unpack(pieces: AsyncIterator[bytes], folder: Path) -> None:
    """Every file is on the disk when it returns."""
    out, into = os.pipe()
    unpacking = asyncio.create_task(asyncio.to_thread(extract, os.fdopen(out, "rb"), folder))
    try:
        with contextlib.suppress(BrokenPipeError), os.fdopen(into, "wb") as sink:  # then unpacking knows what is wrong
            async for piece in pieces:
                await asyncio.to_thread(sink.write, piece)
    except Unreachable:
        with contextlib.suppress(tarfile.TarError, OSError):
            await unpacking
        raise
    await unpacking


def extract(source: IO[bytes], folder: Path) -> None:
    with source, tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            tar.extract(member, folder, filter="data")
            with (folder / member.name).open("rb") as file:
                os.fsync(file.fileno())
    for place in [folder, *(path for path in folder.iterdir() if path.is_dir())]:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)
