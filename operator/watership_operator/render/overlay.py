"""What users lay over the operator's manifests, and what of it is refused.

Maps merge. Lists of things that have a key (containers by name, mounts by path, ports by number) merge by it; other
lists replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Manifest = dict[str, Any]
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeClaimTemplates": "metadata.name",
}
OTHER_NAMES = {"rabbitmq": "broker"}  # of the broker's container, in manifests for RabbitMQ
OWN_NAMES = ("broker", *OTHER_NAMES)
OWN_POD_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "serviceAccountName", "serviceAccount")
OWN_SET_FIELDS = ("replicas", "selector", "serviceName", "podManagementPolicy", "updateStrategy")
OWN_SERVICE_FIELDS = ("selector", "clusterIP", "clusterIPs")
OWN_METADATA = ("name", "namespace", "ownerReferences", "finalizers", "uid", "generateName")


def laid_over(base: Any, over: Any, field: str = "") -> Any:
    """field: what the two are in what contains them; it decides how lists merge. Nothing (null) changes nothing: it
    would take away what keeps pods restricted."""
    if over is None:
        return base
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{k: laid_over(base.get(k), v, k) if k in base else named(k, v) for k, v in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        key = key_of(field, over)
        return by_key(base, named(field, over), key) if key else over
    return over


def key_of(field: str, items: list[Any]) -> str:
    if field == "ports":
        return "containerPort" if any("containerPort" in i for i in items) else "port"
    return KEYS.get(field, "")


def by_key(base: list[Any], over: list[Any], key: str) -> list[Any]:
    merged = {value(item, key): item for item in base}
    for item in over:
        before = merged.get(value(item, key))
        merged[value(item, key)] = item if before is None else laid_over(before, item)
    return list(merged.values())


def value(item: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        item = item.get(part) or {}
    return str(item)


def named(field: str, over: Any) -> Any:
    """The broker's container goes by two names."""
    if field != "containers" or not isinstance(over, list):
        return over
    return [{**c, "name": OTHER_NAMES.get(c.get("name", ""), c.get("name"))} for c in over]


def forbidden(override: Any) -> list[str]:
    """Sentences, one for each field that may not be laid over; override: the struct of the specification."""
    found = [f"spec.override.{field} {why}" for field, why in fields(override)]
    return sorted(set(found))


def fields(override: Any) -> Iterator[tuple[str, str]]:
    for name, over, owned in (
        ("statefulSet", override.stateful_set, OWN_SET_FIELDS),
        ("service", override.service, OWN_SERVICE_FIELDS),
    ):
        for field in over.keys() - {"metadata", "spec"}:
            yield f"{name}.{field}", "is no field that can be set; metadata and spec are"
        for field in OWN_METADATA:
            if field in (over.get("metadata") or {}):
                yield f"{name}.metadata.{field}", "is the operator's own"
        for field in owned:
            if field in (over.get("spec") or {}):
                yield f"{name}.spec.{field}", "is the operator's own"
    template = (override.stateful_set.get("spec") or {}).get("template") or {}
    yield from pod_fields("statefulSet.spec.template.spec", template.get("spec") or {})


def pod_fields(where: str, pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in OWN_POD_FIELDS:
        if pod.get(field):
            yield f"{where}.{field}", REFUSED
    for volume in pod.get("volumes") or ():
        if "hostPath" in volume:
            yield f"{where}.volumes[{volume.get('name')}].hostPath", "is refused: pods do not see the machine's files"
    yield from security_fields(where, pod.get("securityContext") or {})
    for group in ("containers", "initContainers"):
        for container in pod.get(group) or ():
            at = f"{where}.{group}[{container.get('name')}]"
            if "image" not in container and (group == "initContainers" or container.get("name") not in OWN_NAMES):
                yield at, "names no container of the pod and has no image; leave it out, or give it one"
            yield from security_fields(at, container.get("securityContext") or {})
            if any(port.get("hostPort") for port in container.get("ports") or ()):
                yield f"{at}.ports.hostPort", REFUSED


REFUSED = "is refused: pods stay within the restricted pod security standard"
SECURITY: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("privileged", bool),
    ("allowPrivilegeEscalation", bool),
    ("runAsUser", lambda user: user == 0),
    ("runAsNonRoot", lambda value: value is False),
    ("readOnlyRootFilesystem", lambda value: value is False),
    ("procMount", lambda value: value not in (None, "Default")),
    ("capabilities", lambda value: bool((value or {}).get("add"))),
    ("seccompProfile", lambda value: (value or {}).get("type") == "Unconfined"),
    ("appArmorProfile", lambda value: (value or {}).get("type") == "Unconfined"),
)


def security_fields(where: str, security: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a pod's or a container's securityContext."""
    for field, refused in SECURITY:
        if field in security and refused(security[field]):
            part = f"{field}.add" if field == "capabilities" else field
            yield f"{where}.securityContext.{part}", REFUSED
