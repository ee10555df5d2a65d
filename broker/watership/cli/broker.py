"""`watership broker`: one broker in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from watership.config import ConfigError, load

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # argparse has no public name for it


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "broker", help="run a broker in the foreground", description="Runs a broker until SIGTERM or Ctrl-C."
    )
    parser.add_argument(
        "--config",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="rabbitmq.conf, or a folder of *.conf files read in order; may be given again, later values win",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("watership-data"),
        metavar="DIR",
        help="where messages and metadata are kept (default ./watership-data)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from watership import launch
    from watership.broker.listening import ListenError
    from watership.broker.logs import OUTPUT
    from watership.model.commands import UnknownCommand
    from watership.store import StoreError

    try:
        config = load(*options.config)
        OUTPUT.configure(config)
        for warning in config.warnings:
            logging.getLogger("watership.config").warning("%s", warning)
        options.data.mkdir(parents=True, exist_ok=True)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            ready = functools.partial(print, flush=True)
            return runner.run(launch.run(config, options.data, ready=ready, paths=options.config))
    except (ConfigError, StoreError, ListenError, UnknownCommand) as error:
        print(f"watership: {error}", file=sys.stderr)
    except OSError as error:
        print(f"watership: {error.filename or options.data}: {error.strerror}", file=sys.stderr)
    return 1


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
