"""Users: whose password comes from where, and what they may do in which vhost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from watership.model.users import DEFAULT_ALGORITHM, User, verify
from watership_operator.kinds import Resource
from watership_operator.kinds.resource import ROTATE

from .observed import Observed
from .step import CREATED, Key, Step, Verdict
from .wanted import Wanted, broker_name, limit_calls, limits_of

Secrets = Mapping[tuple[str, str], Mapping[str, str]]


def generated_secret(resource: Resource) -> str:
    return f"{resource.name}-user-credentials"


def imported_secret(resource: Resource) -> str | None:
    imported = resource.spec.import_credentials_secret
    return None if imported is msgspec.UNSET else str(imported.name)


def secrets_of(resource: Resource) -> set[str]:
    """Names of the Secrets that a plan has to see."""
    given, imported = resource.spec.password_secret, imported_secret(resource)
    if given is not msgspec.UNSET:
        return {given.name}
    return {generated_secret(resource), *([imported] if imported else [])}


def name_of(resource: Resource, secrets: Secrets) -> str | None:
    """The user's name in the broker; None while it stands in a Secret that is not there, and never stood there."""
    imported = imported_secret(resource)
    if imported is None:
        return broker_name(resource)
    found = secrets.get((resource.namespace, imported), {}).get("username")
    return found or (resource.status.get("username") if resource.deleting else None)


@dataclass(frozen=True)
class Login:
    """What opens a user. password None: its hash. secret: where it stands; ours: that Secret is made by the operator.
    make: it has to be made, or made anew."""

    secret: str
    ours: bool
    password: str | None = None
    password_hash: str | None = None
    algorithm: str = DEFAULT_ALGORITHM
    make: bool = False

    def opens(self, live: Mapping[str, Any]) -> bool:
        stored, algorithm = str(live["password_hash"]), str(live.get("hashing_algorithm", DEFAULT_ALGORITHM))
        if self.password is None:
            return stored == self.password_hash and (not stored or algorithm == self.algorithm)
        return verify(User("", stored, algorithm), self.password)

    def body(self) -> dict[str, Any]:
        if self.password is not None:
            return {"password": self.password}
        return {"password_hash": self.password_hash, "hashing_algorithm": self.algorithm}


def login(resource: Resource, secrets: Secrets, token: Callable[[], str]) -> Login | str:
    """A string: what is missing."""
    given, imported = resource.spec.password_secret, imported_secret(resource)
    if given is not msgspec.UNSET:
        return read_login(resource, given.name, given.key, secrets)
    if imported is not None:
        found = read_login(resource, imported, "password", secrets)
        alone = isinstance(found, str) and "username" in secrets.get((resource.namespace, imported), {})
        if not alone:
            return found
    secret = generated_secret(resource)
    data = secrets.get((resource.namespace, secret))
    rotate = resource.annotations.get(ROTATE) if "username" in resource.status else None
    if data is None or "password" not in data or rotate not in (None, resource.status.get("rotation")):
        return Login(secret, ours=True, password=token(), make=True)
    return Login(secret, ours=True, password=data["password"])


def read_login(resource: Resource, secret: str, key: str, secrets: Secrets) -> Login | str:
    what = f"Secret {resource.namespace}/{secret}"
    data = secrets.get((resource.namespace, secret))
    if data is None:
        return f"{what} to exist"
    imported = imported_secret(resource) == secret
    if imported and "username" not in data:
        return f"the key 'username' in {what}"
    if imported and "passwordHash" in data:
        algorithm = data.get("hashingAlgorithm", DEFAULT_ALGORITHM)
        return Login(secret, ours=False, password_hash=data["passwordHash"], algorithm=algorithm)
    if key not in data:
        return f"the key '{key}' in {what}"
    return Login(secret, ours=False, password=data[key])


def declare(
    resource: Resource, built: Wanted | None, observed: Observed, secrets: Secrets, token: Callable[[], str]
) -> tuple[list[Step], Verdict]:
    found = login(resource, secrets, token)
    if isinstance(found, str) or built is None:
        return [], Verdict(False, "Waiting", f"waits for {found}")
    name = built.identity[1]
    steps = []
    if found.make:
        steps.append(make_secret(resource, found.secret, {"username": name, "password": str(found.password)}))
    steps += put_user(resource, name, found, observed)
    observed.declared(built.identity)
    unknown = [p.vhost for p in resource.spec.permissions if not observed.has(("vhost", p.vhost))]
    steps += put_permissions(resource, name, observed)
    extra = {"binding": {"name": found.secret}, "credentials": {"name": found.secret}}
    if ROTATE in resource.annotations:
        extra["rotation"] = resource.annotations[ROTATE]  # type: ignore[assignment]
    if unknown:
        sentence = f"waits for vhost '{unknown[0]}' to exist, to give user '{name}' permissions in it"
        return steps, Verdict(False, "Waiting", sentence, extra=extra)
    return steps, Verdict(True, CREATED, f"user '{name}' is in the broker as declared here", extra=extra)


def put_user(resource: Resource, name: str, found: Login, observed: Observed) -> list[Step]:
    """Makes it, or puts right its password, tags and limits. A password that differs is no drift: its Secret may be
    what changed."""
    live = observed.get(("user", name))
    tags, limits = sorted(resource.spec.tags), limits_of(resource.spec.limits)
    known = resource.settled and resource.status.get("username", name) == name
    steps = []
    if live is None:
        lost = " again: somebody had removed it from the broker" if known else ""
        steps.append((f"makes user '{name}'{lost}", known))
    elif sorted(live["tags"]) != tags:
        back = " back: somebody had changed it in the broker" if known else ""
        steps.append((f"changes user '{name}'{back}", known))
    elif not found.opens(live):
        steps.append((f"changes the password of user '{name}'", False))
    body = {**found.body(), "tags": tags}
    made = [broker_step(resource.key, sentence, "put_user", name, body, drift=drift) for sentence, drift in steps]
    calls = limit_calls(limits, (live or {}).get("limits") or {}, of="user", name=name)
    sentence, drift = f"sets the limits of user '{name}'", known and live is not None
    return made + [broker_step(resource.key, sentence, verb, *given, drift=drift) for verb, given in calls]


def put_permissions(resource: Resource, name: str, observed: Observed) -> list[Step]:
    steps = []
    for p in resource.spec.permissions:
        rights: dict[str, Any] = {"configure": p.configure, "write": p.write, "read": p.read}
        live = observed.get(("permission", p.vhost, name)) or {}
        if observed.has(("vhost", p.vhost)) and any(live.get(k) != v for k, v in rights.items()):
            drift = resource.settled and p.vhost in resource.status.get("vhosts", ())
            back = " back: somebody had changed them in the broker" if drift else ""
            sentence = f"gives user '{name}' permissions in vhost '{p.vhost}'{back}"
            steps.append(broker_step(resource.key, sentence, "put_permission", p.vhost, name, rights, drift=drift))
            observed.declared(("permission", p.vhost, name))
    return steps


def broker_step(owner: Key, sentence: str, verb: str, *arguments: Any, drift: bool = False) -> Step:
    return Step("broker", verb, owner, sentence, arguments, drift=drift)


def make_secret(resource: Resource, secret: str, data: Mapping[str, str]) -> Step:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret,
            "namespace": resource.namespace,
            "labels": {"app.kubernetes.io/managed-by": "watership", "watership.dev/user": resource.name},
            "ownerReferences": [owner_reference(resource)],
        },
        "type": "servicebinding.io/rabbitmq",
        "stringData": dict(data),
    }
    sentence = f"makes Secret {resource.namespace}/{secret} with a new password"
    return Step("kubernetes", "apply", resource.key, sentence, manifest=manifest)


def owner_reference(resource: Resource) -> dict[str, Any]:
    return {
        "apiVersion": "watership.dev/v1beta1",
        "kind": resource.kind,
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
