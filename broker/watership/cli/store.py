"""`watership store check | repair | stats DIR`: looks at the log of a broker that does not run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watership import kernel
from watership.broker.metadata import Metadata
from watership.model.commands import UnknownCommand
from watership.store import DirectoryInUse, Log, Pages, StoreError
from watership.store.directory import Directory
from watership.store.inspection import Damage, Tools, find, find_pages, mend

if TYPE_CHECKING:
    from .broker import Commands

TOOLS = Tools(kernel.Replay, kernel.next_intact, kernel.void)


def add(commands: Commands) -> None:
    parser = commands.add_parser("store", help="check, repair or size up a data directory")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("check", run_check, "say which parts of the log and which pages cannot be read; changes nothing"),
        ("repair", run_repair, "make a damaged log readable again; damaged files are copied to DIR/aside first"),
        ("stats", run_stats, "messages and octets by queue, and what log and pages take on disk"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("directory", type=Path, metavar="DIR", help="the broker's data directory")
        action.set_defaults(run=run)


def is_ours(path: Path) -> bool:
    """False: the user has been told so."""
    if (path / "format").exists():
        return True
    print(f"{path} is no broker's data directory: it has no file 'format'", file=sys.stderr)
    return False


def opened(path: Path) -> Directory | None:
    """None: it cannot be used, and the user has been told why."""
    if not is_ours(path):
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
    damages = find(directory, TOOLS) or find_pages(directory, TOOLS)
    directory.close()
    if not damages:
        print("the log is whole, and so is every page")
        return 0
    tell(damages)
    print(f"`watership store repair {options.directory}` makes the rest readable; what these parts held is lost")
    return 1


def tell(damages: list[Damage]) -> None:
    for text in dict.fromkeys(str(damage) for damage in damages):
        print(text)


def run_repair(options: argparse.Namespace) -> int:
    directory = opened(options.directory)
    if directory is None:
        return 2
    damages, kept = [], []
    for look in (find, find_pages):  # what the log tells of pages can be read when the log can
        found = look(directory, TOOLS)
        kept += mend(directory, found, TOOLS)
        damages += found
    directory.close()
    if not damages:
        print("the log is whole, and so is every page; nothing was changed")
        return 0
    tell(damages)
    for copy in kept:
        print(f"kept as it was: {copy}")
    print("repaired: the broker can be started; what these parts held is lost, acknowledged messages may come back")
    return 0


def run_stats(options: argparse.Namespace) -> int:
    if not is_ours(options.directory):
        return 2
    try:
        live = print_messages(options.directory)
    except DirectoryInUse:
        print("a broker runs on it; for its messages: watership ctl list_queues name messages message_bytes")
        live = None
    except (StoreError, UnknownCommand) as error:
        print(error, file=sys.stderr)
        return 1
    for name, pattern, text in (
        ("log", "*.wal", "" if live is None else f", of which {live:,} octets are alive"),
        ("spare", "*.spare", ""),
        ("pages", "pages/*.page", ""),
    ):
        sizes = [path.stat().st_blocks * 512 for path in options.directory.glob(pattern)]
        print(f"{name:<6}{sum(sizes):>32,} octets on disk in {len(sizes)} files{text}")
    return 0


def print_messages(folder: Path) -> int:
    """Messages by queue; gives their octets. Raises StoreError, UnknownCommand."""
    pages = Pages(folder, on_failure=lambda _error: None)
    replay, metadata = kernel.Replay(pages), Metadata()
    log = Log(folder)
    log.recover(replay)
    try:
        metadata.recover(replay.snapshot, replay.commands)
        names = {q.stream: f"{q.vhost} {q.name}" for queues in metadata.queues.values() for q in queues.values()}
        names |= {
            x.stream: f"{x.vhost} {x.name} (delayed)"
            for exchanges in metadata.exchanges.values()
            for x in exchanges.values()
            if x.stream
        }
        counts = {stream: count for stream, count in replay.counts().items() if stream in names and count[0]}
    finally:
        replay.close()
        pages.close()
        log.close()
    for stream, (messages, octets) in sorted(counts.items(), key=lambda item: -item[1][1]):
        print(f"{messages:>12,} messages {octets:>16,} octets  {names[stream]}")
    live = sum(octets for _, octets in counts.values())
    print(f"{sum(messages for messages, _ in counts.values()):>12,} messages {live:>16,} octets  in all")
    return live
