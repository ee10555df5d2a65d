"""What a command of the tools is, and how it fails."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watership.admin.client import Client

# Exit statuses of RabbitMQ's tools, which are those of sysexits.h.
USAGE, DATA, NO_USER, UNAVAILABLE, SOFTWARE, TEMPORARY, CONFIGURATION = 64, 65, 67, 69, 70, 75, 78
INTERVAL = 0.2  # seconds between two questions of a command that waits
CTL, DIAGNOSTICS = "rabbitmqctl", "rabbitmq-diagnostics"
QUEUES, UPGRADE, PLUGINS = "rabbitmq-queues", "rabbitmq-upgrade", "rabbitmq-plugins"

Result = list[dict[str, Any]] | dict[str, Any] | str | None
Action = Callable[[Client, argparse.Namespace], Awaitable[Result]]


class Failure(Exception):
    """A sentence, and the status that the tool ends with. shown: what --formatter json prints of it."""

    def __init__(self, status: int, sentence: str, shown: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.shown = shown


@dataclass(frozen=True)
class Command:
    """arguments: positional ones; one with ? may be left out, one with * takes all that follow. columns: what a listing
    shows unless told otherwise. options: those that it takes beside the common ones. tools: whose help lists it.
    banner: said before, with words in braces from the options; done: said after, when there is nothing to show."""

    help: str
    action: Action
    arguments: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tools: tuple[str, ...] = (CTL,)
    banner: str = ""
    done: str = ""
    offline: bool = False  # asks no broker
    waits: bool = False  # also for the broker to start


def verb(name: str, *arguments: str) -> Action:
    """The action that is one verb of the admin API, with these options as its parameters."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        result: Result = await getattr(client, name)(*(getattr(options, a) for a in arguments))
        return result if isinstance(result, (list, dict, str)) else None

    return act


def secret(options: argparse.Namespace) -> str:
    """The password argument; without one a line of standard input, so that it stands in no list of processes."""
    given: str | None = options.secret
    if given is not None:
        return given
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    line = sys.stdin.readline()
    if not line:
        raise Failure(DATA, "Password is not provided via argument or stdin")
    return line.rstrip("\n")


def authority(options: argparse.Namespace) -> bytes | None:
    """The PEM file that --ca names."""
    return Path(options.ca).read_bytes() if options.ca else None
