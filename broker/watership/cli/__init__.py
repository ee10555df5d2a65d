"""The command line: `watership broker | dev | ctl | config | store`. One module per command."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version

from . import broker, config, ctl, dev, store


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="watership", description="An AMQP broker written in Python, and what keeps it as a folder of YAML says."
    )
    parser.add_argument("--version", action="version", version=f"watership {version('watership')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (broker, dev, ctl, config, store):
        module.add(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
