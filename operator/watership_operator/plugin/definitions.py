"""definitions.json to custom resources and back. Pure: salts are an argument.

A user's password hash becomes a Secret that the User imports; on the way back a password becomes a hash again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watership.model.users import DEFAULT_ALGORITHM, hash_password, parse_tags
from watership_operator.kinds import SPECS, InvalidResource, parse
from watership_operator.kinds.resource import API_VERSION

Entry = Mapping[str, Any]
Manifest = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
RIGHTS = ("configure", "write", "read")


@dataclass
class Converted:
    """left_out: a sentence about everything that has no counterpart."""

    objects: list[Manifest] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def object_name(*parts: str) -> str:
    """A Kubernetes name for a broker's: the same where it can be, else readable and with a hash of the whole."""
    if len(parts) == 1 and NAME.fullmatch(parts[0]) and len(parts[0]) <= 63:
        return parts[0]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:6]
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(p for p in parts if p != "/").lower()).strip("-")[:50].strip("-")
    return f"{words}-{digest}" if words else f"x-{digest}"


def in_vhost(entry: Entry, name: str) -> str:
    """The object's name for a broker object: two vhosts may have one of the same name."""
    vhost = str(entry.get("vhost", "/"))
    return object_name(name) if vhost == "/" else object_name(vhost, name)


# definitions.json -> objects


def to_objects(definitions: Entry, *, reference: Entry, namespace: str, vhost: str = "/", skip: str = "") -> Converted:
    """reference: the clusterReference that every object gets. vhost: of definitions that name none. skip: a user who
    is not made, since the cluster brings it along."""
    made = Converted()
    for section, (kind, convert) in SECTIONS.items():
        for raw in definitions.get(section, ()):
            entry = {"vhost": vhost, **raw}
            found = convert(entry, definitions)
            if isinstance(found, str):
                made.left_out.append(found)
                continue
            if found is None or (kind == "User" and entry["name"] == skip):
                continue
            name, spec = found
            add(made, kind, namespace, name, {"clusterReference": dict(reference), **spec})
            if kind == "User":
                made.objects.append(credentials(namespace, name, entry))
    for section in sorted(set(definitions) - set(SECTIONS) - IGNORED):
        made.left_out += [
            f"{section}: {e.get('component', '')} '{e.get('name', '')}'" for e in definitions[section] if e
        ]
    return made


def add(made: Converted, kind: str, namespace: str, name: str, spec: Manifest) -> None:
    metadata = {"name": name, "namespace": namespace}
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    if kind not in SPECS:
        made.left_out.append(f"{kind} '{name}': this version has no such kind")
        return
    try:
        parse(manifest)
    except InvalidResource as problem:
        made.left_out.append(str(problem))
        return
    made.objects.append(manifest)


def named(entry: Entry) -> tuple[str, Manifest]:
    """Object name, and the fields that name the thing in the broker."""
    name = in_vhost(entry, str(entry["name"]))
    found = {} if name == entry["name"] else {"name": entry["name"]}
    return name, {**found, **({} if entry["vhost"] == "/" else {"vhost": entry["vhost"]})}


def exchange(entry: Entry, _: Entry) -> tuple[str, Manifest] | None:
    if entry["name"] == "" or entry["name"].startswith("amq."):
        return None
    name, spec = named(entry)
    spec["type"] = entry.get("type", "direct")
    return name, {**spec, **flags(entry, durable=True, auto_delete=False, internal=False), **arguments_of(entry)}


def queue(entry: Entry, _: Entry) -> tuple[str, Manifest]:
    name, spec = named(entry)
    arguments = dict(entry.get("arguments") or {})
    kind = arguments.pop("x-queue-type", entry.get("type"))
    spec |= {"type": kind} if kind else {}
    return name, {**spec, **flags(entry, durable=True, auto_delete=False), **arguments_of({"arguments": arguments})}


def flags(entry: Entry, **defaults: bool) -> Manifest:
    camel = {"auto_delete": "autoDelete"}
    return {camel.get(k, k): bool(entry[k]) for k, default in defaults.items() if entry.get(k, default) != default}


def arguments_of(entry: Entry) -> Manifest:
    return {"arguments": dict(entry["arguments"])} if entry.get("arguments") else {}


def binding(entry: Entry, _: Entry) -> tuple[str, Manifest] | None:
    if entry["source"] == "":
        return None  # every queue is bound to the default exchange by its name
    parts = (entry["vhost"], entry["source"], entry["destination_type"], entry["destination"], entry["routing_key"])
    spec = {"source": entry["source"], "destination": entry["destination"]}
    spec |= {} if entry["vhost"] == "/" else {"vhost": entry["vhost"]}
    spec |= {} if entry["destination_type"] == "queue" else {"destinationType": entry["destination_type"]}
    spec |= {"routingKey": entry["routing_key"]} if entry["routing_key"] else {}
    more = [f"{k}={v}" for k, v in sorted((entry.get("arguments") or {}).items())]
    return object_name(*map(str, parts), *more), {**spec, **arguments_of(entry)}


def user(entry: Entry, definitions: Entry) -> tuple[str, Manifest]:
    name = object_name(entry["name"])
    found = [p for p in definitions.get("permissions", ()) if p["user"] == entry["name"]]
    permissions = [{"vhost": p["vhost"], **{r: p[r] for r in RIGHTS}} for p in found]
    spec: Manifest = {"importCredentialsSecret": {"name": f"{name}-imported"}}
    tags = list(parse_tags(entry.get("tags", ())))
    return name, {**spec, **({"tags": tags} if tags else {}), **({"permissions": permissions} if permissions else {})}


def credentials(namespace: str, name: str, entry: Entry) -> Manifest:
    data = {"username": entry["name"], "passwordHash": entry.get("password_hash", "")}
    algorithm = entry.get("hashing_algorithm", DEFAULT_ALGORITHM)
    if algorithm != DEFAULT_ALGORITHM:
        data["hashingAlgorithm"] = algorithm
    metadata = {"name": f"{name}-imported", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def vhost(entry: Entry, _: Entry) -> tuple[str, Manifest] | None:
    if entry["name"] == "/":
        return None
    about = {**entry, **(entry.get("metadata") or {})}
    name = object_name(entry["name"])
    spec: Manifest = {} if name == entry["name"] else {"name": entry["name"]}
    spec |= {"tags": list(about["tags"])} if about.get("tags") else {}
    kind = about.get("default_queue_type")
    return name, {**spec, **({"defaultQueueType": kind} if kind and kind != "undefined" else {})}


def policy(entry: Entry, _: Entry) -> tuple[str, Manifest]:
    name, spec = named(entry)
    applies = {"applyTo": entry.get("apply-to", "all"), "priority": entry.get("priority", 0)}
    return name, {**spec, "pattern": entry["pattern"], **applies, "definition": dict(entry["definition"])}


def parameter(entry: Entry, _: Entry) -> tuple[str, Manifest] | str:
    """Operator policies stand among the parameters."""
    if entry.get("component") != "operator_policy":
        return f"parameters: {entry.get('component')} '{entry.get('name')}'"
    return policy({**entry["value"], "name": entry["name"], "vhost": entry["vhost"]}, {})


def topic_permission(entry: Entry, _: Entry) -> tuple[str, Manifest]:
    name = object_name(entry["vhost"], entry["user"], entry["exchange"])
    rights = {"exchange": entry["exchange"], "write": entry["write"], "read": entry["read"]}
    return name, {"vhost": entry["vhost"], "user": entry["user"], "permissions": rights}


Convert = Callable[[Entry, Entry], tuple[str, Manifest] | str | None]  # a sentence: left out; None: nothing is lost
SECTIONS: dict[str, tuple[str, Convert]] = {
    "vhosts": ("Vhost", vhost),
    "users": ("User", user),
    "topic_permissions": ("TopicPermission", topic_permission),
    "policies": ("Policy", policy),
    "parameters": ("OperatorPolicy", parameter),
    "exchanges": ("Exchange", exchange),
    "queues": ("Queue", queue),
    "bindings": ("Binding", binding),
}
IGNORED = {"rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format"}
IGNORED |= {"permissions", "original_cluster_name", "explanation", "original_vhost_name", "metadata"}


# objects -> definitions.json


def to_definitions(
    objects: Iterable[Entry], *, secrets: Mapping[tuple[str, str], Mapping[str, str]], salt: Callable[[], bytes]
) -> Converted:
    """One definitions.json in `objects`; secrets: (namespace, name) to decoded data. salt: 4 random octets."""
    made: dict[str, list[Manifest]] = {s: [] for s in (*SECTIONS, "permissions", "global_parameters")}
    made["vhosts"].append({"name": "/"})
    left_out = []
    for item in objects:
        spec = {"vhost": "/", **item["spec"]}
        spec.setdefault("name", item["metadata"]["name"])
        if item["kind"] == "User":
            problem = add_user(made, item, spec, secrets, salt)
            left_out += [problem] if problem else []
        elif item["kind"] in BACK:
            section, back = BACK[item["kind"]]
            made[section].append(back(spec))
        else:
            left_out.append(f"{item['kind']} '{item['metadata']['name']}' has no place in definitions.json")
    return Converted([{"rabbit_version": "4.2.0", "product_name": "Watership", **made}], left_out)


def add_user(
    made: dict[str, list[Manifest]],
    item: Entry,
    spec: Manifest,
    secrets: Mapping[tuple[str, str], Mapping[str, str]],
    salt: Callable[[], bytes],
) -> str | None:
    """A sentence when its Secret is not there."""
    imported, given = spec.get("importCredentialsSecret"), spec.get("passwordSecret")
    source = imported or given or {"name": f"{item['metadata']['name']}-user-credentials"}
    data = secrets.get((item["metadata"]["namespace"], source["name"]), {})
    name = data.get("username", spec["name"]) if imported else spec["name"]
    password = data.get(given.get("key", "password") if given else "password")
    hashed = data.get("passwordHash") or (hash_password(password, salt()) if password else "")
    algorithm = data.get("hashingAlgorithm", DEFAULT_ALGORITHM)
    tags = list(spec.get("tags", ()))
    made["users"].append({"name": name, "password_hash": hashed, "hashing_algorithm": algorithm, "tags": tags})
    for p in spec.get("permissions", ()):
        made["permissions"].append({"user": name, "vhost": p["vhost"], **{r: p.get(r, "") for r in RIGHTS}})
    return None if hashed else f"the password of user '{name}': Secret {source['name']} has none"


def back_policy(spec: Manifest) -> Manifest:
    kept = {k: spec[k] for k in ("vhost", "name", "pattern", "definition")}
    return {**kept, "apply-to": spec.get("applyTo", "all"), "priority": spec.get("priority", 0)}


def back_operator_policy(spec: Manifest) -> Manifest:
    value = {k: v for k, v in back_policy(spec).items() if k not in ("vhost", "name")}
    return {"vhost": spec["vhost"], "component": "operator_policy", "name": spec["name"], "value": value}


def back_queue(spec: Manifest) -> Manifest:
    kind = {"x-queue-type": spec["type"]} if "type" in spec else {}
    return {**back_flags(spec), "arguments": {**kind, **spec.get("arguments", {})}}


def back_flags(spec: Manifest) -> Manifest:
    names = {"vhost": spec["vhost"], "name": spec["name"]}
    return {**names, "durable": spec.get("durable", True), "auto_delete": spec.get("autoDelete", False)}


def back_exchange(spec: Manifest) -> Manifest:
    more = {"type": spec.get("type", "direct"), "internal": spec.get("internal", False)}
    return {**back_flags(spec), **more, "arguments": spec.get("arguments", {})}


def back_binding(spec: Manifest) -> Manifest:
    return {
        "source": spec["source"],
        "vhost": spec["vhost"],
        "destination": spec["destination"],
        "destination_type": spec.get("destinationType", "queue"),
        "routing_key": spec.get("routingKey", ""),
        "arguments": spec.get("arguments", {}),
    }


def back_vhost(spec: Manifest) -> Manifest:
    kind = {"default_queue_type": spec["defaultQueueType"]} if "defaultQueueType" in spec else {}
    return {"name": spec["name"], "tags": list(spec.get("tags", ())), **kind}


def back_permission(spec: Manifest) -> Manifest:
    user = spec.get("user") or (spec.get("userReference") or {}).get("name", "")
    return {"user": user, "vhost": spec["vhost"], **{r: spec.get("permissions", {}).get(r, "") for r in RIGHTS}}


def back_topic_permission(spec: Manifest) -> Manifest:
    rights = spec.get("permissions", {})
    found = back_permission(spec)
    del found["configure"]
    return {**found, "exchange": rights.get("exchange", "")}


BACK: dict[str, tuple[str, Callable[[Manifest], Manifest]]] = {
    "Queue": ("queues", back_queue),
    "Exchange": ("exchanges", back_exchange),
    "Binding": ("bindings", back_binding),
    "Vhost": ("vhosts", back_vhost),
    "Policy": ("policies", back_policy),
    "OperatorPolicy": ("parameters", back_operator_policy),
    "Permission": ("permissions", back_permission),
    "TopicPermission": ("topic_permissions", back_topic_permission),
}
