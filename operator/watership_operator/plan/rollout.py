"""Why pods have to start again, and what they take while they run.

The StatefulSet's controller restarts one pod at a time and waits for each to be ready. What a running broker can take
is no part of the pod's template; pods are told of it by an annotation of their own, at which the kubelet brings files
up to date at once instead of within its minute.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from watership.config import ConfigError
from watership_operator.kinds import Resource
from watership_operator.render.configuration import lasting
from watership_operator.render.manifests import DIGEST

from .difference import covers
from .step import Step

FILES = "watership.dev/files"
Object = Mapping[str, Any]


def reasons(old: Object, new: Object, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What about the pods is another. old, new: StatefulSets; before, after: the ConfigMap's files."""
    was, wanted = old["spec"]["template"], new["spec"]["template"]
    found = []
    notes = was["metadata"].get("annotations") or {}
    if notes.get(DIGEST) != wanted["metadata"]["annotations"][DIGEST]:
        keys = changed_keys(before, after)
        found.append(f"the configuration changed ({', '.join(keys)})" if keys else "the configuration changed")
    if not covers({**was["metadata"], "annotations": {**notes, DIGEST: ""}}, without_digest(wanted["metadata"])):
        found.append("labels or annotations of the pods changed")
    found += container_reasons(was["spec"]["containers"][0], wanted["spec"]["containers"][0])
    rest = sorted(k for k, v in wanted["spec"].items() if k != "containers" and not covers(was["spec"].get(k), v))
    if rest:
        found.append(f"{', '.join(rest)} of the pods changed")
    return found


def without_digest(metadata: Object) -> dict[str, Any]:
    return {**metadata, "annotations": {**metadata["annotations"], DIGEST: ""}}


def container_reasons(was: Object, wanted: Object) -> list[str]:
    found = []
    if was.get("image") != wanted["image"]:
        found.append(f"the image changed from {was.get('image')} to {wanted['image']}")
    found += [f"{key} changed" for key, v in wanted.items() if key != "image" and not covers(was.get(key), v)]
    return found


def changed_keys(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Keys that a running broker cannot take."""
    try:
        old, new = lasting(before.values()), lasting(after.values())
    except ConfigError:
        return []
    return sorted(key for key in {**old, **new} if old.get(key) != new.get(key))


def restart(cluster: Resource, old: Object, why: list[str], sentence: str) -> str:
    """The sentence of the step that changes the pods' template."""
    running = (old.get("status") or {}).get("replicas", 0)
    if not running:
        return f"{sentence}: {'; '.join(why)}"
    pods = ", ".join(f"{cluster.name}-server-{i}" for i in reversed(range(running)))
    return f"{sentence} and restarts {pods}, one after the other: {'; '.join(why)}"


def files_digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(parts), sort_keys=True).encode()).hexdigest()[:16]


def nudges(cluster: Resource, pods: Iterable[Object], digest: str) -> list[Step]:
    """One step per pod that was not told yet of the newest files."""
    steps = []
    for pod in pods:
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp") or (metadata.get("annotations") or {}).get(FILES) == digest:
            continue
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": metadata["name"],
                "namespace": cluster.namespace,
                "uid": metadata["uid"],
                "annotations": {FILES: digest},
            },
        }
        sentence = f"brings the files of {metadata['name']} up to date"
        steps.append(Step("kubernetes", "nudge", cluster.key, sentence, manifest=manifest))
    return steps
