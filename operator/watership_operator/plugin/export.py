"""a cluster's topology as definitions.json or as YAML, from its objects or from the live broker.

`import` takes what `export` makes: definitions that went through both are the same again.
"""

from __future__ import annotations

import argparse
import json
import secrets as randomness
import sys
from pathlib import Path
from typing import Any

from watership.model.users import SALT_BYTES

from . import broker
from .definitions import Converted, to_definitions, to_objects
from .manifests import to_yaml
from .objects import Target, cluster_of, name_of

EXAMPLES = (
    "kubectl watership export hello > definitions.json",
    "kubectl watership export --source broker --format yaml -o topology.yaml",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: the only one of the namespace)")
    parser.add_argument(
        "--source", choices=("objects", "broker"), default="objects", help="what is exported (default: the objects)"
    )
    parser.add_argument(
        "--format",
        choices=("definitions", "yaml"),
        default="definitions",
        help="definitions.json, which holds password hashes; or YAML of objects, with hashes in Secrets",
    )
    parser.add_argument("-o", "--output", type=Path, help="a file (default: standard output)")


def run(target: Target, options: argparse.Namespace) -> int:
    cluster = target.cluster(options.cluster)
    made = of_broker(target, cluster) if options.source == "broker" else of_objects(target, cluster)
    definitions = made.objects[0]
    if options.format == "yaml":
        converted = to_objects(
            definitions,
            reference={"name": name_of(cluster)},
            namespace=target.namespace,
            skip=target.secret(f"{name_of(cluster)}-default-user").get("username", ""),
        )
        made.left_out += converted.left_out
        text = to_yaml(converted.objects)
    else:
        text = json.dumps(definitions, indent=2) + "\n"
    warn(made.left_out)
    if options.output is None:
        sys.stdout.write(text)
    else:
        private(options.output, text)
    return 0


def private(path: Path, text: str) -> None:
    """Hashes are in it: nobody else may read it."""
    path.touch(mode=0o600)
    path.write_text(text)


def warn(left_out: list[str]) -> None:
    for sentence in left_out:
        print(f"left out: {sentence}", file=sys.stderr)


def of_broker(target: Target, cluster: dict[str, Any]) -> Converted:
    definitions = broker.ask(target, cluster, lambda client: client.get_definitions())
    return Converted([dict(definitions)])


def of_objects(target: Target, cluster: dict[str, Any]) -> Converted:
    items = [i for i in target.topology() if cluster_of(i) == (target.namespace, name_of(cluster))]
    names = {secret_of(i) for i in items if i["kind"] == "User"}
    found = {(target.namespace, name): target.secret(name) for name in names}
    return to_definitions(items, secrets=found, salt=lambda: randomness.token_bytes(SALT_BYTES))


def secret_of(user: dict[str, Any]) -> str:
    spec = user["spec"]
    given = spec.get("importCredentialsSecret") or spec.get("passwordSecret")
    return str(given["name"]) if given else f"{name_of(user)}-user-credentials"
