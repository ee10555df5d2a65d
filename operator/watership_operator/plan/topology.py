"""Users, exchanges, queues and bindings of one broker: from objects and a snapshot to steps and verdicts.

Deletions come first, then users, exchanges, queues, bindings, each in the order of age. Of two objects for the same
thing in the broker the older one owns it; the newer one says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from watership.admin.api import Snapshot
from watership_operator.kinds import TOPOLOGY, Resource

from . import users, wanted
from .observed import Observed
from .step import CREATED, FAILED, Key, Plan, Step, Verdict
from .wanted import Identity, Wanted

Secrets = Mapping[tuple[str, str], Mapping[str, str]]  # (namespace, name) to decoded data
Difference = Callable[[Wanted, Mapping[str, Any]], str | None]
DIFFERENCES: dict[str, Difference] = {
    "Exchange": wanted.exchange_difference,
    "Queue": wanted.queue_difference,
    "Binding": lambda _wanted, _live: None,
}
BUILDERS: dict[str, Callable[[Resource], Wanted]] = {
    "Exchange": wanted.exchange,
    "Queue": wanted.queue,
    "Binding": wanted.binding,
}


def plan(objects: Iterable[Resource], snapshot: Snapshot, *, secrets: Secrets, token: Callable[[], str]) -> Plan:
    """objects: all of one broker, those that are being deleted included. token: makes up passwords."""
    return Topology(objects, snapshot, secrets, token).plan()


class Topology:
    def __init__(
        self, objects: Iterable[Resource], snapshot: Snapshot, secrets: Secrets, token: Callable[[], str]
    ) -> None:
        self.observed = Observed(snapshot)
        self.secrets = secrets
        self.token = token
        self.objects = sorted(objects, key=lambda r: (TOPOLOGY.index(r.kind), r.age))
        self.steps: list[Step] = []
        self.verdicts: dict[Key, Verdict] = {}
        self.owners: dict[Identity, Resource] = {}
        self.built: dict[Key, Wanted] = {}

    def plan(self) -> Plan:
        for resource in self.objects:
            self.claim(resource)
        for resource in reversed(self.objects):  # bindings before what they bind
            if resource.deleting:
                self.delete(resource)
        for resource in self.objects:
            if not resource.deleting:
                self.declare(resource)
        return Plan(tuple(self.steps), self.verdicts)

    def build(self, resource: Resource) -> Wanted | None:
        """None: it cannot be said yet what the object is (a user whose name is in a Secret that is not there)."""
        if resource.kind == "User":
            name = users.name_of(resource, self.secrets)
            return None if name is None else wanted.user(resource, name)
        return BUILDERS[resource.kind](resource)

    def claim(self, resource: Resource) -> None:
        built = self.build(resource)
        if built is None:
            return
        self.built[resource.key] = built
        if not resource.deleting:
            self.owners.setdefault(built.identity, resource)

    # Deleting

    def delete(self, resource: Resource) -> None:
        built = self.built.get(resource.key)
        release = Verdict(False, "Deleted", "", release=True)
        if built is None or resource.spec.deletion_policy == "Retain" or built.identity in self.owners:
            self.verdicts[resource.key] = release
            return
        verb, arguments = built.delete
        if resource.kind == "User":
            present = built.identity[1] in self.observed.users
            self.observed.users.pop(built.identity[1], None)
        else:
            live = self.observed.get(built.identity)
            present = bool(live)
            if resource.kind == "Binding" and live:
                arguments = (*arguments, live["properties_key"])
            self.observed.deleted(built.identity)
        if present:
            self.steps.append(Step("broker", verb, resource.key, f"deletes {built.title}", arguments))
        self.verdicts[resource.key] = release

    # Declaring

    def declare(self, resource: Resource) -> None:
        built = self.built.get(resource.key)
        owner = self.owners.get(built.identity) if built else resource
        if built is not None and owner is not None and owner.key != resource.key:
            sentence = f"{built.title} belongs to {owner}, which is older"
            self.verdicts[resource.key] = Verdict(False, "Conflict", sentence, stalled=True)
        elif resource.kind == "User":
            steps, verdict = users.declare(resource, built, self.observed, self.secrets, self.token)
            self.steps += steps
            self.verdicts[resource.key] = verdict
        elif built is not None:
            self.verdicts[resource.key] = self.declare_object(resource, built)

    def declare_object(self, resource: Resource, built: Wanted) -> Verdict:
        if resource.spec.vhost not in self.observed.vhosts:
            return waits(f"waits for vhost '{resource.spec.vhost}' to exist")
        if resource.kind == "Binding":
            missing = self.missing_end(resource)
            if missing:
                return waits(f"waits for {missing} to exist")
        live = self.observed.get(built.identity)
        if live:
            difference = DIFFERENCES[resource.kind](built, live)
            if difference:
                return Verdict(False, FAILED, difference)
        if live is None:
            drift = resource.condition("Ready").get("status") == "True"
            again = " again: somebody had removed it from the broker" if drift else ""
            verb, arguments = built.put
            sentence = f"declares {built.title}{again}"
            self.steps.append(Step("broker", verb, resource.key, sentence, arguments, drift=drift))
            self.observed.declared(built.identity)
        return Verdict(True, CREATED, f"{built.title} is in the broker as declared here")

    def missing_end(self, resource: Resource) -> str | None:
        spec = resource.spec
        for kind, name in (("exchange", spec.source), (spec.destination_type, spec.destination)):
            if not self.observed.has(kind, spec.vhost, name):
                return f"{kind} '{name}' in vhost '{spec.vhost}'"
        return None


def waits(sentence: str) -> Verdict:
    return Verdict(False, "Waiting", sentence)
