"""rabbitmq-plugins: what RabbitMQ has as plugins is built in here, or is not there."""

from __future__ import annotations

import argparse
import re

from watership.admin.client import Client
from watership.broker.identity import PLUGINS as BUILT_IN
from watership.broker.identity import VERSION

from .command import DATA, PLUGINS, UNAVAILABLE, Command, Failure, Result


def check(names: list[str]) -> list[str]:
    """Raises Failure for what is not here."""
    given = [part for name in names for part in name.split(",") if part]
    if missing := [name for name in given if name not in BUILT_IN]:
        sentence = f"the following plugins are not available: {', '.join(missing)}. Watership has no plugins: "
        raise Failure(DATA, f"{sentence}what is here is always on (rabbitmq-plugins list)")
    return given


async def listing(_: Client, options: argparse.Namespace) -> Result:
    pattern = re.compile(options.pattern or "")
    rows = [
        {"name": name, "version": VERSION, "enabled": "enabled", "running": True}
        for name in BUILT_IN
        if pattern.search(name)
    ]
    if options.formatter == "json":
        return {"status": "running", "format": "normal", "plugins": rows}
    if options.minimal:
        return "\n".join(str(row["name"]) for row in rows)
    return "\n".join(f"[E*] {row['name']:<34} {row['version']}" for row in rows)


async def enable(_: Client, options: argparse.Namespace) -> Result:
    given = check(options.plugins)
    if options.formatter == "json":
        return {"enabled": sorted(BUILT_IN), "started": [], "stopped": [], "set": given}
    return "Plugin configuration unchanged."


async def disable(_: Client, options: argparse.Namespace) -> Result:
    check(options.plugins)
    raise Failure(UNAVAILABLE, "what is built in cannot be turned off; leave its listener out of rabbitmq.conf instead")


async def is_enabled(_: Client, options: argparse.Namespace) -> Result:
    given = check(options.plugins)
    text = f"Plugin {', '.join(given)} is enabled" if len(given) == 1 else f"Plugins {', '.join(given)} are enabled"
    return {"result": "ok", "message": text} if options.formatter == "json" else text


async def directories(_: Client, __: argparse.Namespace) -> Result:
    return "there are no plugin directories: everything is built in"


MODES = ("online", "offline", "all")
HERE = (PLUGINS,)
COMMANDS: dict[str, Command] = {
    "list": Command(
        "list what is built in",
        listing,
        ("pattern?",),
        options=("minimal", "enabled", "implicitly_enabled", "verbose"),
        tools=HERE,
        offline=True,
    ),
    "enable": Command("see that plugins are on", enable, ("plugins*",), options=MODES, tools=HERE, offline=True),
    "disable": Command("refused: nothing can be off", disable, ("plugins*",), options=MODES, tools=HERE, offline=True),
    "set": Command("see that plugins are on", enable, ("plugins*",), options=MODES, tools=HERE, offline=True),
    "is_enabled": Command("say whether", is_enabled, ("plugins*",), options=MODES, tools=HERE, offline=True),
    "directories": Command("say where plugins are", directories, options=MODES, tools=HERE, offline=True),
}
