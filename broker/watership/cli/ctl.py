"""`watership ctl`, and the same under the names that RabbitMQ's operators, probes and test suites call.

Without --url the tools talk to the broker on this machine through its control socket, which its own user may open.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client
from watership.admin.control import NAME, reachable
from watership.broker.identity import VERSION

from .commands import Command, Failure, commands_of
from .commands.command import DATA, INTERVAL, SOFTWARE, UNAVAILABLE, USAGE, Result, authority
from .options import OPTIONS, command_word, common
from .output import listing

if TYPE_CHECKING:
    from .broker import Commands

CTL = "watership ctl"
DATA_FOLDERS = (Path("watership-data"), Path("/var/lib/watership"))
EPILOG = (
    "On the broker's machine its own user needs no login: the tool finds the control socket in the data directory "
    "(--data, WATERSHIP_DATA, ./watership-data, /var/lib/watership). From elsewhere: --url, --username and --password, "
    "also read from WATERSHIP_URL, WATERSHIP_USERNAME and WATERSHIP_PASSWORD. Exit statuses are RabbitMQ's: 0 done, "
    "64 usage, 65 data, 67 no such user, 69 not available or a failed check, 70 refused, 75 timed out."
)


def add(commands: Commands) -> None:
    """For the help of `watership` only: the arguments are read by `main` below."""
    commands.add_parser("ctl", help="ask and change a running broker; also as rabbitmqctl, rabbitmq-diagnostics, ...")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"Error: {message}", file=sys.stderr)
        raise SystemExit(USAGE)


def main(tool: str, arguments: Sequence[str]) -> int:
    """tool: rabbitmqctl and so on, or `watership ctl`. Gives the exit status."""
    commands = commands_of(tool)
    name = command_word(arguments)
    if name == "version" or list(arguments) == ["--version"]:
        print(VERSION)
        return 0
    if name is None or name == "help":
        topic = [word for word in arguments if word in commands]
        if not topic:
            print(overview(tool, commands))
            return 0 if name == "help" or {"-h", "--help"} & set(arguments) else USAGE
        name, arguments = topic[0], [topic[0], "--help"]
    command = commands.get(name)
    if command is None:
        print(f"Command '{name}' not found.{near(name, commands)}", file=sys.stderr)
        return USAGE
    options = parsed(tool, name, command, arguments)
    try:
        return shown(asyncio.run(perform(command, options)), command, options)
    except BrokenPipeError:
        raise
    except (Failure, AdminError, Unreachable, OSError) as error:
        return complain(error, options)


def complain(error: Exception, options: argparse.Namespace) -> int:
    """Says what went wrong; gives the exit status."""
    match error:
        case Failure():
            if error.shown is not None and options.formatter == "json":
                print(json.dumps(error.shown))
            status, problem = error.status, str(error)
        case AdminError():
            status, problem = {404: DATA, 503: UNAVAILABLE}.get(error.status, SOFTWARE), str(error)
        case OSError():
            status, problem = SOFTWARE, f"{error.filename}: {error.strerror}"
        case _:
            node = options.node or "here"
            status, problem = UNAVAILABLE, f"unable to perform an operation on node '{node}': {error}"
    if options.tool == CTL:
        print(f"watership: {options.action}: {problem}", file=sys.stderr)
    elif not (options.silent and status == UNAVAILABLE):
        print(f"Error:\n{problem}", file=sys.stderr)
    return status


def near(name: str, commands: dict[str, Command]) -> str:
    close = difflib.get_close_matches(name, commands, 1)
    return f"\nDid you mean '{close[0]}'?" if close else ""


def overview(tool: str, commands: dict[str, Command]) -> str:
    own = {n: c for n, c in commands.items() if tool in c.tools or tool == CTL}
    width = max(map(len, own))
    lines = [f"  {name:<{width}}  {command.help}" for name, command in sorted(own.items())]
    usage = f"Usage: {tool} [--node NODE] [--timeout SECONDS] [--quiet] COMMAND [ARGUMENTS]"
    return "\n".join([usage, "", "Commands:", *lines, "", f"`{tool} help COMMAND` says more.", "", EPILOG])


def parsed(tool: str, name: str, command: Command, arguments: Sequence[str]) -> argparse.Namespace:
    """Leaves with 64 for what the command does not take."""
    description = f"{command.help[0].upper()}{command.help[1:]}."
    places = [place.rstrip("?*") for place in command.arguments]
    words = [*map(in_usage, command.arguments), *(["[FIELD...]"] if command.columns else [])]
    parser = Parser(
        prog=f"{tool} {name}",
        description=description,
        epilog=f"Fields by default: {' '.join(command.columns)}. {EPILOG}" if command.columns else EPILOG,
        usage=" ".join([tool, name, "[OPTIONS]", *words]),
        allow_abbrev=False,
    )
    common(parser)
    for option in command.options:
        flags, how = OPTIONS[option]
        parser.add_argument(*flags, dest=option, **how)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args(without(arguments, name))
    options.action, options.tool, options.nothing = name, tool, {}
    options.vhost_given, options.vhost = options.vhost is not None, options.vhost or "/"
    place(options, command, places, parser)
    return options


def in_usage(argument: str) -> str:
    word = argument.rstrip("?*").upper()
    return word if argument[-1] not in "?*" else f"[{word}{'...' if argument[-1] == '*' else ''}]"


def without(arguments: Sequence[str], name: str) -> list[str]:
    """The arguments but the command's own name."""
    at = list(arguments).index(name)
    return [*arguments[:at], *arguments[at + 1 :]]


def place(options: argparse.Namespace, command: Command, places: list[str], parser: Parser) -> None:
    """The words into the command's arguments; those that are left over choose columns."""
    words = list(options.words)
    for declared, name in zip(command.arguments, places, strict=True):
        if declared.endswith("*"):
            setattr(options, name, words)
            words = []
        elif words:
            setattr(options, name, words.pop(0))
        elif declared.endswith("?"):
            setattr(options, name, None)
        else:
            parser.error(f"not enough arguments: {name} is missing")
    if words and not command.columns:
        parser.error(f"too many arguments: {' '.join(words)}")
    options.columns = [column for word in words for column in word.split(",") if column] or list(command.columns)


async def perform(command: Command, options: argparse.Namespace) -> Result:
    if command.offline:
        return await command.action(Client("", "", ""), options)
    if command.waits and options.url is None:
        await appears(options)
    with ExitStack() as stack:
        client = connected(options, stack)
        async with client:
            if options.node or ("{node}" in command.banner and chatty(options)):
                await meet(client, options)
            if command.banner and chatty(options):
                print(command.banner.format_map(words(options)))
            return await command.action(client, options)


def connected(options: argparse.Namespace, stack: ExitStack) -> Client:
    """By the control socket where there is one and no URL was given."""
    timeout = options.timeout or 60
    if options.url is None:
        if (path := control(options)) is not None:
            name = stack.enter_context(reachable(path))
            return Client("http://localhost", "", "", socket=name, timeout=timeout)
        if options.data:
            raise Failure(UNAVAILABLE, f"no broker runs in {options.data}: it has no socket '{NAME}'")
    url = options.url or "http://127.0.0.1:15672"
    return Client(url, options.username, options.password, ca=authority(options), timeout=timeout)


def words(options: argparse.Namespace) -> dict[str, object]:
    """What stands in braces in a command's banner."""
    return {n: " ".join(map(str, v)) if isinstance(v, list) else v for n, v in vars(options).items()}


def control(options: argparse.Namespace) -> Path | None:
    """The control socket of a broker on this machine."""
    folders = [Path(options.data)] if options.data else DATA_FOLDERS
    return next((folder / NAME for folder in folders if (folder / NAME).is_socket()), None)


async def appears(options: argparse.Namespace) -> None:
    """Returns when the broker has made its socket, or at the end of the time that is given."""
    deadline = time.monotonic() + (options.timeout or 300)
    while control(options) is None and time.monotonic() < deadline:
        await asyncio.sleep(INTERVAL)


async def meet(client: Client, options: argparse.Namespace) -> None:
    """The node that answers; it must be the one that --node names, by its first name at least."""
    there = str((await client.get_overview())["node"])
    wanted = options.node or there
    if parts(wanted) != parts(there):
        raise Failure(UNAVAILABLE, f"unable to perform an operation on node '{wanted}': the node here is '{there}'")
    options.node = there


def parts(node: str) -> tuple[str, str]:
    """Name and first label of the host. A name alone means this host."""
    name, _, host = node.partition("@")
    return name, (host or os.uname().nodename).partition(".")[0]


def chatty(options: argparse.Namespace) -> bool:
    """Whether anything but the result is said."""
    return not (options.tool == CTL or options.quiet or options.silent or options.formatter in ("json", "csv"))


def shown(result: Result, command: Command, options: argparse.Namespace) -> int:
    if isinstance(result, list):
        heads = not (options.silent or options.no_table_headers)
        text = listing(result, options.columns, options.formatter, heads=heads)
        if text:
            print(text)
    elif isinstance(result, str):
        print(json.dumps(result) if options.formatter == "json" else result)
    elif result is not None:
        print(json.dumps(result, indent=2))
    elif command.done and chatty(options):
        print(command.done.format_map(words(options)))
    return 0
