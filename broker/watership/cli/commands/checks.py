"""Health checks and what rabbitmq-diagnostics tells: each ends with 0 when all is well, with 69 when it is not."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

from .command import CTL, DATA, DIAGNOSTICS, QUEUES, UNAVAILABLE, UPGRADE, Action, Command, Failure, Result, verb
from .node import described, line, this_node

UNITS = {"bytes": 1, "mb": 1e6, "gb": 1e9}


def passed(options: argparse.Namespace, node: str, sentence: str, **fields: Any) -> Result:
    if options.formatter == "json":
        return {"result": "ok", "node": node, **fields}
    return None if options.silent else sentence


def failed(node: str, sentence: str, **fields: Any) -> Failure:
    return Failure(UNAVAILABLE, sentence, {"result": "error", "node": node, "message": sentence, **fields})


def check(sentence: str, *names: str, arguments: tuple[str, ...] = ()) -> Action:
    """The action that asks the broker's own checks; sentence: said when all of them pass."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        node = await this_node(client)
        given = [getattr(options, name) for name in arguments]
        for name in names:
            try:
                await getattr(client, name)(*given)
            except AdminError as error:
                if error.status != 503:
                    raise
                raise failed(node, f"{error.reason}") from None
        return passed(options, node, sentence.format_map({**vars(options), "node": node}))

    return act


async def check_all(client: Client, _: argparse.Namespace) -> Result:
    """Ours: the checks that matter, one a line."""
    rows = []
    for name in ("check_alarms", "check_virtual_hosts", "check_is_in_service", "check_ready"):
        try:
            await getattr(client, name)()
            rows.append({"check": name.removeprefix("check_"), "status": "ok"})
        except AdminError as error:
            if error.status != 503:
                raise
            rows.append({"check": name.removeprefix("check_"), "status": f"failed: {error.reason}"})
    return rows


async def check_alarms(client: Client, options: argparse.Namespace) -> Result:
    node = await this_node(client)
    try:
        await (client.check_local_alarms() if options.action == "check_local_alarms" else client.check_alarms())
    except AdminError as error:
        if error.status != 503:
            raise
        found: Any = error.fields.get("alarms", [])
        about = [f"{alarm['resource']} alarm on node {alarm['node']}" for alarm in found]
        raise failed(node, "\n".join(about) or error.reason, alarms=about) from None
    local = "local " if options.action == "check_local_alarms" else ""
    return passed(options, node, f"Node {node} reported no {local}alarms")


async def alarms(client: Client, options: argparse.Namespace) -> Result:
    node = await client.get_node(await this_node(client))
    names = {"mem_alarm": "Memory alarm", "disk_free_alarm": "Free disk space alarm"}
    on = [f"{text} on node {node['name']}" for field, text in names.items() if node[field]]
    if options.formatter == "json":
        return {"result": "ok", "node": node["name"], "alarms": on}
    return "\n".join(on) or f"Node {node['name']} reported no alarms, local or clusterwide"


async def check_ports(client: Client, options: argparse.Namespace) -> Result:
    """Opens a TCP connection to each listener."""
    node, found = await this_node(client), await local_listeners(client)
    shut = [listener for listener in found if not await opens(listener, options.address)]
    if shut:
        head = f"Connection to ports of the following listeners on node {node} failed: "
        raise failed(node, "\n".join([head, *map(line, shut)]), failures=shut)
    ports = ", ".join(str(port) for port in sorted(listener["port"] for listener in found))
    return passed(options, node, f"Successfully connected to ports {ports} on node {node}.", listeners=found)


async def local_listeners(client: Client) -> list[dict[str, Any]]:
    return [described(listener) for listener in (await client.get_overview())["listeners"]]


async def opens(listener: dict[str, Any], address: str | None) -> bool:
    host = listener["interface"].strip("[]")
    if host in ("::", "0.0.0.0"):  # noqa: S104 - compared, not bound
        host = "localhost"
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address or host, listener["port"]), 5)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def check_cluster_size(client: Client, options: argparse.Namespace) -> Result:
    return await check("Cluster has reached its target size", "check_cluster_size")(client, options)


async def check_certificates(client: Client, options: argparse.Namespace) -> Result:
    node = await this_node(client)
    try:
        await client.check_certificate_expiration(options.within, options.unit or "weeks")
    except AdminError as error:
        raise failed(node, error.reason) from None
    return passed(
        options, node, f"No certificate on node {node} expires within {options.within} {options.unit or 'weeks'}"
    )


def yes_or_no(sentence: str, question: Callable[[Client], Awaitable[object]]) -> Action:
    """Says whether; ends with 0 either way, but for a node that does not answer."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        try:
            await question(client)
            is_so = True
        except AdminError:
            is_so = False
        node = await this_node(client)
        words = sentence.format(node=node, whether="is" if is_so else "is not")
        return {"result": is_so, "node": node} if options.formatter == "json" else words

    return act


async def never(_: Client) -> None:
    raise AdminError(503, "failed", "")


async def memory_breakdown(client: Client, options: argparse.Namespace) -> Result:
    unit = options.unit or "gb"
    if unit not in UNITS:
        raise Failure(DATA, f"unit '{unit}' is not supported. Please use one of: bytes, mb, gb")
    parts = (await client.get_node_memory(await this_node(client)))["memory"]
    total = parts["total"]["rss"]
    octets = {name: value for name, value in parts.items() if isinstance(value, int)}
    shown = {n: {"bytes": v, "percentage": round(100 * v / total, 2)} for n, v in octets.items()}
    if options.formatter == "json":
        return shown
    ordered = sorted(shown.items(), key=lambda item: -item[1]["bytes"])
    return "\n".join(f"{n}: {v['bytes'] / UNITS[unit]:.4f} {unit} ({v['percentage']}%)" for n, v in ordered)


async def deprecated(client: Client, options: argparse.Namespace) -> Result:
    node = await this_node(client)
    if used := [feature["name"] for feature in await client.list_used_deprecated_features()]:
        raise failed(node, f"Cluster reported deprecated features in use: {', '.join(used)}")
    return passed(options, node, "Cluster reported no deprecated features in use")


async def no_mirrors(client: Client, options: argparse.Namespace) -> Result:
    return passed(options, await this_node(client), "Node reported no classic queues with mirrors")


OURS = (DIAGNOSTICS,)
COMMANDS: dict[str, Command] = {
    "ping": Command(
        "say whether the node answers",
        check("Ping succeeded", "check_metadata"),
        tools=(CTL, DIAGNOSTICS),
        banner="Will ping {node}. This only checks if the OS process is running and registered.",
    ),
    "check": Command("run the health checks", check_all, columns=("check", "status"), tools=()),
    "check_running": Command(
        "the node serves",
        check("RabbitMQ on node {node} is fully booted and running", "check_is_in_service"),
        tools=OURS,
        banner="Checking if RabbitMQ is running on node {node} ...",
    ),
    "check_if_metadata_store_is_initialized": Command(
        "metadata is loaded",
        check("Metadata store on node {node} has completed its initialization", "check_metadata"),
        tools=OURS,
    ),
    "check_if_metadata_store_is_initialized_with_data": Command(
        "metadata is loaded and not empty",
        check("Metadata store on node {node} has completed its initialization and has data", "check_metadata_data"),
        tools=OURS,
    ),
    "check_alarms": Command(
        "no alarm is in effect", check_alarms, tools=OURS, banner="Asking node {node} to report any resource alarms ..."
    ),
    "check_local_alarms": Command(
        "none on this node",
        check_alarms,
        tools=OURS,
        banner="Asking node {node} to report any local resource alarms ...",
    ),
    "alarms": Command(
        "alarms in effect", alarms, tools=OURS, banner="Asking node {node} to report any known resource alarms ..."
    ),
    "check_port_connectivity": Command(
        "every listener accepts connections",
        check_ports,
        options=("address",),
        tools=OURS,
        banner="Testing TCP connections to all active listeners on node {node} ...",
    ),
    "check_port_listener": Command(
        "something listens on a port",
        check("A listener for port {port} is running", "check_port_listener", arguments=("port",)),
        ("port",),
        tools=OURS,
        banner="Asking node {node} if there's an active listener on port {port} ...",
    ),
    "check_protocol_listener": Command(
        "a protocol is served",
        check("A listener for protocol {protocol} is running", "check_protocol_listener", arguments=("protocol",)),
        ("protocol",),
        tools=OURS,
        banner="Asking node {node} if there's an active listener for protocol {protocol} ...",
    ),
    "check_virtual_hosts": Command(
        "every vhost runs",
        check("Node {node} reported all vhosts as running", "check_virtual_hosts"),
        tools=OURS,
        banner="Checking if all vhosts are running on node {node} ...",
    ),
    "check_certificate_expiration": Command(
        "no certificate in use ends soon", check_certificates, options=("within", "unit"), tools=OURS
    ),
    "check_for_quorum_queues_without_an_elected_leader": Command(
        "every quorum queue has a leader",
        check("Node {node} reported all quorum queue as having responsive leader replicas", "check_leaders"),
        ("pattern?",),
        options=("across_all_vhosts",),
        tools=OURS,
    ),
    "check_if_any_deprecated_features_are_used": Command("no deprecated feature is in use", deprecated, tools=OURS),
    "check_if_cluster_has_classic_queue_mirroring_policy": Command("there are no mirrors here", no_mirrors, tools=OURS),
    "check_if_node_is_quorum_critical": Command(
        "no queue loses its majority when this node stops",
        check("Node {node} is not critical: no queues would lose quorum", "check_quorum_critical"),
        tools=(QUEUES, DIAGNOSTICS),
    ),
    "check_if_node_is_mirror_sync_critical": Command("there are no mirrors here", no_mirrors, tools=(QUEUES,)),
    "check_if_new_quorum_queue_replicas_have_finished_initial_sync": Command(
        "no replica is behind",
        check("Node {node} reported no quorum queue replicas that have not finished their sync", "check_leaders"),
        tools=(QUEUES,),
    ),
    "has_reached_target_cluster_size": Command("all nodes are there", check_cluster_size, tools=(UPGRADE, DIAGNOSTICS)),
    "node_health_check": Command(
        "an older name", check("Health check passed", "check_is_in_service"), tools=(CTL, DIAGNOSTICS)
    ),
    "is_running": Command(
        "say whether it runs",
        yes_or_no("RabbitMQ on node {node} {whether} running", lambda c: c.check_metadata()),
        tools=OURS,
    ),
    "is_booting": Command(
        "say whether it starts", yes_or_no("RabbitMQ on node {node} {whether} booting", never), tools=OURS
    ),
    "memory_breakdown": Command(
        "what memory is used for",
        memory_breakdown,
        options=("unit",),
        tools=OURS,
        banner="Reporting memory breakdown on node {node}...",
    ),
    "list_node_auth_attempt_stats": Command(
        "logins by protocol",
        verb("list_attempts", "node"),
        columns=("protocol", "auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded"),
        tools=OURS,
    ),
}
