"""`watership ctl`: the verbs of the admin protocol from a shell, with rabbitmqctl's names."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client

if TYPE_CHECKING:
    from .broker import Commands

Result = list[dict[str, Any]] | dict[str, Any] | None
Action = Callable[[Client, argparse.Namespace], Awaitable[Result]]


@dataclass(frozen=True)
class Command:
    """columns: what a listing shows unless told otherwise."""

    help: str
    action: Action
    arguments: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


async def status(client: Client, _: argparse.Namespace) -> Result:
    overview = await client.get_overview()
    return {k: overview[k] for k in ("cluster_name", "node", "product_version", "watership_version", "object_totals")}


async def list_queues(client: Client, options: argparse.Namespace) -> Result:
    return list(await client.list_vhost_queues(options.vhost))


async def list_exchanges(client: Client, options: argparse.Namespace) -> Result:
    return list(await client.list_vhost_exchanges(options.vhost))


async def list_bindings(client: Client, options: argparse.Namespace) -> Result:
    return list(await client.list_vhost_bindings(options.vhost))


async def list_vhosts(client: Client, _: argparse.Namespace) -> Result:
    return list(await client.list_vhosts())


async def list_users(client: Client, _: argparse.Namespace) -> Result:
    return [{"user": u["name"], "tags": u["tags"]} for u in await client.list_users()]


async def list_permissions(client: Client, options: argparse.Namespace) -> Result:
    return [p for p in await client.list_permissions() if p["vhost"] == options.vhost]


async def list_connections(client: Client, _: argparse.Namespace) -> Result:
    return list(await client.list_connections())


async def add_vhost(client: Client, options: argparse.Namespace) -> Result:
    await client.put_vhost(options.name, {})
    return None


async def delete_vhost(client: Client, options: argparse.Namespace) -> Result:
    await client.delete_vhost(options.name)
    return None


async def add_user(client: Client, options: argparse.Namespace) -> Result:
    await client.put_user(options.name, {"password": options.secret, "tags": []})
    return None


async def delete_user(client: Client, options: argparse.Namespace) -> Result:
    await client.delete_user(options.name)
    return None


async def set_user_tags(client: Client, options: argparse.Namespace) -> Result:
    user = await client.get_user(options.name)
    await client.put_user(options.name, {**user, "tags": [t for t in options.tags.split(",") if t]})
    return None


async def set_permissions(client: Client, options: argparse.Namespace) -> Result:
    rights = {"configure": options.configure, "write": options.write, "read": options.read}
    await client.put_permission(options.vhost, options.name, rights)
    return None


async def purge_queue(client: Client, options: argparse.Namespace) -> Result:
    await client.purge_queue(options.vhost, options.name)
    return None


async def delete_queue(client: Client, options: argparse.Namespace) -> Result:
    await client.delete_queue(options.vhost, options.name)
    return None


async def export_definitions(client: Client, _: argparse.Namespace) -> Result:
    return dict(await client.get_definitions())


async def import_definitions(client: Client, options: argparse.Namespace) -> Result:
    with open(options.name) as file:  # noqa: ASYNC230, PTH123 - a command line reads one file, then ends
        await client.post_definitions(json.load(file))
    return None


COMMANDS: dict[str, Command] = {
    "status": Command("what runs, and how much of it", status),
    "list_queues": Command("queues of a vhost", list_queues, columns=("name", "messages")),
    "list_exchanges": Command("exchanges of a vhost", list_exchanges, columns=("name", "type")),
    "list_bindings": Command(
        "bindings of a vhost", list_bindings, columns=("source", "destination", "destination_type", "routing_key")
    ),
    "list_vhosts": Command("vhosts", list_vhosts, columns=("name",)),
    "list_users": Command("users and their tags", list_users, columns=("user", "tags")),
    "list_permissions": Command(
        "permissions in a vhost", list_permissions, columns=("user", "configure", "write", "read")
    ),
    "list_connections": Command(
        "AMQP connections", list_connections, columns=("user", "peer_host", "peer_port", "state")
    ),
    "add_vhost": Command("make a vhost", add_vhost, ("name",)),
    "delete_vhost": Command("delete a vhost and all in it", delete_vhost, ("name",)),
    "add_user": Command("make a user", add_user, ("name", "secret")),
    "delete_user": Command("delete a user", delete_user, ("name",)),
    "set_user_tags": Command("tags of a user, separated by commas", set_user_tags, ("name", "tags")),
    "set_permissions": Command("what a user may do", set_permissions, ("name", "configure", "write", "read")),
    "purge_queue": Command("drop the ready messages of a queue", purge_queue, ("name",)),
    "delete_queue": Command("delete a queue", delete_queue, ("name",)),
    "export_definitions": Command("definitions.json to standard output", export_definitions),
    "import_definitions": Command("import definitions.json", import_definitions, ("name",)),
}


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "ctl", help="ask and change a running broker", description="Talks to the management API."
    )
    parser.add_argument(
        "--url", default=os.environ.get("WATERSHIP_URL", "http://127.0.0.1:15672"), help="management API"
    )
    parser.add_argument("--username", default=os.environ.get("WATERSHIP_USERNAME", "guest"))
    parser.add_argument("--password", default=os.environ.get("WATERSHIP_PASSWORD", "guest"))
    parser.add_argument("-p", "--vhost", default="/", help="vhost (default /)")
    parser.add_argument("--formatter", choices=("table", "json"), default="table")
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        action = actions.add_parser(name, help=command.help, description=command.help)
        for argument in command.arguments:
            action.add_argument(argument)
        if command.columns:
            action.add_argument("columns", nargs="*", help=f"what to show (default {' '.join(command.columns)})")
        action.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    command = COMMANDS[options.action]
    try:
        result = asyncio.run(perform(command, options))
    except (AdminError, Unreachable) as error:
        print(f"watership: {error}", file=sys.stderr)
        return 1
    if options.formatter == "json" or isinstance(result, dict):
        print(json.dumps({} if result is None else result, indent=None if options.formatter == "json" else 2))
    elif result is not None:
        print(table(result, tuple(options.columns) or command.columns))
    return 0


async def perform(command: Command, options: argparse.Namespace) -> Result:
    async with Client(options.url, options.username, options.password) as client:
        return await command.action(client, options)


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Tab-separated, with a head: as rabbitmqctl prints."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(cell(row.get(column, "")) for column in columns) for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
