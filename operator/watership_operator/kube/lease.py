"""Leader election by a Lease: one replica works, the others wait. It is released on exit, so that the next one
starts at once.

No replica trusts another's clock: a lease has run out when it has not changed for its duration, as seen from here. The
leader stops believing in itself, and so writing, before anybody else may take over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any

from .client import Kube, KubeError

log = logging.getLogger("watership.lease")
DURATION = 15  # seconds without renewal after which another replica takes over
DEADLINE = 10  # seconds without renewal after which the leader stops
RENEW = 5
RETRY = 2
API_VERSION = "coordination.k8s.io/v1"
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class LeaderLease:
    """Use `acquire`, then keep `hold` running; when `hold` returns, the lease is lost and the process has to end."""

    def __init__(self, kube: Kube, namespace: str, name: str, identity: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.name = name
        self.identity = identity
        self.seen: dict[str, Any] | None = None  # as it was last on the server
        self.changed = 0.0  # when it was first seen so, by time.monotonic
        self.until = 0.0  # this replica leads until then

    def held(self) -> bool:
        return time.monotonic() < self.until

    async def acquire(self) -> None:
        """Returns when this replica is the leader."""
        while not await self.take():
            await asyncio.sleep(RETRY)
        log.info("%s leads (Lease %s/%s)", self.identity, self.namespace, self.name)

    async def hold(self) -> None:
        while self.held():
            await asyncio.sleep(RENEW if await self.take() else 1)
        log.error("the Lease %s/%s is lost", self.namespace, self.name)

    async def release(self) -> None:
        if not self.held() or self.seen is None:
            return
        self.until = 0.0
        try:
            await self.kube.replace(
                {**self.seen, "spec": {**self.seen["spec"], "holderIdentity": "", "renewTime": None}}
            )
        except KubeError as error:
            log.warning("the Lease could not be released: %s", error)

    async def take(self) -> bool:
        """Takes or renews the lease; False when somebody else has it or the API server does not answer."""
        started = time.monotonic()
        try:
            if self.seen is None or not self.held():
                self.note(await self.kube.get(API_VERSION, "Lease", self.namespace, self.name))
            if self.seen is None:
                self.note(await self.kube.create(self.manifest({})))
            elif self.free(self.seen["spec"]):
                self.note(await self.kube.replace({**self.seen, "spec": self.manifest(self.seen["spec"])["spec"]}))
            else:
                self.until = 0.0
                return False
        except KubeError as error:
            if error.status == 409:  # somebody was faster, or it was us and the answer was lost
                self.seen = None
            else:
                log.warning("the Lease %s/%s: %s", self.namespace, self.name, error)
            return False
        self.until = started + DEADLINE
        return True

    def note(self, lease: dict[str, Any] | None) -> None:
        if lease is None or self.seen is None or lease["spec"] != self.seen["spec"]:
            self.changed = time.monotonic()
        self.seen = lease

    def free(self, spec: dict[str, Any]) -> bool:
        if spec.get("holderIdentity") in (self.identity, "", None) or not spec.get("renewTime"):
            return True
        return time.monotonic() - self.changed > float(spec.get("leaseDurationSeconds", DURATION))

    def manifest(self, old: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime(FORMAT)
        ours = old.get("holderIdentity") == self.identity
        return {
            "apiVersion": API_VERSION,
            "kind": "Lease",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": DURATION,
                "acquireTime": old.get("acquireTime", now) if ours else now,
                "renewTime": now,
                "leaseTransitions": old.get("leaseTransitions", 0) + (0 if ours else 1),
            },
        }
