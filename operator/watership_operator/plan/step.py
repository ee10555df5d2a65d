"""Steps and verdicts. A sentence is written once and shown everywhere: condition, Event, log, `kubectl watership
why`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Key = tuple[str, str, str]  # kind, namespace, name of a custom resource
Row = tuple[str, str, str]  # status, reason, message of a condition

CREATED = "SuccessfulCreateOrUpdate"
FAILED = "FailedCreateOrUpdate"
DRIFTED = "Drifted"


@dataclass(frozen=True)
class Step:
    """target "broker": verb is one of the admin protocol's, arguments are its. target "kubernetes": verb is apply
    (nudge: the same, of a pod) or delete, of the manifest. event: the reason of the Event that tells of it; "": none.

    owner: the object it is done for; when the step fails, the owner's verdict becomes the error.
    """

    target: Literal["broker", "kubernetes"]
    verb: str
    owner: Key
    sentence: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, bool] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""
    drift: bool = False  # puts right what somebody else changed


@dataclass(frozen=True)
class Verdict:
    """What is so about one object once the plan's steps are done.

    waiting: it will be tried again by itself. stalled: only a change of the object helps. release: its finalizer
    may go.
    """

    ready: bool
    reason: str
    sentence: str
    stalled: bool = False
    release: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)  # further status fields

    @property
    def waiting(self) -> bool:
        return not self.ready and not self.stalled


@dataclass(frozen=True)
class Plan:
    steps: tuple[Step, ...] = ()
    verdicts: Mapping[Key, Verdict] = field(default_factory=dict)
