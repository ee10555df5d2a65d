"""The node and the cluster: what runs, its configuration, its maintenance, its end."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import time
from typing import Any

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client

from .command import (
    CTL,
    DATA,
    DIAGNOSTICS,
    INTERVAL,
    SOFTWARE,
    TEMPORARY,
    UNAVAILABLE,
    UPGRADE,
    USAGE,
    Action,
    Command,
    Failure,
    Result,
    verb,
)

PURPOSES = {
    "amqp": "AMQP 0-9-1",
    "amqp/ssl": "AMQP 0-9-1 over TLS",
    "http": "HTTP API",
    "https": "HTTP API over TLS (HTTPS)",
    "http/prometheus": "Prometheus exporter API over HTTP",
    "https/prometheus": "Prometheus exporter API over TLS (HTTPS)",
}


def described(listener: dict[str, Any]) -> dict[str, Any]:
    """As rabbitmq-diagnostics names the parts of a listener."""
    host = listener["ip_address"] or "::"
    protocol = listener["protocol"]
    return {
        "node": listener["node"],
        "interface": f"[{host}]" if ":" in host else host,
        "port": listener["port"],
        "protocol": protocol,
        "purpose": PURPOSES.get(protocol, protocol),
    }


def line(listener: dict[str, Any]) -> str:
    return "Interface: {interface}, port: {port}, protocol: {protocol}, purpose: {purpose}".format_map(listener)


async def listeners(client: Client, options: argparse.Namespace) -> Result:
    overview = await client.get_overview()
    found = [described(x) for x in overview["listeners"]]
    if options.formatter == "json":
        return {"result": "ok", "node": overview["node"], "listeners": found}
    return "\n".join(map(line, found))


async def status(client: Client, options: argparse.Namespace) -> Result:
    overview = await client.get_overview()
    node = await client.get_node(overview["node"])
    alarms = [kind for kind in ("mem", "disk") if node[f"{kind}_{'free_' if kind == 'disk' else ''}alarm"]]
    shown = {
        "rabbitmq_version": overview["rabbitmq_version"],
        "product_name": overview["product_name"],
        "product_version": overview["product_version"],
        "watership_version": overview.get("watership_version", ""),
        "erlang_version": overview["erlang_full_version"],
        "cluster_name": overview["cluster_name"],
        "node": overview["node"],
        "pid": int(node["os_pid"]),
        "uptime": node["uptime"] // 1000,
        "is_under_maintenance": node["being_drained"],
        "alarms": alarms,
        "data_directory": node["db_dir"],
        "config_files": node["config_files"],
        "log_files": node["log_files"],
        "active_plugins": node["enabled_plugins"],
        "memory": {"total": {"rss": node["mem_used"]}, "strategy": "rss"},
        "vm_memory_limit": node["mem_limit"],
        "disk_free": node["disk_free"],
        "disk_free_limit": node["disk_free_limit"],
        "file_descriptors": {"total_used": node["fd_used"], "total_limit": node["fd_total"]},
        "totals": {
            "connection_count": overview["object_totals"]["connections"],
            "queue_count": overview["object_totals"]["queues"],
            "virtual_host_count": len(await client.list_vhosts()),
        },
        "listeners": [described(x) for x in overview["listeners"]],
    }
    return shown if options.formatter == "json" else page(shown)


def page(shown: dict[str, Any]) -> str:
    """The sections that rabbitmqctl status prints."""
    sections = {
        "Runtime": [
            f"OS PID: {shown['pid']}",
            f"Uptime (seconds): {shown['uptime']}",
            f"Is under maintenance?: {str(shown['is_under_maintenance']).lower()}",
            f"RabbitMQ version: {shown['rabbitmq_version']}",
            f"Watership version: {shown['watership_version']}",
            f"Node name: {shown['node']}",
            f"Cluster name: {shown['cluster_name']}",
        ],
        "Plugins": [f"Enabled plugins: {', '.join(shown['active_plugins'])}"],
        "Data directory": [f"Node data directory: {shown['data_directory']}"],
        "Config files": [f" * {path}" for path in shown["config_files"]],
        "Log file(s)": [f" * {path}" for path in shown["log_files"] or ["<stderr>"]],
        "Alarms": [", ".join(shown["alarms"]) or "(none)"],
        "Memory": [
            f"Total memory used: {shown['memory']['total']['rss'] / 1e9:.4f} gb",
            f"Calculation strategy: {shown['memory']['strategy']}",
            f"Memory high watermark setting, computed to: {shown['vm_memory_limit'] / 1e9:.4f} gb",
        ],
        "File Descriptors": ["Total: {total_used}, limit: {total_limit}".format_map(shown["file_descriptors"])],
        "Free Disk Space": [
            f"Low free disk space watermark: {shown['disk_free_limit'] / 1e9:.4f} gb",
            f"Free disk space: {shown['disk_free'] / 1e9:.4f} gb",
        ],
        "Totals": [
            f"{name.replace('_', ' ').capitalize()}: {value}" for name, value in sorted(shown["totals"].items())
        ],
        "Listeners": [line(listener) for listener in shown["listeners"]],
    }
    return "\n\n".join("\n".join([title, "", *lines]) for title, lines in sections.items())


async def cluster_status(client: Client, options: argparse.Namespace) -> Result:
    overview, nodes = await client.get_overview(), await client.list_nodes()
    names = [node["name"] for node in nodes]
    shown = {
        "cluster_name": overview["cluster_name"],
        "disk_nodes": names,
        "ram_nodes": [],
        "running_nodes": [node["name"] for node in nodes if node["running"]],
        "versions": {name: {"rabbitmq_version": overview["rabbitmq_version"]} for name in names},
        "maintenance_status": {n["name"]: "draining" if n["being_drained"] else "not under" for n in nodes},
        "alarms": [n["name"] for n in nodes if n["mem_alarm"] or n["disk_free_alarm"]],
        "partitions": {},
        "listeners": {n: [described(x) for x in overview["listeners"] if x["node"] == n] for n in names},
        "feature_flags": [{"name": f["name"], "state": f["state"]} for f in await client.list_feature_flags()],
    }
    if options.formatter == "json":
        return shown
    parts = {
        "Basics": [f"Cluster name: {shown['cluster_name']}"],
        "Disk Nodes": names,
        "Running Nodes": shown["running_nodes"],
        "Maintenance status": [f"Node: {n}, status: {s} maintenance" for n, s in shown["maintenance_status"].items()],
        "Alarms": shown["alarms"] or ["(none)"],
        "Network Partitions": ["(none)"],
        "Listeners": [f"Node: {n}, {line(x)[0].lower()}{line(x)[1:]}" for n in names for x in shown["listeners"][n]],
    }
    return "\n\n".join("\n".join([title, "", *lines]) for title, lines in parts.items())


async def this_node(client: Client) -> str:
    return str((await client.get_overview())["node"])


def on_node(name: str) -> Action:
    """The action that is one verb about the node that answers."""

    async def act(client: Client, _: argparse.Namespace) -> Result:
        await getattr(client, name)(await this_node(client))
        return None

    return act


async def until(question: Any, options: argparse.Namespace, *, what: str) -> None:
    """Asks again and again until it is answered. Raises Failure after --timeout seconds (default 300)."""
    deadline = time.monotonic() + (options.timeout or 300)
    while True:
        try:
            await question()
        except (AdminError, Unreachable) as error:
            if time.monotonic() >= deadline:
                raise Failure(TEMPORARY, f"{what}: {error}") from None
            await asyncio.sleep(INTERVAL)
        else:
            return


async def await_startup(client: Client, options: argparse.Namespace) -> Result:
    await until(client.check_metadata, options, what="the node has not started")
    return None


async def await_online_quorum(client: Client, options: argparse.Namespace) -> Result:
    await until(client.check_quorum_critical, options, what="queues would lose their majority without this node")
    return None


async def await_online_nodes(client: Client, options: argparse.Namespace) -> Result:
    async def enough() -> None:
        running = sum(node["running"] for node in await client.list_nodes())
        if running < int(options.count):
            raise AdminError(503, "failed", f"{running} of {options.count} nodes are online")

    await until(enough, options, what="nodes are missing")
    return None


async def stop(client: Client, _: argparse.Namespace) -> Result:
    """SIGTERM, as a supervisor would; returns when the process is gone."""
    if client.socket is None:
        raise Failure(UNAVAILABLE, "a node can be stopped from its own machine only")
    pid = int((await client.get_node(await this_node(client)))["os_pid"])
    os.kill(pid, signal.SIGTERM)
    while alive(pid):
        await asyncio.sleep(INTERVAL)
    return None


def alive(pid: int) -> bool:
    """A process that ended and that nobody waited for yet is not alive."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - not a file of ours
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def set_memory(client: Client, options: argparse.Namespace) -> Result:
    """FRACTION, or `absolute SIZE`."""
    kind, value = ("absolute", options.rest[1]) if options.rest[:1] == ["absolute"] else ("relative", options.rest[0])
    await client.put_config(f"vm_memory_high_watermark.{kind}", {"value": value})
    return None


async def set_disk(client: Client, options: argparse.Namespace) -> Result:
    """SIZE, or `mem_relative FRACTION`."""
    relative = options.rest[:1] == ["mem_relative"]
    kind, value = ("relative", options.rest[1]) if relative else ("absolute", options.rest[0])
    await client.put_config(f"disk_free_limit.{kind}", {"value": value})
    return None


async def set_log_level(client: Client, options: argparse.Namespace) -> Result:
    await client.put_config("log.console.level", {"value": options.level})
    return None


async def set_cluster_name(client: Client, options: argparse.Namespace) -> Result:
    await client.put_cluster_name({"name": options.name})
    return None


async def enable_feature_flag(client: Client, options: argparse.Namespace) -> Result:
    await client.enable_feature_flag(options.flag, {})
    return None


async def report(client: Client, options: argparse.Namespace) -> Result:
    parts = [await status(client, options), await cluster_status(client, options), await client.get_effective_config()]
    return "\n\n".join(str(part) for part in parts)


async def log_location(client: Client, _: argparse.Namespace) -> Result:
    return "\n".join((await client.get_node(await this_node(client)))["log_files"])


async def erlang_version(client: Client, _: argparse.Namespace) -> Result:
    overview = await client.get_overview()
    return str(overview["erlang_version"])


async def ciphers(_: Client, __: argparse.Namespace) -> Result:
    return "\n".join(cipher["name"] for cipher in ssl.create_default_context().get_ciphers())


async def tls_versions(_: Client, __: argparse.Namespace) -> Result:
    return "tlsv1.3\ntlsv1.2"


async def version(client: Client, _: argparse.Namespace) -> Result:
    return str(await client.get_version())


def impossible(sentence: str, status: int = SOFTWARE) -> Action:
    async def act(_: Client, __: argparse.Namespace) -> Result:
        raise Failure(status, sentence)

    return act


NO_CLUSTER = "a Watership node is a cluster of its own in this version: nodes do not join one another yet"
NO_ERLANG = "there is no Erlang here that could evaluate anything; the management API and this tool show the state"
NO_SECRETS = (
    "values of rabbitmq.conf are not encrypted here: write $(NAME) and give the value in the environment, "
    "or mount the file from a Secret"
)
NO_RESET = (
    "a running broker does not forget what it keeps; stop it and move its data directory away, "
    "or delete its vhosts and users"
)
BOTH = (CTL, DIAGNOSTICS)
COMMANDS: dict[str, Command] = {
    "status": Command("what runs, and how much of it", status, tools=BOTH, banner="Status of node {node} ..."),
    "cluster_status": Command(
        "the nodes of the cluster", cluster_status, tools=BOTH, banner="Cluster status of node {node} ..."
    ),
    "listeners": Command(
        "what listens where",
        listeners,
        tools=(DIAGNOSTICS,),
        banner="Asking node {node} to report its protocol listeners ...",
    ),
    "server_version": Command("the version that clients see", version, tools=(DIAGNOSTICS,)),
    "erlang_version": Command(
        "the version of Erlang that clients are told; there is none", erlang_version, tools=(DIAGNOSTICS,)
    ),
    "log_location": Command("the files that are logged to", log_location, tools=(DIAGNOSTICS,)),
    "certificates": Command(
        "the certificates that are served",
        verb("list_certificates"),
        columns=("protocol", "port", "fingerprint", "not_after"),
        tools=(DIAGNOSTICS,),
    ),
    "environment": Command(
        "rabbitmq.conf as it is in effect",
        verb("get_effective_config"),
        tools=BOTH,
        banner="Application environment of node {node} ...",
    ),
    "report": Command("status, cluster and configuration at once, without secrets", report, tools=BOTH),
    "list_ciphers": Command("TLS ciphers that there are", ciphers, tools=BOTH, offline=True),
    "cipher_suites": Command("TLS ciphers that there are", ciphers, tools=(DIAGNOSTICS,), offline=True),
    "tls_versions": Command("TLS versions that there are", tls_versions, tools=(DIAGNOSTICS,), offline=True),
    "list_feature_flags": Command(
        "list feature flags", verb("list_feature_flags"), columns=("name", "state"), banner="Listing feature flags ..."
    ),
    "enable_feature_flag": Command(
        "enable a feature flag, or all",
        enable_feature_flag,
        ("flag",),
        options=("experimental",),
        banner="Enabling feature flag {flag} ...",
    ),
    "list_deprecated_features": Command(
        "list deprecated features",
        verb("list_deprecated_features"),
        columns=("name", "deprecation_phase", "state"),
        tools=BOTH,
        options=("used",),
    ),
    "await_startup": Command("wait until the node serves", await_startup, waits=True),
    "wait": Command(
        "wait until the node serves",
        await_startup,
        ("file?",),
        options=("pid",),
        waits=True,
        banner="Waiting for node {node} ...",
    ),
    "await_online_nodes": Command("wait for so many nodes", await_online_nodes, ("count",)),
    "await_online_quorum_plus_one": Command(
        "wait until no queue loses its majority when this node stops",
        await_online_quorum,
        tools=(UPGRADE,),
        banner="Will wait for a quorum + 1 of nodes to be online for all quorum queues and streams ...",
    ),
    "await_online_synchronized_mirror": Command(
        "wait for mirrors of classic queues: there are none", await_online_quorum, tools=(UPGRADE,)
    ),
    "drain": Command(
        "put the node into maintenance: no listeners, no clients",
        on_node("drain_node"),
        tools=(UPGRADE,),
        banner="Will put node {node} into maintenance mode. The node will no longer serve any client traffic!",
        done="Done",
    ),
    "revive": Command(
        "end maintenance",
        on_node("revive_node"),
        tools=(UPGRADE,),
        banner="Will put node {node} back into regular operating mode. "
        "The node will again serve client traffic and accept leader replica placement.",
        done="Done",
    ),
    "post_upgrade": Command(
        "what is due after an upgrade: leaders are placed, and here that is nothing",
        verb("rebalance_queues", "nothing"),
        tools=(UPGRADE,),
        banner="Executing post upgrade tasks ...",
        done="Done",
    ),
    "suspend_listeners": Command(
        "accept no new AMQP clients",
        on_node("suspend_listeners"),
        banner="Will suspend client connection listeners ...",
    ),
    "resume_listeners": Command(
        "accept AMQP clients again", on_node("resume_listeners"), banner="Will resume client connection listeners ..."
    ),
    "stop_app": Command(
        "close listeners and clients; the process stays",
        on_node("drain_node"),
        banner="Stopping rabbit application on node {node} ...",
    ),
    "start_app": Command("undo stop_app", on_node("revive_node"), banner="Starting node {node} ..."),
    "stop": Command(
        "end the broker's process",
        stop,
        ("file?",),
        options=("idempotent",),
        banner="Stopping and halting node {node} ...",
    ),
    "shutdown": Command("end the broker's process", stop, options=("wait",), banner="Shutting down node {node} ..."),
    "set_vm_memory_high_watermark": Command(
        "set the memory limit until the restart: FRACTION, or absolute SIZE",
        set_memory,
        ("rest*",),
        banner="Setting memory threshold on {node} to {rest} ...",
    ),
    "set_disk_free_limit": Command(
        "set the disk limit until the restart: SIZE, or mem_relative FRACTION",
        set_disk,
        ("rest*",),
        banner="Setting disk free limit on {node} to {rest} ...",
    ),
    "set_log_level": Command(
        "set the log's level until the restart", set_log_level, ("level",), banner='Setting log level to "{level}" ...'
    ),
    "rotate_logs": Command("open the log file anew", verb("rotate_logs"), banner="Rotating logs for node {node} ..."),
    "reload_config": Command("read rabbitmq.conf again, as SIGHUP does", verb("reload_config"), tools=()),
    "set_cluster_name": Command(
        "rename the cluster", set_cluster_name, ("name",), banner="Setting cluster name to {name} ..."
    ),
    "force_gc": Command("nothing: memory is given back by itself", verb("check_ready"), tools=BOTH),
    "restart_vhost": Command("start a vhost: it runs", verb("get_vhost", "vhost"), tools=()),
    **{
        name: Command("refused: nodes do not join yet", impossible(NO_CLUSTER, UNAVAILABLE), ("rest*",), offline=True)
        for name in ("join_cluster", "forget_cluster_node", "rename_cluster_node", "change_cluster_node_type")
    },
    **{
        name: Command("refused: there is no Erlang here", impossible(NO_ERLANG, USAGE), ("rest*",), offline=True)
        for name in ("eval", "eval_file", "exec", "remote_shell")
    },
    **{
        name: Command("refused: says how it is done", impossible(NO_SECRETS, USAGE), ("rest*",), offline=True)
        for name in ("encode", "decode", "encrypt_conf_value", "decrypt_conf_value")
    },
    **{
        name: Command("refused: says how it is done", impossible(NO_RESET, DATA), offline=True)
        for name in ("reset", "force_reset")
    },
}
