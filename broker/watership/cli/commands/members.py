"""rabbitmq-queues: members of quorum queues, of which there is one each while nodes do not join."""

from __future__ import annotations

import argparse
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

from .command import QUEUES, SOFTWARE, UNAVAILABLE, UPGRADE, Command, Failure, Result
from .node import this_node


async def rebalance(client: Client, _: argparse.Namespace) -> Result:
    await client.rebalance_queues({})
    return None


async def quorum_status(client: Client, options: argparse.Namespace) -> Result:
    try:
        rows: list[dict[str, Any]] = await client.get_quorum_status(options.vhost, options.queue)
    except AdminError as error:
        if error.status not in (404, 503):
            raise
        raise Failure(UNAVAILABLE, f"queue '{options.queue}' in vhost '{options.vhost}': {error.reason}") from None
    return rows


async def add_member(client: Client, options: argparse.Namespace) -> Result:
    await client.add_quorum_replica(options.vhost, options.queue, {"node": options.member})
    return None


async def delete_member(client: Client, options: argparse.Namespace) -> Result:
    await client.delete_quorum_replica(options.vhost, options.queue, {"node": options.member})
    return None


async def grow(client: Client, options: argparse.Namespace) -> Result:
    which = {"vhost_pattern": options.vhost_pattern or ".*", "queue_pattern": options.queue_pattern or ".*"}
    await client.grow_quorum_queues(options.member, {**which, "strategy": options.strategy})
    return []


async def shrink(client: Client, options: argparse.Namespace) -> Result:
    await client.shrink_quorum_queues(options.member)
    return []


async def peek(client: Client, options: argparse.Namespace) -> Result:
    """The message at a position, counted from 1; all stay where they are."""
    count = int(options.position)
    body = {"count": count, "ackmode": "ack_requeue_true", "encoding": "auto"}
    messages = await client.get_messages(options.vhost, options.queue, body)
    if len(messages) < count:
        raise Failure(UNAVAILABLE, f"no message at position {count}")
    return dict(messages[count - 1])


async def stays(client: Client, _: argparse.Namespace) -> Result:
    """What moves or compacts something between members: there is nothing to move."""
    await this_node(client)
    return None


def refused(sentence: str) -> Any:
    async def act(_: Client, __: argparse.Namespace) -> Result:
        raise Failure(SOFTWARE, sentence)

    return act


HERE = (QUEUES,)
RESULT = ("vhost", "name", "size", "result")
SELECTION = ("vhost_pattern", "queue_pattern", "errors_only")
COMMANDS: dict[str, Command] = {
    "rebalance": Command("spread leaders over nodes", rebalance, ("kind",), options=SELECTION[:2], tools=HERE),
    "quorum_status": Command(
        "members of a quorum queue and their state",
        quorum_status,
        ("queue",),
        columns=("Node Name", "Raft State", "Membership", "Last Log Index", "Commit Index", "Snapshot Index", "Term"),
        tools=HERE,
        banner="Status of quorum queue {queue} on node {node} ...",
    ),
    "add_member": Command("add a member to a queue", add_member, ("queue", "member"), tools=HERE),
    "delete_member": Command("take a member from a queue", delete_member, ("queue", "member"), tools=HERE),
    "grow": Command(
        "add a member on a node to queues", grow, ("member", "strategy"), columns=RESULT, options=SELECTION, tools=HERE
    ),
    "grow_to_count": Command(
        "add members until there are so many",
        refused("a node is a cluster of its own in this version: a queue has one member"),
        ("count", "strategy?"),
        tools=HERE,
        offline=True,
    ),
    "shrink": Command(
        "take the members on a node away", shrink, ("member",), columns=RESULT, options=("errors_only",), tools=HERE
    ),
    "transfer_leadership": Command("move leaders: there is one node", stays, ("member?",), tools=HERE),
    "force_checkpoint": Command("nothing: the log is truncated by itself", stays, options=SELECTION, tools=HERE),
    "reclaim_quorum_memory": Command(
        "nothing: memory is given back by itself", stays, ("queue",), tools=(QUEUES, UPGRADE)
    ),
    "peek": Command("show a message and leave it", peek, ("queue", "position"), tools=HERE),
}
