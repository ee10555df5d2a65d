"""Virtual hosts, their limits and policies, runtime parameters and definitions."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

from .command import DATA, SOFTWARE, Command, Failure, Result, verb
from .users import definition, gone


def no_vhost(name: str) -> Failure:
    return Failure(DATA, f"Virtual host '{name}' does not exist")


async def existing(client: Client, name: str) -> dict[str, Any]:
    """Raises Failure."""
    for vhost in await client.list_vhosts():
        if vhost["name"] == name:
            return dict(vhost)
    raise no_vhost(name)


def metadata(options: argparse.Namespace) -> dict[str, Any]:
    given = {n: getattr(options, n) for n in ("description", "tags", "default_queue_type")}
    return {name: value for name, value in given.items() if value is not None}


async def add_vhost(client: Client, options: argparse.Namespace) -> Result:
    """The tool refuses to add a vhost that is there."""
    if options.name in {vhost["name"] for vhost in await client.list_vhosts()}:
        raise Failure(SOFTWARE, f"Virtual host '{options.name}' already exists")
    await client.put_vhost(options.name, metadata(options))
    return None


async def update_vhost_metadata(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.name)
    await client.put_vhost(options.name, metadata(options))
    return None


async def set_vhost_tags(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.name)
    await client.put_vhost(options.name, {"tags": ",".join(options.tags)})
    return None


async def delete_vhost(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.name)
    await client.delete_vhost(options.name)
    return None


def tracing(*, on: bool) -> Any:
    async def act(client: Client, options: argparse.Namespace) -> Result:
        await existing(client, options.vhost)
        await client.put_vhost(options.vhost, {"tracing": on})
        return None

    return act


async def set_vhost_limits(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.vhost)
    for name, value in definition(options.definition).items():
        await client.put_vhost_limit(options.vhost, name, {"value": value})
    return None


async def clear_vhost_limits(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.vhost)
    for row in await client.get_vhost_limits(options.vhost):
        for name in row["value"]:
            await client.delete_vhost_limit(options.vhost, name)
    return None


async def list_vhost_limits(client: Client, options: argparse.Namespace) -> Result:
    rows: list[dict[str, Any]] = await client.list_vhost_limits()
    if options.globally:
        return [{"vhost": row["vhost"], "limits": row["value"]} for row in rows]
    await existing(client, options.vhost)
    return next((row["value"] for row in rows if row["vhost"] == options.vhost), {})


def setter(name: str) -> Any:
    """The action that sets a policy or an operator policy."""

    async def act(client: Client, options: argparse.Namespace) -> Result:
        body = {
            "pattern": options.pattern,
            "definition": definition(options.definition),
            "priority": options.priority or 0,
            "apply-to": options.apply_to or "all",
        }
        await existing(client, options.vhost)
        await getattr(client, name)(options.vhost, options.policy, body)
        return None

    return act


async def set_parameter(client: Client, options: argparse.Namespace) -> Result:
    body = {"value": value(options.value)}
    await client.put_parameter(options.component, options.vhost, options.name, body)
    return None


async def clear_parameter(client: Client, options: argparse.Namespace) -> Result:
    try:
        await client.delete_parameter(options.component, options.vhost, options.name)
    except AdminError as error:
        if error.status == 404:
            raise Failure(SOFTWARE, "Parameter does not exist") from None
        raise
    return None


async def list_parameters(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.vhost)
    return [row for row in await client.list_parameters() if row["vhost"] == options.vhost]


async def set_global_parameter(client: Client, options: argparse.Namespace) -> Result:
    await client.put_global_parameter(options.name, {"value": value(options.value)})
    return None


async def clear_global_parameter(client: Client, options: argparse.Namespace) -> Result:
    await gone(client.delete_global_parameter(options.name))
    return None


def value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(DATA, f"JSON decoding error: {error}") from None


async def export_definitions(client: Client, options: argparse.Namespace) -> Result:
    definitions: dict[str, Any] = await client.get_definitions()
    if options.file in (None, "-"):
        return definitions
    write(Path(options.file), json.dumps(definitions, indent=2) + "\n")
    return None


def write(path: Path, text: str) -> None:
    path.write_text(text)


def read(file: str | None) -> str:
    """None and - stand for standard input."""
    return sys.stdin.read() if file in (None, "-") else Path(file).read_text()


async def import_definitions(client: Client, options: argparse.Namespace) -> Result:
    try:
        given = json.loads(read(options.file))
    except ValueError as error:
        raise Failure(DATA, f"the definitions are not JSON: {error}") from None
    await client.post_definitions(given)
    return None


POLICY_COLUMNS = ("vhost", "name", "pattern", "apply-to", "definition", "priority")
METADATA = ("description", "tags", "default_queue_type")
COMMANDS: dict[str, Command] = {
    "list_vhosts": Command("list vhosts", verb("list_vhosts"), columns=("name",), banner="Listing vhosts ..."),
    "add_vhost": Command("make a vhost", add_vhost, ("name",), options=METADATA, banner='Adding vhost "{name}" ...'),
    "delete_vhost": Command(
        "delete a vhost and all in it", delete_vhost, ("name",), banner='Deleting vhost "{name}" ...'
    ),
    "update_vhost_metadata": Command(
        "change a vhost's description, tags or default queue type",
        update_vhost_metadata,
        ("name",),
        options=METADATA,
        banner='Updating metadata of vhost "{name}" ...',
    ),
    "set_vhost_tags": Command(
        "set a vhost's tags", set_vhost_tags, ("name", "tags*"), banner='Setting tags for vhost "{name}" ...'
    ),
    "enable_vhost_deletion_protection": Command(
        "refuse to delete a vhost from now on", verb("protect_vhost", "name"), ("name",)
    ),
    "disable_vhost_deletion_protection": Command(
        "let a vhost be deleted again", verb("unprotect_vhost", "name"), ("name",)
    ),
    "trace_on": Command(
        "publish what passes through a vhost to amq.rabbitmq.trace too",
        tracing(on=True),
        banner='Starting tracing for vhost "{vhost}" ...',
        done="Trace enabled for vhost {vhost}",
    ),
    "trace_off": Command(
        "end the tracing of a vhost",
        tracing(on=False),
        banner='Stopping tracing for vhost "{vhost}" ...',
        done="Trace disabled for vhost {vhost}",
    ),
    "set_vhost_limits": Command(
        "limit a vhost's connections and queues",
        set_vhost_limits,
        ("definition",),
        banner='Setting vhost limits to "{definition}" for vhost "{vhost}" ...',
    ),
    "clear_vhost_limits": Command(
        "lift a vhost's limits", clear_vhost_limits, banner='Clearing vhost "{vhost}" limits ...'
    ),
    "list_vhost_limits": Command(
        "list the limits of vhosts", list_vhost_limits, columns=("vhost", "limits"), options=("globally",)
    ),
    "set_policy": Command(
        "set a policy",
        setter("put_policy"),
        ("policy", "pattern", "definition"),
        options=("priority", "apply_to"),
        banner='Setting policy "{policy}" for pattern "{pattern}" to "{definition}" for vhost "{vhost}" ...',
    ),
    "clear_policy": Command(
        "delete a policy",
        verb("delete_policy", "vhost", "policy"),
        ("policy",),
        banner='Clearing policy "{policy}" on vhost "{vhost}" ...',
    ),
    "list_policies": Command(
        "list a vhost's policies",
        verb("list_vhost_policies", "vhost"),
        columns=POLICY_COLUMNS,
        banner='Listing policies for vhost "{vhost}" ...',
    ),
    "set_operator_policy": Command(
        "set an operator policy, which may only limit",
        setter("put_operator_policy"),
        ("policy", "pattern", "definition"),
        options=("priority", "apply_to"),
        banner='Setting operator policy override "{policy}" for pattern "{pattern}" to "{definition}" ...',
    ),
    "clear_operator_policy": Command(
        "delete an operator policy",
        verb("delete_operator_policy", "vhost", "policy"),
        ("policy",),
        banner='Clearing operator policy "{policy}" on vhost "{vhost}" ...',
    ),
    "list_operator_policies": Command(
        "list a vhost's operator policies",
        verb("list_vhost_operator_policies", "vhost"),
        columns=POLICY_COLUMNS,
        banner='Listing operator policy overrides for vhost "{vhost}" ...',
    ),
    "set_parameter": Command(
        "set a runtime parameter",
        set_parameter,
        ("component", "name", "value"),
        banner='Setting runtime parameter "{name}" for component "{component}" to "{value}" in vhost "{vhost}" ...',
    ),
    "clear_parameter": Command(
        "delete a runtime parameter",
        clear_parameter,
        ("component", "name"),
        banner='Clearing runtime parameter "{name}" for component "{component}" on vhost "{vhost}" ...',
    ),
    "list_parameters": Command(
        "list a vhost's runtime parameters",
        list_parameters,
        columns=("component", "name", "value"),
        banner='Listing runtime parameters for vhost "{vhost}" ...',
    ),
    "set_global_parameter": Command(
        "set a parameter of the cluster",
        set_global_parameter,
        ("name", "value"),
        banner='Setting global runtime parameter "{name}" to "{value}" ...',
    ),
    "clear_global_parameter": Command(
        "delete a parameter of the cluster",
        clear_global_parameter,
        ("name",),
        banner='Clearing global runtime parameter "{name}" ...',
    ),
    "list_global_parameters": Command(
        "list the parameters of the cluster",
        verb("list_global_parameters"),
        columns=("name", "value"),
        banner="Listing global runtime parameters ...",
    ),
    "export_definitions": Command("write definitions.json", export_definitions, ("file?",)),
    "import_definitions": Command("import definitions.json", import_definitions, ("file?",)),
}
