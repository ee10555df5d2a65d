"""`kubectl watership VERB`: what kubectl alone does not show or do. A module per verb, with `arguments`, `EXAMPLES` and
`run`.

objects      the custom resources as pykube reads them
broker       the admin client of a cluster, through kubectl port-forward where it has to be
definitions  definitions.json to objects and back; pure
manifests    objects as YAML
redaction    what must not be in a support bundle
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from types import ModuleType

import pykube
import requests

from watership.admin.api import AdminError, Unreachable

from . import connect, diff, export, importing, pause, report, restart, resume, status, why
from .objects import Problem, Target

VERBS: dict[str, ModuleType] = {
    "status": status,
    "why": why,
    "diff": diff,
    "export": export,
    "import": importing,
    "pause": pause,
    "resume": resume,
    "restart": restart,
    "connect": connect,
    "report": report,
}
WIDTH = 80  # of the help


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="kubectl watership", description="Brokers and their topology on Kubernetes.")
    made.add_argument("-n", "--namespace", help="namespace (default: of the current context)")
    made.add_argument("--context", help="context of the kubeconfig (default: the current one)")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in VERBS.items():
        text = (module.__doc__ or "").strip()
        first = text.splitlines()[0].rstrip(".")
        verb = verbs.add_parser(
            name,
            help=first,
            description=textwrap.fill(text, WIDTH),
            epilog="\n  ".join(("examples:", *module.EXAMPLES)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_argument("-n", "--namespace", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        verb.add_argument("--context", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    return made


def main() -> int:
    options = parser().parse_args()
    try:
        return int(options.run(Target.of(options.context, options.namespace), options))
    except (Problem, AdminError, Unreachable) as problem:
        print(f"kubectl watership: {problem}", file=sys.stderr)
    except (pykube.exceptions.PyKubeError, requests.RequestException, OSError) as problem:
        print(f"kubectl watership: the API server: {problem}", file=sys.stderr)
    return 1
