"""everything that is said about one object, and about what it waits for."""

from __future__ import annotations

import argparse
from typing import Any

from .objects import Problem, Target, cluster_of, kind_named, ready, reference_of

EXAMPLES = (
    "kubectl watership why queue/orders      # conditions, events, and how its broker stands",
    "kubectl watership why bc/hello",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("object", metavar="KIND/NAME", help="such as queue/orders or bc/hello")


def run(target: Target, options: argparse.Namespace) -> int:
    word, slash, name = options.object.partition("/")
    if not slash or not name:
        raise Problem(f"{options.object}: say KIND/NAME, such as queue/orders")
    kind = kind_named(word)
    item = target.find(kind, name).obj
    state, sentence = ready(item)
    print(f"{kind} {target.namespace}/{name}: Ready={state}: {sentence}")
    tell_generation(item)
    for condition in (item.get("status") or {}).get("conditions", []):
        print(f"  {condition['type']}={condition['status']} ({condition['reason']}) {condition['message']}".rstrip())
    if item["metadata"].get("deletionTimestamp"):
        print(f"  is being deleted; finalizers: {', '.join(item['metadata'].get('finalizers', [])) or 'none'}")
    for event in target.events(kind, name)[-10:]:
        print(f"  {event['lastTimestamp']} {event['reason']}: {event['message']}")
    if kind != "BrokerCluster":
        tell_cluster(target, item)
    return 0


def tell_generation(item: dict[str, Any]) -> None:
    seen, wanted = (item.get("status") or {}).get("observedGeneration", 0), item["metadata"].get("generation", 0)
    if seen < wanted:
        print(f"  the operator has seen generation {seen} of {wanted}; is it running?")


def tell_cluster(target: Target, item: dict[str, Any]) -> None:
    """How it stands with the broker that the object belongs to."""
    namespace, name = cluster_of(item)
    if not name:
        secret = reference_of(item)["connectionSecret"]["name"]
        found = Target(target.api, namespace).secret(secret)
        keys = ", ".join(sorted(found)) or "none: it does not exist, or is empty"
        print(f"its broker is named by Secret {namespace}/{secret}, which has the keys {keys}")
        return
    try:
        cluster = Target(target.api, namespace).find("BrokerCluster", name).obj
    except Problem as problem:
        print(f"its broker: {problem}")
        return
    print("its broker is BrokerCluster {}/{}: Ready={}: {}".format(namespace, name, *ready(cluster)))
