"""`watership ctl`: ask and change a running broker from a shell, through its management API."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client

from .actions import COMMANDS, Command, Result, authority

if TYPE_CHECKING:
    from .broker import Commands

HELP = {
    "secret": "the password; without it one line of standard input",
    "file": "a path; - or nothing for standard input or output",
    "tags": "administrator, monitoring, policymaker, management or your own; without it the user has none",
    "configure": "a regular expression over the names that the user may declare and delete",
    "write": "a regular expression over the names that the user may publish to and bind",
    "read": "a regular expression over the names that the user may consume, purge and bind from",
}
EPILOG = (
    "--url, --username and --password are also read from WATERSHIP_URL, WATERSHIP_USERNAME and WATERSHIP_PASSWORD. "
    "The exit status is 0 when the broker did it, 1 when it refused or does not answer."
)


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "ctl", help="ask and change a running broker", description="Talks to the management API.", epilog=EPILOG
    )
    add_options(parser, top=True)
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        action = actions.add_parser(
            name, help=command.help, description=f"{command.help[0].upper()}{command.help[1:]}."
        )
        add_options(action, top=False)
        for argument in command.arguments:
            word = argument.rstrip("?")
            action.add_argument(word, nargs="?" if argument != word else None, help=HELP.get(word))
        if command.columns:
            columns = " ".join(command.columns)
            action.add_argument("columns", nargs="*", help=f"fields of the management API (default {columns})")
        action.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """Options before or after the command; after it they have no default, which would undo the former."""

    def option(*names: str, default: str | None, **rest: Any) -> None:
        parser.add_argument(*names, default=default if top else argparse.SUPPRESS, **rest)

    environment = os.environ
    option(
        "--url",
        default=environment.get("WATERSHIP_URL", "http://127.0.0.1:15672"),
        help="the management API (default http://127.0.0.1:15672)",
    )
    option("--username", default=environment.get("WATERSHIP_USERNAME", "guest"), help="who asks (default guest)")
    option("--password", default=environment.get("WATERSHIP_PASSWORD", "guest"), help="the password of who asks")
    option("--ca", default=None, metavar="FILE", help="PEM file with the authorities to trust for https")
    option("-p", "--vhost", default="/", help="the vhost that the command is about (default /)")
    option("--formatter", default="table", choices=("table", "json"), help="how results are shown (default table)")


def run(options: argparse.Namespace) -> int:
    command = COMMANDS[options.action]
    try:
        result = asyncio.run(perform(command, options))
    except (AdminError, Unreachable) as error:
        problem = str(error)
    except json.JSONDecodeError as error:
        problem = f"the definitions are not JSON: {error}"
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
    else:
        show(result, command, options)
        return 0
    print(f"watership: {options.action}: {problem}", file=sys.stderr)
    return 1


async def perform(command: Command, options: argparse.Namespace) -> Result:
    async with Client(options.url, options.username, options.password, ca=authority(options)) as client:
        return await command.action(client, options)


def show(result: Result, command: Command, options: argparse.Namespace) -> None:
    if isinstance(result, list):
        columns = tuple(options.columns) or command.columns
        rows = [{column: field(row, column) for column in columns} for row in result]
        print(json.dumps(rows) if options.formatter == "json" else table(rows, columns))
    elif result is not None:
        listed = options.action == "status" and options.formatter == "table"
        print("\n".join(f"{k}: {cell(v)}" for k, v in result.items()) if listed else json.dumps(result, indent=2))


def field(row: dict[str, Any], column: str) -> Any:
    """A column is a path with dots. "" where a row has none."""
    found: Any = row
    for part in column.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return found


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Tab-separated, with a head: as rabbitmqctl prints, for cut and awk."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(cell(row[column]) for column in columns) for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value)
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
