"""Leader election by a Lease: one replica works, the others wait. It is released on exit, so that the next one
starts at once.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from .client import Kube, KubeError

log = logging.getLogger("watership.lease")
DURATION = 15  # seconds without renewal after which another replica takes over
RENEW = 5
RETRY = 2
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class LeaderLease:
    """Use `acquire`, then keep `hold` running; when `hold` returns, the lease is lost and the process has to end."""

    def __init__(self, kube: Kube, namespace: str, name: str, identity: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.name = name
        self.identity = identity

    async def acquire(self) -> None:
        """Returns when this replica is the leader."""
        while not await self.take():
            await asyncio.sleep(RETRY)
        log.info("%s leads (Lease %s/%s)", self.identity, self.namespace, self.name)

    async def hold(self) -> None:
        renewed = datetime.now(UTC)
        while datetime.now(UTC) - renewed < timedelta(seconds=DURATION - RETRY):
            await asyncio.sleep(RENEW)
            if await self.take():
                renewed = datetime.now(UTC)
        log.error("the Lease %s/%s is lost", self.namespace, self.name)

    async def release(self) -> None:
        try:
            lease = await self.kube.get("coordination.k8s.io/v1", "Lease", self.namespace, self.name)
            if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
                await self.kube.replace({**lease, "spec": {**lease["spec"], "holderIdentity": "", "renewTime": None}})
        except KubeError as error:
            log.warning("the Lease could not be released: %s", error)

    async def take(self) -> bool:
        """Takes or renews the lease; False when somebody else has it or the API server does not answer."""
        try:
            lease = await self.kube.get("coordination.k8s.io/v1", "Lease", self.namespace, self.name)
            if lease is None:
                await self.kube.create(self.manifest({}))
                return True
            if not self.free(lease["spec"]):
                return False
            await self.kube.replace({**lease, "spec": self.manifest(lease["spec"])["spec"]})
        except KubeError as error:
            if error.status != 409:
                log.warning("the Lease %s/%s: %s", self.namespace, self.name, error)
            return False
        return True

    def free(self, spec: dict[str, Any]) -> bool:
        if spec.get("holderIdentity") in (self.identity, "", None) or not spec.get("renewTime"):
            return True
        renewed = datetime.strptime(spec["renewTime"], FORMAT).replace(tzinfo=UTC)
        return datetime.now(UTC) - renewed > timedelta(seconds=spec.get("leaseDurationSeconds", DURATION))

    def manifest(self, old: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime(FORMAT)
        ours = old.get("holderIdentity") == self.identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
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
