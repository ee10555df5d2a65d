"""What is declared and who is connected: queues, exchanges, bindings, consumers, connections, channels."""

from __future__ import annotations

import argparse
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

from .command import CTL, DIAGNOSTICS, QUEUES, SOFTWARE, USAGE, Action, Command, Failure, Result, verb
from .vhosts import existing

CLOSED = "connection closed by an operator"
KINDS = {"q": "queue", "e": "exchange"}


def of_vhost(name: str, *, extra: Any = None) -> Action:
    """A listing of one vhost. extra: gives a row's further columns, by the names that rabbitmqctl has for them."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        try:
            rows = await getattr(client, name)(options.vhost)
        except AdminError as error:
            if error.status == 404:
                await existing(client, options.vhost)
            raise
        return [{**row, **(extra(row) if extra else {})} for row in rows]

    return act


def queue_columns(row: dict[str, Any]) -> dict[str, Any]:
    owner = row.get("owner_pid_details") or {}
    return {"pid": row["node"], "owner_pid": owner.get("name", ""), "slave_pids": "", "leader": row["node"]}


async def list_queues(client: Client, options: argparse.Namespace) -> Result:
    return [] if options.offline else await of_vhost("list_vhost_queues", extra=queue_columns)(client, options)


def binding_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "source_name": row["source"],
        "source_kind": "exchange",
        "destination_name": row["destination"],
        "destination_kind": row["destination_type"],
    }


def consumer_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {"queue_name": row["queue"]["name"], "channel_pid": row["channel_details"].get("name", "")}


async def list_connections(client: Client, _: argparse.Namespace) -> Result:
    return [{**row, "pid": row["name"]} for row in await client.list_connections()]


async def list_channels(client: Client, _: argparse.Namespace) -> Result:
    rows = await client.list_channels()
    return [{**row, "pid": row["name"], "connection": row["name"].rpartition(" (")[0]} for row in rows]


async def list_user_connections(client: Client, options: argparse.Namespace) -> Result:
    return [row for row in await client.list_connections() if row["user"] == options.user]


async def on_queue(client: Client, options: argparse.Namespace, name: str, **how: bool) -> None:
    try:
        await getattr(client, name)(options.vhost, options.queue, **how)
    except AdminError as error:
        if error.status != 404:
            raise
        await existing(client, options.vhost)
        raise Failure(USAGE, "Queue not found") from None


async def delete_queue(client: Client, options: argparse.Namespace) -> Result:
    how = {name: True for name in ("if_empty", "if_unused") if getattr(options, name)}
    await on_queue(client, options, "delete_queue", **how)
    return None


async def purge_queue(client: Client, options: argparse.Namespace) -> Result:
    await on_queue(client, options, "purge_queue")
    return None


async def close_connection(client: Client, options: argparse.Namespace) -> Result:
    """RabbitMQ's tool names a connection by its process; ours by its name, as listings show it."""
    try:
        await client.delete_connection(options.connection, reason=options.explanation or CLOSED)
    except AdminError as error:
        if error.status == 404:
            raise Failure(SOFTWARE, f"there is no connection '{options.connection}'") from None
        raise
    return None


async def close_all_connections(client: Client, options: argparse.Namespace) -> Result:
    rows = await client.list_connections()
    chosen = [r for r in rows if not options.vhost_given or r["vhost"] == options.vhost]
    for row in chosen[: options.limit or None]:
        await client.delete_connection(row["name"], reason=options.explanation or CLOSED)
    return None


async def close_all_user_connections(client: Client, options: argparse.Namespace) -> Result:
    for row in await client.list_user_connections(options.user):
        await client.delete_connection(row["name"], reason=options.explanation or CLOSED)
    return None


async def no_unresponsive(_: Client, __: argparse.Namespace) -> Result:
    """A queue here is no process that could fail to answer."""
    return []


BOTH = (CTL, DIAGNOSTICS)
COMMANDS: dict[str, Command] = {
    "list_queues": Command(
        "list queues",
        list_queues,
        columns=("name", "messages"),
        options=("online", "offline", "local"),
        tools=(CTL, DIAGNOSTICS, QUEUES),
        banner="Listing queues for vhost {vhost} ...",
    ),
    "list_exchanges": Command(
        "list exchanges",
        of_vhost("list_vhost_exchanges"),
        columns=("name", "type"),
        tools=BOTH,
        banner="Listing exchanges for vhost {vhost} ...",
    ),
    "list_bindings": Command(
        "list bindings",
        of_vhost("list_vhost_bindings", extra=binding_columns),
        columns=(
            *("source_name", "source_kind", "destination_name", "destination_kind"),
            *("routing_key", "arguments"),
        ),
        tools=BOTH,
        banner="Listing bindings for vhost {vhost}...",
    ),
    "list_consumers": Command(
        "list consumers",
        of_vhost("list_vhost_consumers", extra=consumer_columns),
        columns=(
            *("queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count"),
            *("active", "activity_status", "arguments"),
        ),
        tools=BOTH,
        banner="Listing consumers in vhost {vhost} ...",
    ),
    "list_connections": Command(
        "list AMQP connections",
        list_connections,
        columns=("user", "peer_host", "peer_port", "state"),
        tools=BOTH,
        banner="Listing connections ...",
    ),
    "list_user_connections": Command(
        "list a user's AMQP connections",
        list_user_connections,
        ("user",),
        columns=("pid", "user", "peer_host", "peer_port", "state"),
        banner="Listing connections of user {user} ...",
    ),
    "list_channels": Command(
        "list channels",
        list_channels,
        columns=("pid", "user", "consumer_count", "messages_unacknowledged"),
        tools=BOTH,
        banner="Listing channels ...",
    ),
    "list_unresponsive_queues": Command(
        "list queues that do not answer", no_unresponsive, columns=("name",), tools=BOTH
    ),
    "purge_queue": Command(
        "drop a queue's ready messages",
        purge_queue,
        ("queue",),
        banner="Purging queue '{queue}' in vhost '{vhost}' ...",
    ),
    "delete_queue": Command(
        "delete a queue",
        delete_queue,
        ("queue",),
        options=("if_empty", "if_unused"),
        banner="Deleting queue '{queue}' on vhost '{vhost}' ...",
    ),
    "close_connection": Command(
        "close an AMQP connection",
        close_connection,
        ("connection", "explanation?"),
        banner="Closing connection {connection}, reason: {explanation}...",
    ),
    "close_all_connections": Command(
        "close all AMQP connections, or those of a vhost",
        close_all_connections,
        ("explanation?",),
        options=("limit", "global", "per_connection_delay"),
    ),
    "close_all_user_connections": Command(
        "close all AMQP connections of a user",
        close_all_user_connections,
        ("user", "explanation?"),
    ),
    "list_user_queues": Command(
        "list exclusive queues of a user's connections",
        verb("list_user_queues", "user"),
        ("user",),
        columns=("vhost", "name"),
    ),
}
