"""The options of the tools: those that every command takes, and those that some do."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from .output import FORMATS

FLAG: dict[str, Any] = {"action": "store_true"}
OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "priority": (("--priority",), {"type": int, "help": "of several policies the highest counts (default 0)"}),
    "apply_to": (("--apply-to",), {"help": "all, queues, classic_queues, quorum_queues, streams or exchanges"}),
    "description": (("--description",), {"help": "what the vhost is for"}),
    "tags": (("--tags",), {"help": "words, separated by commas"}),
    "default_queue_type": (("--default-queue-type",), {"help": "classic or quorum"}),
    "globally": (("--global",), {**FLAG, "help": "of every vhost"}),
    "global": (("--global",), {**FLAG, "help": "of every vhost, which is so without -p anyway"}),
    "user": (("--user",), {"help": "of this user only"}),
    "limit": (("--limit",), {"type": int, "default": 0, "help": "at most so many; 0: all"}),
    "per_connection_delay": (("--per-connection-delay",), {"type": int, "help": "accepted; they are closed at once"}),
    "pre_hashed_password": (("--pre-hashed-password",), {**FLAG, "help": "what is given is a salted hash"}),
    "online": (("--online",), {**FLAG, "help": "queues that can be used: all"}),
    "offline": (("--offline",), {**FLAG, "help": "queues that cannot: none"}),
    "local": (("--local",), {**FLAG, "help": "queues on this node: all"}),
    "all": (("--all",), {**FLAG, "help": "every one of them"}),
    "if_empty": (("--if-empty",), {**FLAG, "help": "only when it holds no message"}),
    "if_unused": (("--if-unused",), {**FLAG, "help": "only when nobody consumes from it"}),
    "unit": (("--unit",), {"help": "of memory: bytes, mb or gb; of time: days, weeks, months or years"}),
    "within": (("--within",), {"type": int, "default": 4, "help": "so many units (default 4)"}),
    "address": (("--address",), {"help": "connect to this address instead of each listener's own"}),
    "across_all_vhosts": (("--across-all-vhosts",), {**FLAG, "help": "in every vhost"}),
    "used": (("--used",), {**FLAG, "help": "those in use"}),
    "experimental": (("--experimental", "--opt-in"), {**FLAG, "help": "experimental ones too: there are none"}),
    "pid": (("--pid", "-P"), {"type": int, "help": "accepted; the broker itself is asked"}),
    "idempotent": (("--idempotent",), {**FLAG, "help": "a node that is down is no error"}),
    "wait": (("--wait",), {**FLAG, "help": "it is always waited for"}),
    "vhost_pattern": (("--vhost-pattern",), {"help": "a regular expression over vhosts"}),
    "queue_pattern": (("--queue-pattern",), {"help": "a regular expression over queues"}),
    "errors_only": (("--errors-only",), {**FLAG, "help": "list what went wrong only"}),
    "minimal": (("--minimal", "-m"), {**FLAG, "help": "names only"}),
    "enabled": (("--enabled", "-E"), {**FLAG, "help": "enabled ones: all"}),
    "implicitly_enabled": (("--implicitly-enabled", "-e"), {**FLAG, "help": "the same"}),
    "verbose": (("--verbose", "-v"), {**FLAG, "help": "accepted"}),
}
VALUED = {"-n", "--node", "-p", "--vhost", "-t", "--timeout", "--formatter", "--printer", "--erlang-cookie"}
VALUED |= {"--data", "--url", "--username", "--password", "--ca", "--script-name"}


def command_word(arguments: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the value of a common one."""
    rest = iter(arguments)
    for word in rest:
        if word in VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def seconds(text: str) -> float | None:
    """None: for ever, as RabbitMQ says it."""
    return None if text == "infinity" else float(text)


def reaching(parser: argparse.ArgumentParser) -> None:
    """Where the broker is, and who asks."""
    environment = os.environ
    add = parser.add_argument
    add("-t", "--timeout", type=seconds, help="seconds to wait for an answer (default 60)")
    add("--data", default=environment.get("WATERSHIP_DATA"), metavar="DIR", help="the broker's data directory")
    add("--url", default=environment.get("WATERSHIP_URL"), help="the management API of a broker elsewhere")
    add(
        "--username", default=environment.get("WATERSHIP_USERNAME", "guest"), help="who asks over --url (default guest)"
    )
    add("--password", default=environment.get("WATERSHIP_PASSWORD", "guest"), help="the password of who asks")
    add("--ca", metavar="FILE", help="PEM file with the authorities to trust for https")


def common(parser: argparse.ArgumentParser) -> None:
    """What every command takes."""
    add = parser.add_argument
    add("-n", "--node", help="the node that must answer, rabbit@HOST")
    add("-p", "--vhost", help="the vhost that it is about (default /)")
    add("-q", "--quiet", action="store_true", help="print the result only")
    add("-s", "--silent", action="store_true", help="print the result only, without a table's head")
    add("--formatter", default="table", choices=FORMATS, help="how results are shown (default table)")
    add("--no-table-headers", action="store_true", help="a table without its head")
    add("--table-headers", action="store_false", dest="no_table_headers", help=argparse.SUPPRESS)
    reaching(parser)
    for flags in (("-l", "--longnames"), ("--dry-run",)):
        add(*flags, action="store_true", help=argparse.SUPPRESS)
    for flag in ("--printer", "--erlang-cookie", "--script-name"):
        add(flag, help=argparse.SUPPRESS)
