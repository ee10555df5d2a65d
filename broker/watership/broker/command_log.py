"""What metadata needs of a log, and what a log needs of metadata. A replicated log can stand on either side later.

A command is decided once, by who takes the request (permissions, names, what is there), and encoded; from then on every
copy applies the same octets in the same order and comes to the same state. Here the node's own log (kernel.Journal)
keeps them, and a reply waits until its position is on the disk; a replicated log lets it wait for a majority.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Protocol

from watership.model.commands import Command


class CommandLog(Protocol):
    """`kernel.Journal`."""

    def command(self, payload: bytes) -> int:
        """Appends one; returns the position that makes it durable."""

    def snapshot(self, payload: bytes) -> int:
        """Stands for all commands before it: who recovers begins here."""

    def durable(self, lsn: int | None = None) -> Awaitable[None]:
        """Done once a position (default: the last one) cannot be lost any more; OSError when that will never be."""


class StateMachine(Protocol):
    """`metadata.Metadata`. Deterministic: it reads no clock, no file and no random number."""

    def apply(self, command: Command) -> None: ...
    def snapshot(self) -> bytes:
        """Equal states that were reached by the same commands have equal snapshots."""

    def recover(self, snapshot: bytes | None, commands: Iterable[bytes]) -> None:
        """Raises model.commands.UnknownCommand for what a newer program wrote."""
