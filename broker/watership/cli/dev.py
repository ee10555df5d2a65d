"""`watership dev DIR`: a local broker kept as a folder of YAML says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .broker import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "dev",
        help="run a local broker as a folder of YAML says, and follow its edits",
        description="Reads BrokerCluster, Exchange, Queue, Binding and User objects from the YAML files of a folder, "
        "runs the broker they describe on this machine, keeps its topology as they say, and follows edits "
        "until Ctrl-C.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with *.yaml files, as for kubectl apply -f")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("watership-data"),
        help="where the broker keeps messages (default ./watership-data)",
    )
    parser.add_argument(
        "--port-offset", type=int, default=0, metavar="N", help="added to every port: 10000 makes AMQP listen on 15672"
    )
    parser.add_argument("--once", action="store_true", help="end with status 0 as soon as every object is ready")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    try:
        from watership_operator.dev import main
    except ImportError as error:
        print(f"watership: the dev command is not installed ({error}); pip install watership", file=sys.stderr)
        return 1
    return int(main(options.folder, options.data, port_offset=options.port_offset, once=options.once))
