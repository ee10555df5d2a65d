"""how it stands: every object of the namespace, or all about one cluster.

Exit status: 0 when everything is ready, else 1.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

import pykube

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client
from watership_operator.kinds.resource import PAUSE

from . import broker
from .objects import Problem, Target, cluster_of, name_of, ready, table

EXAMPLES = (
    "kubectl watership status                # every object of the namespace, and what it waits for",
    "kubectl watership status hello          # pods, volumes, certificate, broker and topology of one cluster",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: every object of the namespace)")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--no-broker", action="store_true", help="ask only Kubernetes, not the broker")


def run(target: Target, options: argparse.Namespace) -> int:
    if options.cluster is None:
        return overview(target, options)
    found = gather(target, target.cluster(options.cluster), ask_broker=not options.no_broker)
    print(json.dumps(found, indent=2) if options.output == "json" else text(found))
    return 0 if found["ready"] == "True" else 1


def overview(target: Target, options: argparse.Namespace) -> int:
    items = [*target.items("BrokerCluster"), *target.topology()]
    rows = [(f"{i['kind']}/{name_of(i)}", *ready(i)) for i in items]
    if options.output == "json":
        print(json.dumps([dict(zip(("object", "ready", "message"), row, strict=True)) for row in rows], indent=2))
    else:
        print(table([("OBJECT", "READY", "STATUS"), *rows]))
    return 0 if all(row[1] == "True" for row in rows) else 1


def gather(target: Target, cluster: dict[str, Any], *, ask_broker: bool) -> dict[str, Any]:
    """Everything that is shown of a cluster."""
    name, spec = name_of(cluster), cluster["spec"]
    state, sentence = ready(cluster)
    annotations = cluster["metadata"].get("annotations") or {}
    topology = [i for i in target.topology() if cluster_of(i) == (target.namespace, name)]
    states = Counter((i["kind"], ready(i)[0]) for i in topology)
    found: dict[str, Any] = {
        "name": name,
        "namespace": target.namespace,
        "ready": state,
        "message": sentence,
        "paused": annotations.get(PAUSE) == "true",
        "image": spec.get("image", "the operator's own"),
        "replicas": spec.get("replicas", 1),
        "conditions": {c["type"]: c["status"] for c in (cluster.get("status") or {}).get("conditions", [])},
        "certificates": (cluster.get("status") or {}).get("certificates"),
        "services": [service(s) for s in target.owned(pykube.Service, name)],
        "volumes": [volume(v) for v in target.owned(pykube.PersistentVolumeClaim, name)],
        "pods": [pod(p) for p in target.owned(pykube.Pod, name)],
        "topology": {
            kind: {s: n for (k, s), n in states.items() if k == kind} for kind in sorted({k for k, _ in states})
        },
        "not_ready": [(f"{i['kind']}/{name_of(i)}", ready(i)[1]) for i in topology if ready(i)[0] != "True"],
        "warnings": [
            f"{e['lastTimestamp']} {e['reason']}: {e['message']}"
            for e in target.events("BrokerCluster", name)
            if e["type"] == "Warning"
        ][-5:],
    }
    if ask_broker and spec.get("replicas", 1):
        found["broker"] = of_broker(target, cluster)
    return found


def service(item: dict[str, Any]) -> dict[str, Any]:
    ports = {p.get("name", str(p["port"])): p["port"] for p in item["spec"].get("ports", [])}
    return {"name": name_of(item), "type": item["spec"].get("type", "ClusterIP"), "ports": ports}


def volume(item: dict[str, Any]) -> dict[str, Any]:
    size = item.get("status", {}).get("capacity", {}).get("storage", "no size yet")
    return {"name": name_of(item), "phase": item.get("status", {}).get("phase", "Pending"), "size": size}


def pod(item: dict[str, Any]) -> dict[str, Any]:
    status = item.get("status", {})
    containers = status.get("containerStatuses", [])
    waiting = [c["state"]["waiting"].get("reason", "") for c in containers if "waiting" in c.get("state", {})]
    deleting = ["Terminating"] if item["metadata"].get("deletionTimestamp") else []
    return {
        "name": name_of(item),
        "ready": bool(containers) and all(c.get("ready") for c in containers),
        "phase": next(iter(deleting + waiting), status.get("phase", "Pending")),
        "restarts": sum(c.get("restartCount", 0) for c in containers),
        "node": item["spec"].get("nodeName", "none yet"),
    }


def of_broker(target: Target, cluster: dict[str, Any]) -> dict[str, Any]:
    """What the broker says of itself, or why it cannot be asked."""

    async def questions(client: Client) -> dict[str, Any]:
        overview = await client.get_overview()
        nodes = await client.list_nodes()
        return {
            "version": overview.get("product_version", overview.get("rabbitmq_version")),
            "totals": overview["object_totals"],
            "messages": overview.get("queue_totals", {}),
            "nodes": [
                {"name": n["name"], "running": n["running"], "uptime_s": n.get("uptime", 0) // 1000} for n in nodes
            ],
            "alarms": [
                f"{n['name']}: {kind}" for n in nodes for kind in ("mem_alarm", "disk_free_alarm") if n.get(kind)
            ],
        }

    try:
        return broker.ask(target, cluster, questions)
    except (Problem, AdminError, Unreachable, OSError) as problem:
        return {"problem": str(problem)}


def text(found: dict[str, Any]) -> str:
    sections = [
        ("Cluster", summary(found)),
        ("Broker", of_node(found.get("broker"))),
        ("Pods", pods(found["pods"])),
        ("Volumes", table([(v["name"], v["phase"], v["size"]) for v in found["volumes"]])),
        ("Topology", topology(found)),
        ("Not ready", table([(name, sentence) for name, sentence in found["not_ready"]])),
        ("Warnings", "\n".join(found["warnings"])),
    ]
    return "\n\n".join(f"{title}\n{indented(body)}" for title, body in sections if body)


def indented(body: str) -> str:
    return "\n".join(f"  {line}" for line in body.splitlines())


def summary(found: dict[str, Any]) -> str:
    rows = [
        ("name:", f"{found['namespace']}/{found['name']}"),
        ("ready:", f"{found['ready']}: {found['message']}"),
        ("image:", found["image"]),
        ("replicas:", str(found["replicas"])),
        ("login:", f"Secret {found['namespace']}/{found['name']}-default-user"),
    ]
    if found["paused"]:
        rows.insert(2, ("paused:", "yes; `kubectl watership resume` ends it"))
    for item in found["services"]:
        ports = ", ".join(f"{port} {name}" for name, port in item["ports"].items())
        rows.append(("service:", f"{item['name']} ({item['type']}): {ports}"))
    others = [f"{t}={s}" for t, s in found["conditions"].items() if t != "Ready"]
    rows.append(("conditions:", " ".join(others) or "none yet"))
    return table(rows)


def of_node(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    if "problem" in found:
        return f"cannot be asked: {found['problem']}"
    totals, messages = found["totals"], found["messages"]
    rows = [
        ("version:", str(found["version"])),
        (
            "holds:",
            ", ".join(f"{totals[k]} {k}" for k in ("queues", "exchanges", "connections", "channels", "consumers")),
        ),
        (
            "messages:",
            f"{messages.get('messages_ready', 0)} ready, {messages.get('messages_unacknowledged', 0)} unacked",
        ),
        ("alarms:", ", ".join(found["alarms"]) or "none"),
    ]
    rows += [
        ("node:", f"{n['name']}, {'up' if n['running'] else 'DOWN'} for {n['uptime_s']} s") for n in found["nodes"]
    ]
    return table(rows)


def pods(found: list[dict[str, Any]]) -> str:
    rows = [
        (p["name"], "ready" if p["ready"] else "not ready", p["phase"], str(p["restarts"]), p["node"]) for p in found
    ]
    return table([("POD", "READY", "PHASE", "RESTARTS", "NODE"), *rows]) if rows else "none"


def topology(found: dict[str, Any]) -> str:
    rows = [
        (kind, str(states.get("True", 0)), str(sum(states.values()) - states.get("True", 0)))
        for kind, states in found["topology"].items()
    ]
    return table([("KIND", "READY", "NOT READY"), *rows]) if rows else ""
