"""leave a cluster as it is: the operator changes nothing of it until `resume`."""

from __future__ import annotations

import argparse

from watership_operator.kinds.resource import PAUSE

from .objects import Target, name_of, object_class

EXAMPLES = ("kubectl watership pause hello",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: the only one of the namespace)")


def run(target: Target, options: argparse.Namespace) -> int:
    return annotate(target, options.cluster, "true", "paused: the operator leaves it as it is until `resume`")


def annotate(target: Target, name: str | None, value: str | None, sentence: str) -> int:
    """value: of the annotation; None removes it."""
    cluster = target.cluster(name)
    item = object_class("BrokerCluster")(target.api, cluster)
    item.patch({"metadata": {"annotations": {PAUSE: value}}})
    print(f"BrokerCluster {target.namespace}/{name_of(cluster)} {sentence}")
    return 0
