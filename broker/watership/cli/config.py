"""`watership config check FILE`: reads a configuration without starting anything."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watership.config import KEYS, ConfigError, load

if TYPE_CHECKING:
    from .broker import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("config", help="check a configuration, list its keys")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read configuration files and say what is wrong with them")
    check.add_argument("path", nargs="+", type=Path, help="rabbitmq.conf, or a folder of *.conf files")
    check.set_defaults(run=run_check)
    keys = actions.add_parser("keys", help="list every key that is understood")
    keys.set_defaults(run=run_keys)


def run_check(options: argparse.Namespace) -> int:
    try:
        config = load(*options.path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print("the configuration is good")
    return 0


def run_keys(_: argparse.Namespace) -> int:
    for key in KEYS:
        default = "" if key.default is None else f" (default {key.default})"
        print(f"{key.name}: {key.doc}{default}")
    return 0
