"""All objects of one broker: from objects and a snapshot to steps and verdicts.

Deletions come first, then what is to be there: vhosts, users, permissions, policies, exchanges, queues, bindings, each
in the order of age. Of two objects for the same thing in the broker the older one owns it; the newer one says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import msgspec

from watership.admin.api import Snapshot
from watership_operator.kinds import TOPOLOGY, Resource

from . import rules, users, wanted
from .observed import Observed
from .step import CREATED, FAILED, Key, Plan, Step, Verdict
from .wanted import Identity, Wanted

Secrets = Mapping[tuple[str, str], Mapping[str, str]]  # (namespace, name) to decoded data
BUILDERS: dict[str, Callable[[Resource], Wanted]] = {
    "Vhost": rules.vhost,
    "Policy": rules.policy,
    "OperatorPolicy": rules.operator_policy,
    "Exchange": wanted.exchange,
    "Queue": wanted.queue,
    "Binding": wanted.binding,
}
OF_USERS: dict[str, Callable[[Resource, str], Wanted]] = {
    "User": wanted.user,
    "Permission": rules.permission,
    "TopicPermission": rules.topic_permission,
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
        self.users = {(r.namespace, r.name): r for r in self.objects if r.kind == "User"}
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
        if resource.kind in BUILDERS:
            return BUILDERS[resource.kind](resource)
        name = self.user_of(resource)
        return None if name is None else OF_USERS[resource.kind](resource, name)

    def user_of(self, resource: Resource) -> str | None:
        """The name in the broker of a User, or of whom a permission is for."""
        if resource.kind == "User":
            return users.name_of(resource, self.secrets)
        spec = resource.spec
        if spec.user is not msgspec.UNSET:
            return str(spec.user)
        user = self.users.get((resource.namespace, spec.user_reference.name))
        remembered = resource.status.get("user") if resource.deleting else None
        return (None if user is None else users.name_of(user, self.secrets)) or remembered

    def claim(self, resource: Resource) -> None:
        built = self.build(resource)
        if built is None:
            return
        self.built[resource.key] = built
        if resource.deleting:
            return
        owner = self.owners.setdefault(built.identity, resource)
        if resource.kind == "User" and owner is resource:
            for given in resource.spec.permissions:
                self.owners.setdefault(("permission", given.vhost, built.identity[1]), resource)

    # Deleting

    def delete(self, resource: Resource) -> None:
        built = self.built.get(resource.key)
        self.verdicts[resource.key] = Verdict(False, "Deleted", "", release=True)
        if built is None or resource.spec.retained or built.identity in self.owners:
            return
        live = self.observed.get(built.identity)
        reason = built.keeps(live) if live else None
        if reason is not None:
            self.verdicts[resource.key] = Verdict(False, "Deleting", reason)
            return
        self.observed.deleted(built.identity)
        if live is not None:
            verb, arguments = built.delete
            if resource.kind == "Binding":
                arguments = (*arguments, live["properties_key"])
            sentence = f"deletes {built.title}"
            self.steps.append(Step("broker", verb, resource.key, sentence, arguments, options=built.options))

    # Declaring

    def declare(self, resource: Resource) -> None:
        built = self.built.get(resource.key)
        owner = self.owners.get(built.identity) if built else resource
        if built is not None and owner is not None and owner.key != resource.key:
            older = ", which is older" if owner.kind == resource.kind else ", in its spec.permissions"
            verdict = Verdict(False, "Conflict", f"{built.title} belongs to {owner}{older}", stalled=True)
        elif resource.kind == "User":
            steps, verdict = users.declare(resource, built, self.observed, self.secrets, self.token)
            self.steps += steps
            if built is not None:
                verdict = self.leave_nothing_behind(resource, built.identity[1], verdict)
        elif built is not None:
            verdict = self.declare_object(resource, built)
        else:
            verdict = waits(f"waits for User {resource.namespace}/{resource.spec.user_reference.name} of this broker")
        self.verdicts[resource.key] = verdict

    def declare_object(self, resource: Resource, built: Wanted) -> Verdict:
        missing = next((title for identity, title in built.needs if not self.observed.has(identity)), None)
        if missing is not None:
            return waits(f"waits for {missing} to exist")
        live = self.observed.get(built.identity)
        refusal = built.refusal(live) if live else None
        if refusal is not None:
            return Verdict(False, FAILED, refusal)
        drift = resource.settled
        if live is None:
            again = " again: somebody had removed it from the broker" if drift else ""
            calls, sentence = list(built.put), f"declares {built.title}{again}"
        else:
            back = " back: somebody had changed it in the broker" if drift else ""
            calls, sentence = built.repairs(live) if live else [], f"changes {built.title}{back}"
        step = partial(Step, "broker", owner=resource.key, sentence=sentence)
        self.steps += [step(verb=verb, arguments=arguments, drift=drift) for verb, arguments in calls]
        self.observed.declared(built.identity)
        return Verdict(True, CREATED, f"{built.title} is in the broker as declared here", extra=built.status)

    def leave_nothing_behind(self, resource: Resource, name: str, verdict: Verdict) -> Verdict:
        """A User under a new name, and vhosts that it gives no permissions in any more."""
        before = resource.status.get("username", name)
        given = [p.vhost for p in resource.spec.permissions]
        if before != name and ("user", before) not in self.owners and not resource.spec.retained:
            if self.observed.get(("user", before)) is not None:
                sentence = f"deletes user '{before}', who is called '{name}' now"
                self.steps.append(Step("broker", "delete_user", resource.key, sentence, (before,)))
            self.observed.deleted(("user", before))
        for vhost in resource.status.get("vhosts", ()):
            identity = ("permission", vhost, name)
            if vhost not in given and identity not in self.owners and self.observed.get(identity) is not None:
                sentence = f"takes back the permissions of user '{name}' in vhost '{vhost}'"
                self.steps.append(Step("broker", "delete_permission", resource.key, sentence, (vhost, name)))
                self.observed.deleted(identity)
        if verdict.reason not in (CREATED, "Waiting") or self.observed.get(("user", name)) is None:
            return verdict
        memory = {"username": name, **({"vhosts": given} if given or "vhosts" in resource.status else {})}
        return replace(verdict, extra={**verdict.extra, **memory})


def waits(sentence: str) -> Verdict:
    return Verdict(False, "Waiting", sentence)
