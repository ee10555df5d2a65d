"""Users: whose password comes from where, and what they may do in which vhost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from watership.model.users import DEFAULT_ALGORITHM, User, verify
from watership_operator.kinds import Resource

from .observed import Observed
from .step import CREATED, Key, Step, Verdict
from .wanted import Wanted, broker_name

HASH = "passwordHash"
Secrets = Mapping[tuple[str, str], Mapping[str, str]]


def generated_secret(resource: Resource) -> str:
    return f"{resource.name}-user-credentials"


def source(resource: Resource) -> tuple[str, str, bool]:
    """Name of the Secret, key of the password in it, and whether it is ours to make."""
    spec = resource.spec
    if spec.password_secret is not msgspec.UNSET:
        return spec.password_secret.name, spec.password_secret.key, False
    if spec.import_credentials_secret is not msgspec.UNSET:
        return spec.import_credentials_secret.name, "password", False
    return generated_secret(resource), "password", True


def name_of(resource: Resource, secrets: Secrets) -> str | None:
    """The user's name in the broker; None while it stands in a Secret that is not there."""
    imported = resource.spec.import_credentials_secret
    if imported is msgspec.UNSET:
        return broker_name(resource)
    return secrets.get((resource.namespace, imported.name), {}).get("username")


def declare(
    resource: Resource, built: Wanted | None, observed: Observed, secrets: Secrets, token: Callable[[], str]
) -> tuple[list[Step], Verdict]:
    secret, key, ours = source(resource)
    data = secrets.get((resource.namespace, secret))
    steps: list[Step] = []
    if data is not None and is_hashed(resource, data):
        key = HASH
    if built is None or (data is None and not ours) or (data is not None and key not in data):
        what = f"Secret {resource.namespace}/{secret}"
        missing = f"{what} to exist" if data is None else f"the key '{key}' in {what}"
        if data is not None and built is None:
            missing = f"the key 'username' in {what}"
        return steps, Verdict(False, "Waiting", f"waits for {missing}")
    name = built.identity[1]
    if data is None:
        data = {"username": name, "password": token()}
        steps.append(make_secret(resource, secret, data))
    steps += put_hash(resource, name, data, observed) if key == HASH else put_user(resource, name, data[key], observed)
    unknown = [p.vhost for p in resource.spec.permissions if p.vhost not in observed.vhosts]
    steps += put_permissions(resource, name, observed)
    extra = {"binding": {"name": secret}}
    if unknown:
        sentence = f"waits for vhost '{unknown[0]}' to exist, to give user '{name}' permissions in it"
        return steps, Verdict(False, "Waiting", sentence, extra=extra)
    return steps, Verdict(True, CREATED, f"user '{name}' is in the broker as declared here", extra=extra)


def put_user(resource: Resource, name: str, password: str, observed: Observed) -> list[Step]:
    live = observed.users.get(name)
    tags = sorted(resource.spec.tags)
    if live is not None:
        known = User(name, str(live["password_hash"]), str(live.get("hashing_algorithm", DEFAULT_ALGORITHM)))
        if sorted(live["tags"]) == tags and verify(known, password):
            return []
    body = {"password": password, "tags": tags}
    verb = "changes" if live is not None else "makes"
    return [broker_step(resource.key, f"{verb} user '{name}'", "put_user", name, body)]


def is_hashed(resource: Resource, data: Mapping[str, str]) -> bool:
    """Imported credentials may hold the hash alone, as definitions.json does."""
    return resource.spec.import_credentials_secret is not msgspec.UNSET and HASH in data and "password" not in data


def put_hash(resource: Resource, name: str, data: Mapping[str, str], observed: Observed) -> list[Step]:
    live, tags = observed.users.get(name), sorted(resource.spec.tags)
    algorithm = data.get("hashingAlgorithm", DEFAULT_ALGORITHM)
    body = {"password_hash": data[HASH], "hashing_algorithm": algorithm, "tags": tags}
    if live is not None and {**live, "tags": sorted(live["tags"])} == {**live, **body}:
        return []
    verb = "changes" if live is not None else "makes"
    return [broker_step(resource.key, f"{verb} user '{name}'", "put_user", name, body)]


def put_permissions(resource: Resource, name: str, observed: Observed) -> list[Step]:
    steps = []
    for p in resource.spec.permissions:
        rights: dict[str, Any] = {"configure": p.configure, "write": p.write, "read": p.read}
        live = observed.permissions.get((name, p.vhost), {})
        if p.vhost in observed.vhosts and any(live.get(k) != v for k, v in rights.items()):
            sentence = f"gives user '{name}' permissions in vhost '{p.vhost}'"
            steps.append(broker_step(resource.key, sentence, "put_permission", p.vhost, name, rights))
    return steps


def broker_step(owner: Key, sentence: str, verb: str, *arguments: Any) -> Step:
    return Step("broker", verb, owner, sentence, arguments)


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
