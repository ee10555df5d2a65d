"""What `watership ctl` can do: rabbitmqctl's command names over the verbs of the admin protocol.

An action gets the client and the parsed options and gives rows (a listing), an object, or nothing.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

Result = list[dict[str, Any]] | dict[str, Any] | None
Action = Callable[[Client, argparse.Namespace], Awaitable[Result]]


@dataclass(frozen=True)
class Command:
    """arguments: positional ones; one with ? may be left out. columns: what a listing shows unless told otherwise."""

    help: str
    action: Action
    arguments: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def verb(name: str, *arguments: str) -> Action:
    """The action that is one verb, with these options as its parameters."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        result: Result = await getattr(client, name)(*(getattr(options, a) for a in arguments))
        return result if isinstance(result, (list, dict)) else None

    return act


SHOWN_IN_STATUS = ("product_name", "product_version", "watership_version", "cluster_name", "node")


async def status(client: Client, _: argparse.Namespace) -> Result:
    overview = await client.get_overview()
    shown = {name: overview[name] for name in SHOWN_IN_STATUS if name in overview}
    addresses = [f"{x['protocol']} on {x['ip_address'] or '*'}:{x['port']}" for x in overview["listeners"]]
    return {**shown, "listeners": addresses, **overview["object_totals"], **overview["queue_totals"]}


async def ping(client: Client, _: argparse.Namespace) -> Result:
    await client.check_ready()
    return {"status": "ok"}


async def check(client: Client, _: argparse.Namespace) -> Result:
    checks = ("check_alarms", "check_virtual_hosts", "check_is_in_service", "check_ready")
    rows = []
    for name in checks:
        try:
            await getattr(client, name)()
            rows.append({"check": name.removeprefix("check_"), "status": "ok"})
        except AdminError as error:
            if error.status != 503:
                raise
            rows.append({"check": name.removeprefix("check_"), "status": f"failed: {error.reason}"})
    return rows


async def list_users(client: Client, _: argparse.Namespace) -> Result:
    return [{"user": u["name"], "tags": u["tags"]} for u in await client.list_users()]


async def list_consumers(client: Client, options: argparse.Namespace) -> Result:
    rows = await client.list_vhost_consumers(options.vhost)
    return [{**row, "queue_name": row["queue"]["name"]} for row in rows]


async def add_vhost(client: Client, options: argparse.Namespace) -> Result:
    await client.put_vhost(options.name, {})
    return None


async def add_user(client: Client, options: argparse.Namespace) -> Result:
    """rabbitmqctl refuses to add a user that is there; the verb would change it."""
    names = {user["name"] for user in await client.list_users()}
    if options.user in names:
        raise AdminError(409, "conflict", f"user '{options.user}' already exists")
    await client.put_user(options.user, {"password": secret(options), "tags": ""})
    return None


async def change_password(client: Client, options: argparse.Namespace) -> Result:
    user = await client.get_user(options.user)
    await client.put_user(options.user, {"password": secret(options), "tags": user["tags"]})
    return None


async def set_user_tags(client: Client, options: argparse.Namespace) -> Result:
    await client.get_user(options.user)
    await client.put_user(options.user, {"tags": options.tags or ""})
    return None


async def authenticate_user(client: Client, options: argparse.Namespace) -> Result:
    async with Client(client.url, options.user, secret(options), ca=authority(options)) as other:
        try:
            await other.whoami()
        except AdminError as error:
            # A wrong tag is "not_authorised", with an s: the password was right.
            if error.error == "not_authorized":
                raise AdminError(401, error.error, f"user '{options.user}' cannot log in with this password") from None
    return None


async def set_permissions(client: Client, options: argparse.Namespace) -> Result:
    rights = {"configure": options.configure, "write": options.write, "read": options.read}
    await client.put_permission(options.vhost, options.user, rights)
    return None


async def close_connection(client: Client, options: argparse.Namespace) -> Result:
    await client.delete_connection(options.connection)
    return None


async def set_cluster_name(client: Client, options: argparse.Namespace) -> Result:
    await client.put_cluster_name({"name": options.name})
    return None


async def export_definitions(client: Client, options: argparse.Namespace) -> Result:
    definitions: dict[str, Any] = await client.get_definitions()
    return written(definitions, options.file or "-")


async def import_definitions(client: Client, options: argparse.Namespace) -> Result:
    await client.post_definitions(read(options.file or "-"))
    return None


def written(definitions: dict[str, Any], file: str) -> Result:
    """Writes them to the file; gives them back when there is none."""
    if file == "-":
        return definitions
    Path(file).write_text(json.dumps(definitions, indent=2) + "\n")
    return None


def read(file: str) -> Any:
    return json.loads(sys.stdin.read() if file == "-" else Path(file).read_text())


def secret(options: argparse.Namespace) -> str:
    """The password argument; without one a line of standard input, so that it stands in no list of processes."""
    given: str | None = options.secret
    if given is not None:
        return given
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")


def authority(options: argparse.Namespace) -> bytes | None:
    """The PEM file that --ca names."""
    return Path(options.ca).read_bytes() if options.ca else None


COMMANDS: dict[str, Command] = {
    "status": Command("what runs, and how much of it", status),
    "ping": Command("say whether the broker serves clients", ping),
    "check": Command("run the health checks", check, columns=("check", "status")),
    "list_queues": Command("list queues", verb("list_vhost_queues", "vhost"), columns=("name", "messages")),
    "list_exchanges": Command("list exchanges", verb("list_vhost_exchanges", "vhost"), columns=("name", "type")),
    "list_bindings": Command(
        "list bindings",
        verb("list_vhost_bindings", "vhost"),
        columns=("source", "destination", "destination_type", "routing_key"),
    ),
    "list_consumers": Command("list consumers", list_consumers, columns=("queue_name", "consumer_tag", "ack_required")),
    "list_connections": Command(
        "list AMQP connections", verb("list_connections"), columns=("user", "peer_host", "peer_port", "state")
    ),
    "list_channels": Command(
        "list channels", verb("list_channels"), columns=("name", "user", "consumer_count", "messages_unacknowledged")
    ),
    "list_vhosts": Command("list vhosts", verb("list_vhosts"), columns=("name",)),
    "list_users": Command("list users and their tags", list_users, columns=("user", "tags")),
    "list_permissions": Command(
        "list permissions in a vhost",
        verb("list_vhost_permissions", "vhost"),
        columns=("user", "configure", "write", "read"),
    ),
    "list_user_permissions": Command(
        "list what a user may do where",
        verb("list_user_permissions", "user"),
        ("user",),
        columns=("vhost", "configure", "write", "read"),
    ),
    "add_vhost": Command("make a vhost", add_vhost, ("name",)),
    "delete_vhost": Command("delete a vhost and all in it", verb("delete_vhost", "name"), ("name",)),
    "add_user": Command("make a user", add_user, ("user", "secret?")),
    "delete_user": Command("delete a user and close its connections", verb("delete_user", "user"), ("user",)),
    "change_password": Command("give a user another password", change_password, ("user", "secret?")),
    "authenticate_user": Command("try a password", authenticate_user, ("user", "secret?")),
    "set_user_tags": Command("set a user's tags, separated by commas", set_user_tags, ("user", "tags?")),
    "set_permissions": Command(
        "set what a user may do in a vhost", set_permissions, ("user", "configure", "write", "read")
    ),
    "clear_permissions": Command("let a user out of a vhost", verb("delete_permission", "vhost", "user"), ("user",)),
    "purge_queue": Command("drop a queue's ready messages", verb("purge_queue", "vhost", "queue"), ("queue",)),
    "delete_queue": Command("delete a queue", verb("delete_queue", "vhost", "queue"), ("queue",)),
    "close_connection": Command("close an AMQP connection", close_connection, ("connection",)),
    "set_cluster_name": Command("rename the cluster", set_cluster_name, ("name",)),
    "export_definitions": Command("write definitions.json", export_definitions, ("file?",)),
    "import_definitions": Command("import definitions.json", import_definitions, ("file?",)),
}
