"""definitions.json as custom resources, users' password hashes as Secrets: to standard output, or applied."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from .definitions import to_objects
from .export import warn
from .manifests import to_yaml
from .objects import Problem, Target, name_of

EXAMPLES = (
    "kubectl watership import -f definitions.json hello | less",
    "kubectl watership import -f definitions.json hello --apply",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", nargs="?", help="BrokerCluster (default: the only one of the namespace)")
    parser.add_argument(
        "-f", "--filename", type=Path, required=True, help="definitions.json, of RabbitMQ or of Watership"
    )
    parser.add_argument("--vhost", default="/", help="vhost of definitions that name none (exported from one vhost)")
    parser.add_argument("--apply", action="store_true", help="apply the objects (default: print them)")


def run(target: Target, options: argparse.Namespace) -> int:
    try:
        definitions = json.loads(options.filename.read_text())
    except ValueError as error:
        raise Problem(f"{options.filename}: {error}") from None
    if not isinstance(definitions, dict):
        raise Problem(f"{options.filename}: a JSON object is expected, with the keys queues, exchanges and so on")
    name = name_of(target.cluster(options.cluster))
    made = to_objects(
        definitions,
        reference={"name": name},
        namespace=target.namespace,
        vhost=options.vhost,
        skip=target.secret(f"{name}-default-user").get("username", ""),
    )
    warn(made.left_out)
    text = to_yaml(made.objects)
    if not options.apply:
        sys.stdout.write(text)
        return 0
    return subprocess.run(target.kubectl("apply", "-f", "-"), input=text, text=True, check=False).returncode  # noqa: S603
