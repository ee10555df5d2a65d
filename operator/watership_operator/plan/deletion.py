"""When an object's finalizer may go although its broker cannot be asked. Never stuck: every row ends.

| state of the broker                                     | what happens to objects that are being deleted |
| ------------------------------------------------------- | ----------------------------------------------- |
| reachable                                               | deleted in the broker, then released            |
| no BrokerCluster of that name, or it is being deleted   | released: what it held is gone with it          |
| hibernated (replicas 0)                                 | released: said in an Event                      |
| its credentials Secret is gone                          | released                                        |
| unreachable for less than --patience                    | wait                                            |
| unreachable for longer                                  | released: said in an Event                      |
| watership.dev/force-delete: "true" on the object        | released                                        |
| deletionPolicy: Retain                                  | released                                        |
| the cluster takes no objects of this namespace any more | released: the broker is not asked               |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import FORCE_DELETE

from .step import Verdict

PATIENCE = 120.0  # seconds, where nothing else is said
State = Literal["reachable", "gone", "hibernated", "no credentials", "unreachable"]


@dataclass(frozen=True)
class Reach:
    """How it stands with a broker. since: for how many seconds it has been unreachable. sentence: why."""

    state: State
    sentence: str = ""
    since: float = 0.0


def verdict(resource: Resource, reach: Reach, *, patience: float = PATIENCE) -> Verdict | None:
    """About an object that is being deleted. None: ask the broker."""
    if resource.annotations.get(FORCE_DELETE) == "true":
        return released("released by the annotation watership.dev/force-delete; the broker was not asked")
    if resource.spec.retained:
        return released("kept in the broker, as deletionPolicy says")
    if reach.state == "reachable":
        return None
    if reach.state == "unreachable" and reach.since < patience:
        left = int(patience - reach.since)
        sentence = f"{reach.sentence}; gives up asking in {left // 10 * 10 + 10} s"
        return Verdict(False, "Deleting", sentence)
    return released(f"released without asking the broker: {reach.sentence}")


def released(sentence: str) -> Verdict:
    return Verdict(False, "Released", sentence, release=True)
