"""a support bundle: objects, events, logs and the broker's own view, without anything secret."""

from __future__ import annotations

import argparse
import base64
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pykube
import yaml

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client

from . import broker
from .objects import Problem, Target, name_of
from .redaction import Redaction, secret_without_values

CHILDREN = ("StatefulSet", "Service", "ConfigMap", "Pod", "PersistentVolumeClaim")
OPERATOR = {"app.kubernetes.io/name": "watership-operator"}
LINES = 2000  # of each log

EXAMPLES = ("kubectl watership report hello -o hello.tar.gz",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: all of the namespace)")
    parser.add_argument("-o", "--output", type=Path, help="the bundle (default: watership-NAMESPACE-TIME.tar.gz)")
    parser.add_argument("--operator-namespace", default="watership-system", help="where the operator runs")


def run(target: Target, options: argparse.Namespace) -> int:
    secrets = [s.obj for s in pykube.Secret.objects(target.api, namespace=target.namespace)]
    hide = Redaction(values(secrets))
    clusters = [target.cluster(options.cluster)] if options.cluster else target.items("BrokerCluster")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = options.output or Path(f"watership-{target.namespace}-{now}.tar.gz")
    with tarfile.open(path, "w:gz") as bundle:
        for name, content in entries(target, clusters, secrets, options.operator_namespace):
            text = hide.text(content) if isinstance(content, str) else dumped(hide.value(content))
            info = tarfile.TarInfo(f"watership-report/{name}")
            data = text.encode()
            info.size, info.mtime = len(data), int(datetime.now(UTC).timestamp())
            bundle.addfile(info, io.BytesIO(data))
    print(f"{path}: passwords and the values of all Secrets are left out; look it through before you pass it on")
    return 0


def dumped(value: Any) -> str:
    return str(yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False, allow_unicode=True))


def values(secrets: list[dict[str, Any]]) -> Iterator[str]:
    """Every value, whole, and line by line where it has several."""
    for secret in secrets:
        for encoded in (secret.get("data") or {}).values():
            text = base64.b64decode(encoded).decode(errors="replace")
            yield from (encoded, text, *text.splitlines())


def entries(
    target: Target, clusters: list[dict[str, Any]], secrets: list[dict[str, Any]], operator: str
) -> Iterator[tuple[str, Any]]:
    """Name in the bundle, and text or JSON."""
    yield "kubernetes.yaml", target.api.get(base="", version="", url="/version").json()
    yield "topology.yaml", [clean(i) for i in target.topology()]
    yield "secrets.yaml", [secret_without_values(s) for s in secrets]
    yield "events.yaml", [clean(e.obj) for e in pykube.Event.objects(target.api, namespace=target.namespace)]
    for cluster in clusters:
        name = name_of(cluster)
        yield f"{name}/brokercluster.yaml", clean(cluster)
        for kind in CHILDREN:
            yield f"{name}/{kind.lower()}.yaml", [clean(c) for c in target.owned(getattr(pykube, kind), name)]
        yield f"{name}/broker.yaml", of_broker(target, cluster)
        selector = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "watership"}
        yield from logs(target, target.namespace, selector, name)
    yield from logs(target, operator, OPERATOR, "operator")


def clean(item: dict[str, Any]) -> dict[str, Any]:
    """Without what nobody reads."""
    metadata = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    return {**item, "metadata": metadata}


def logs(target: Target, namespace: str, selector: dict[str, str], folder: str) -> Iterator[tuple[str, str]]:
    for pod in pykube.Pod.objects(target.api, namespace=namespace).filter(selector=selector):
        for container in pod.obj["spec"]["containers"]:
            name = container["name"]
            try:
                text = pod.logs(container=name, tail_lines=LINES)
            except pykube.exceptions.PyKubeError as problem:
                text = f"no log: {problem}"
            yield f"{folder}/{pod.name}.{name}.log", text


def of_broker(target: Target, cluster: dict[str, Any]) -> dict[str, Any]:
    """What the broker says of itself; a sentence when it cannot be asked."""

    async def questions(client: Client) -> dict[str, Any]:
        return {
            "overview": await client.get_overview(),
            "nodes": await client.list_nodes(),
            "definitions": await client.get_definitions(),
            "queues": await client.list_queues(),
            "connections": await client.list_connections(),
        }

    try:
        return broker.ask(target, cluster, questions)
    except (Problem, AdminError, Unreachable, OSError) as problem:
        return {"problem": str(problem)}
