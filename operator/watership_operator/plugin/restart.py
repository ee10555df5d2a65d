"""restart a cluster's pods one after another, as `kubectl rollout restart` does."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import pykube

from .objects import Problem, Target, name_of

ANNOTATION = "kubectl.kubernetes.io/restartedAt"

EXAMPLES = ("kubectl watership restart hello",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: the only one of the namespace)")


def run(target: Target, options: argparse.Namespace) -> int:
    name = name_of(target.cluster(options.cluster))
    found = pykube.StatefulSet.objects(target.api, namespace=target.namespace).get_or_none(name=f"{name}-server")
    if found is None:
        raise Problem(
            f"there is no StatefulSet {target.namespace}/{name}-server; see `kubectl watership why bc/{name}`"
        )
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found.patch({"spec": {"template": {"metadata": {"annotations": {ANNOTATION: now}}}}})
    print(f"StatefulSet {target.namespace}/{name}-server restarts its pods one after another")
    print(f"watch it: kubectl -n {target.namespace} rollout status statefulset/{name}-server")
    return 0
