"""The command line: `watership broker | dev | ctl | config | backup | store`. One module per command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import version

from . import backup, broker, config, ctl, dev, store


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["ctl"]:
        return guarded(lambda: ctl.main(ctl.CTL, given[1:]))
    parser = argparse.ArgumentParser(
        prog="watership", description="An AMQP broker written in Python, and what keeps it as a folder of YAML says."
    )
    parser.add_argument("--version", action="version", version=f"watership {version('watership')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (broker, dev, ctl, config, backup, store):
        module.add(commands)
    options = parser.parse_args(given)
    return guarded(lambda: int(options.run(options)))


def named(tool: str) -> Callable[[], int]:
    """An entry point that is one of RabbitMQ's tools."""
    return lambda: guarded(lambda: ctl.main(tool, sys.argv[1:]))


rabbitmqctl = named("rabbitmqctl")
rabbitmq_diagnostics = named("rabbitmq-diagnostics")
rabbitmq_queues = named("rabbitmq-queues")
rabbitmq_upgrade = named("rabbitmq-upgrade")
rabbitmq_plugins = named("rabbitmq-plugins")


def guarded(run: Callable[[], int]) -> int:
    """The exit status; Ctrl-C and a reader that went away are no errors."""
    try:
        return run()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
