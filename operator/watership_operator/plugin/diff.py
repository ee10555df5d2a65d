"""what `kubectl apply -f` (or delete) would do in the broker, step by step, and what would be lost.

Exit status: 0 when nothing would change, 1 when something would, 2 when the API server would refuse something.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from watership.admin.client import Client
from watership_operator.cache import Key, topology_key
from watership_operator.kinds import InvalidResource, Resource, parse
from watership_operator.kinds.resource import API_VERSION
from watership_operator.plan import Step, topology, users

from . import broker
from .objects import Problem, Target, cluster_of

Secrets = dict[tuple[str, str], dict[str, str]]


@dataclass
class Change:
    """One broker's share of the files: its objects as they would be, the ones that go among them."""

    key: Key
    objects: dict[tuple[str, str, str], Resource]


EXAMPLES = (
    "kubectl watership diff -f topology/     # what an apply would do in the broker",
    "kubectl watership diff -f old.yaml --delete   # what a delete would lose: queues, messages",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--filename", action="append", required=True, help="file or folder of YAML; - is stdin")
    parser.add_argument("--delete", action="store_true", help="as if the objects were deleted, not applied")


def run(target: Target, options: argparse.Namespace) -> int:
    """0: nothing to do; 1: something would change, as `diff` says it; 2: something would be refused."""
    wanted = [parsed(m, target.namespace) for m in read(options.filename) if m.get("apiVersion") == API_VERSION]
    refusals = [] if options.delete else refused(target, options.filename)
    for sentence in refusals:
        print(f"refused: {sentence}")
    changed = False
    for resource in (r for r in wanted if r.kind == "BrokerCluster"):
        changed |= show_cluster(target, resource, delete=options.delete)
    for change in changes(target, [r for r in wanted if r.kind != "BrokerCluster"], delete=options.delete):
        changed |= show(target, change)
    if not changed and not refusals:
        print("nothing would change")
    return 2 if refusals else int(changed)


def read(names: Iterable[str]) -> Iterable[dict[str, Any]]:
    for name in names:
        path = Path(name)
        files = (
            sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json")) if path.is_dir() else [path]
        )
        for file in files:
            text = sys.stdin.read() if name == "-" else file.read_text()
            try:
                found = [m for m in yaml.safe_load_all(text) if isinstance(m, dict)]
            except yaml.YAMLError as error:
                raise Problem(f"{file}: {error}") from None
            for manifest in found:
                yield from manifest["items"] if manifest.get("kind") == "List" else [manifest]


def parsed(manifest: Mapping[str, Any], namespace: str) -> Resource:
    """As the API server would see it. Raises Problem."""
    metadata = {"namespace": namespace, **(manifest.get("metadata") or {})}
    try:
        return parse({**manifest, "metadata": metadata})
    except InvalidResource as problem:
        raise Problem(str(problem)) from None


def refused(target: Target, names: Iterable[str]) -> list[str]:
    """The API server's own words: it is asked to do everything up to the writing."""
    if "-" in names:
        return []  # read already
    files = [part for name in names for part in ("-f", name)]
    command = target.kubectl("apply", "--dry-run=server", "--recursive", *files)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return [line for line in done.stderr.splitlines() if line and not line.startswith("Warning")]


def changes(target: Target, wanted: list[Resource], *, delete: bool) -> list[Change]:
    """Objects in the files laid over those that are there."""
    found: dict[Key, Change] = {}
    live = [parsed(i, target.namespace) for i in target.topology()]
    for resource in wanted:
        key = topology_key(resource)
        if key not in found:
            found[key] = Change(key, {r.key: r for r in live if topology_key(r) == key})
        known = found[key].objects.get(resource.key)
        found[key].objects[resource.key] = overlaid(resource, known, delete=delete)
    return list(found.values())


def overlaid(resource: Resource, known: Resource | None, *, delete: bool) -> Resource:
    """The resource with what the API server would keep of the one that is there."""
    kept: dict[str, Any] = {"uid": "new", "created": "9999"}  # the youngest of all
    if known is not None:
        kept = {k: getattr(known, k) for k in ("uid", "created", "finalizers", "status")}
    fields = {f: getattr(resource, f) for f in ("kind", "namespace", "name", "spec", "annotations")}
    return Resource(**fields, **kept, deleting="now" if delete else "")


def show(target: Target, change: Change) -> bool:
    """Prints the steps of one broker and what they lose; whether there are any."""

    async def questions(client: Client) -> tuple[Any, list[dict[str, Any]]]:
        return await client.snapshot(), await client.list_queues()

    key = change.key
    at = Target(target.api, key.namespace, target.context)
    if key.reference == "secret":
        snapshot, queues = broker.ask_by_secret(at, key.name, questions)
    else:
        snapshot, queues = broker.ask(at, at.cluster(key.name), questions)
    made = topology.plan(change.objects.values(), snapshot, secrets=secrets(target, change), token=lambda: "generated")
    print(f"{key}:")
    for step in made.steps:
        sign = "-" if step.verb.startswith("delete_") else "+"
        print(f"  {sign} {step.sentence}{loss(step, snapshot, queues)}")
    for owner, verdict in made.verdicts.items():
        if not verdict.ready and not verdict.release:
            print(f"  ! {owner[0]} {owner[2]}: {verdict.sentence}")
    total = sum(messages(q) for q in lost_queues(made.steps, queues))
    if total:
        print(f"  {total} messages would be lost")
    return bool(made.steps)


def secrets(target: Target, change: Change) -> Secrets:
    """Of the Users, each in its own namespace."""
    named = {(r.namespace, name) for r in change.objects.values() if r.kind == "User" for name in users.secrets_of(r)}
    found = {at: Target(target.api, at[0]).secret(at[1]) for at in named}
    return {at: data for at, data in found.items() if data}


def lost_queues(steps: Iterable[Step], queues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    gone = {s.arguments for s in steps if s.verb == "delete_queue"}
    vhosts = {s.arguments[0] for s in steps if s.verb == "delete_vhost"}
    return [q for q in queues if (q["vhost"], q["name"]) in gone or q["vhost"] in vhosts]


def messages(queue: Mapping[str, Any]) -> int:
    return int(queue.get("messages_ready", 0)) + int(queue.get("messages_unacknowledged", 0))


def loss(step: Step, snapshot: Any, queues: list[dict[str, Any]]) -> str:
    """What else goes with the thing that a step deletes."""
    if step.verb in ("delete_queue", "delete_vhost"):
        gone = lost_queues([step], queues)
        count, consumers = sum(map(messages, gone)), sum(q.get("consumers", 0) for q in gone)
        which = f"{len(gone)} queues with " if step.verb == "delete_vhost" else ""
        return f"; loses {which}{count} messages, ends {consumers} consumers"
    if step.verb == "delete_exchange":
        vhost, name = step.arguments[:2]
        bound = [b for b in snapshot["bindings"] if b["vhost"] == vhost and name in (b["source"], exchange_of(b))]
        return f"; loses {len(bound)} bindings"
    return ""


def exchange_of(binding: Mapping[str, Any]) -> str | None:
    return str(binding["destination"]) if binding["destination_type"] == "exchange" else None


def show_cluster(target: Target, resource: Resource, *, delete: bool) -> bool:
    """What a change of a BrokerCluster means for those who use it."""
    at = Target(target.api, resource.namespace, target.context)
    live = next((c for c in at.items("BrokerCluster") if c["metadata"]["name"] == resource.name), None)
    if live is None:
        if not delete:
            print(f"+ makes {resource}")
        return not delete
    if delete:
        inside = [i for i in at.topology() if cluster_of(i) == (resource.namespace, resource.name)]
        print(
            f"- deletes {resource}: every connection ends; {len(inside)} objects wait for another cluster of that name"
        )
        return True
    before = parsed(live, resource.namespace).spec
    names = [f for f in before.__struct_fields__ if getattr(before, f) != getattr(resource.spec, f)]
    for name in names:
        print(f"+ changes {resource}: spec.{name} from {getattr(before, name)!r} to {getattr(resource.spec, name)!r}")
    return bool(names)
