"""`watership store check | repair | stats DIR`: looks at the log of a broker that does not run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watership import kernel
from watership.broker.metadata import Metadata
from watership.model.commands import UnknownCommand
from watership.store import Log, StoreError
from watership.store.directory import Directory
from watership.store.inspection import Damage, Tools, find, mend

if TYPE_CHECKING:
    from .broker import Commands

TOOLS = Tools(kernel.Replay, kernel.next_intact, kernel.void)


def add(commands: Commands) -> None:
    parser = commands.add_parser("store", help="check, repair or size up the data directory of a stopped broker")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("check", run_check, "say which parts of the log cannot be read; changes nothing"),
        ("repair", run_repair, "make a damaged log readable again; damaged files are copied to DIR/aside first"),
        ("stats", run_stats, "messages and octets by queue, and what the log takes on disk"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("directory", type=Path, metavar="DIR", help="the broker's data directory")
        action.set_defaults(run=run)


def opened(path: Path) -> Directory | None:
    """None: it cannot be used, and the user has been told why."""
    if not (path / "format").exists():
        print(f"{path} is no broker's data directory: it has no file 'format'", file=sys.stderr)
        return None
    try:
        return Directory(path)
    except StoreError as error:
        print(error, file=sys.stderr)
        return None


def run_check(options: argparse.Namespace) -> int:
    directory = opened(options.directory)
    if directory is None:
        return 2
    damages = find(directory, TOOLS)
    directory.close()
    if not damages:
        print("the log is whole")
        return 0
    tell(damages)
    print(f"`watership store repair {options.directory}` makes the rest readable; what these parts held is lost")
    return 1


def tell(damages: list[Damage]) -> None:
    for damage in damages:
        print(damage)


def run_repair(options: argparse.Namespace) -> int:
    directory = opened(options.directory)
    if directory is None:
        return 2
    damages = find(directory, TOOLS)
    kept = mend(directory, damages, TOOLS)
    directory.close()
    if not damages:
        print("the log is whole; nothing was changed")
        return 0
    tell(damages)
    for copy in kept:
        print(f"kept as it was: {copy}")
    print("repaired: the broker can be started; what these parts held is lost, acknowledged messages may come back")
    return 0


def run_stats(options: argparse.Namespace) -> int:
    directory = opened(options.directory)
    if directory is None:
        return 2
    size = sum(path.stat().st_blocks * 512 for _, path in directory.files())
    files = len(directory.files())
    directory.close()
    replay, metadata = kernel.Replay(), Metadata()
    try:
        log = Log(options.directory)
        log.recover(replay)
        metadata.recover(replay.snapshot, replay.commands)
    except (StoreError, UnknownCommand) as error:
        print(error, file=sys.stderr)
        return 1
    names = {q.stream: f"{q.vhost} {q.name}" for queues in metadata.queues.values() for q in queues.values()}
    names |= {
        x.stream: f"{x.vhost} {x.name} (delayed)" for xs in metadata.exchanges.values() for x in xs.values() if x.stream
    }
    counts = {stream: count for stream, count in replay.counts().items() if stream in names and count[0]}
    log.close()
    for stream, (messages, octets) in sorted(counts.items(), key=lambda item: -item[1][1]):
        print(f"{messages:>12,} messages {octets:>16,} octets  {names[stream]}")
    live = sum(octets for _, octets in counts.values())
    print(f"{sum(m for m, _ in counts.values()):>12,} messages {live:>16,} octets  in all")
    print(f"the log takes {size:,} octets in {files} files")
    replay.close()
    return 0
