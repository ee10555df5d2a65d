"""`kubectl watership status | why`: what the operator says of its objects, for people."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import pykube

from .kinds import SPECS
from .kinds.resource import API_VERSION


def main() -> int:
    parser = argparse.ArgumentParser(prog="kubectl watership", description="What the operator says of its objects.")
    parser.add_argument("-n", "--namespace", help="namespace (default: of the current context)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="every object, whether it is ready, and the sentence")
    status.set_defaults(run=show_status)
    why = commands.add_parser("why", help="all that is said about one object")
    why.add_argument("object", metavar="KIND/NAME", help="such as queue/orders")
    why.set_defaults(run=show_why)
    options = parser.parse_args()
    try:
        config = pykube.KubeConfig.from_env()
        return int(options.run(pykube.HTTPClient(config), options.namespace or config.namespace, options))
    except (pykube.exceptions.PyKubeError, OSError) as error:
        print(f"kubectl watership: {error}", file=sys.stderr)
        return 1


def object_class(kind: str) -> Any:
    attributes = {"version": API_VERSION, "endpoint": SPECS[kind].kind.plural, "kind": kind}  # type: ignore[attr-defined]
    return type(kind, (pykube.objects.NamespacedAPIObject,), attributes)


def objects(api: Any, namespace: str) -> Iterator[Any]:
    for kind in SPECS:
        yield from object_class(kind).objects(api, namespace=namespace)


def ready(item: Any) -> dict[str, Any]:
    conditions = item.obj.get("status", {}).get("conditions", [])
    found: dict[str, Any] = next((c for c in conditions if c["type"] == "Ready"), {})
    return found


def show_status(api: Any, namespace: str, _: argparse.Namespace) -> int:
    for item in objects(api, namespace):
        condition = ready(item)
        print(
            f"{item.kind}/{item.name}\t{condition.get('status', 'Unknown')}\t{condition.get('message', 'not seen yet')}"
        )
    return 0


def show_why(api: Any, namespace: str, options: argparse.Namespace) -> int:
    word, _, name = options.object.partition("/")
    kinds = {k.lower(): k for k in SPECS} | {s.kind.plural: k for k, s in SPECS.items()}  # type: ignore[attr-defined]
    kind = kinds.get(word.lower())
    if kind is None:
        print(f"kubectl watership: {word} is none of {', '.join(SPECS)}", file=sys.stderr)
        return 1
    item = object_class(kind).objects(api, namespace=namespace).get_or_none(name=name)
    if item is None:
        print(f"kubectl watership: there is no {kind} {namespace}/{name}", file=sys.stderr)
        return 1
    for condition in item.obj.get("status", {}).get("conditions", []):
        print(f"{condition['type']}={condition['status']} ({condition['reason']}) {condition['message']}")
    for event in pykube.Event.objects(api, namespace=namespace).filter(field_selector={"involvedObject.name": name}):
        print(f"{event.obj['lastTimestamp']} {event.obj['reason']}: {event.obj['message']}")
    return 0
