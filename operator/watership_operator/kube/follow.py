"""Following one kind: read once, then told of every change, for as long as the process lives.

kopf keeps a task, a queue and a memory per object. For kinds of which there are thousands this costs four times the
memory and three times the start; docs/decisions/0004-own-watches.md has the figures.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable
from typing import Any

from .client import Kube, KubeError

log = logging.getLogger("watership.watch")
GONE = 410  # the server does not remember that version any more
LASTS = 280  # seconds after which the server ends a watch, so that a dead connection is noticed
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0  # seconds before another attempt

Receive = Callable[[str, dict[str, Any]], None]  # ADDED, MODIFIED or DELETED, and the object


class Follower:
    """namespace None: all. only_metadata: the server leaves out everything else, as for Secrets whose content is
    nobody's business. Use `read`, then keep `run` running."""

    def __init__(
        self,
        kube: Kube,
        receive: Receive,
        *,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        only_metadata: bool = False,
    ) -> None:
        self.kube = kube
        self.receive = receive
        self.api_version = api_version
        self.kind = kind
        self.namespace = namespace
        self.only_metadata = only_metadata
        self.known: set[tuple[str, str]] = set()
        self.version = ""
        self.pause = FIRST_PAUSE

    async def read(self) -> None:
        """All there are; what was known and is not there any more has been deleted meanwhile. Raises KubeError."""
        before, self.known = self.known, set()
        try:
            async for page in self.kube.pages(
                self.api_version, self.kind, self.namespace, only_metadata=self.only_metadata
            ):
                self.version = page["metadata"]["resourceVersion"]
                for item in page["items"] or ():  # null, where there is none and only metadata was asked for
                    self.note("ADDED", item)
        except KubeError:
            self.known |= before
            raise
        for namespace, name in before - self.known:
            self.note("DELETED", {"metadata": {"namespace": namespace, "name": name}})

    async def run(self) -> None:
        while True:
            try:
                if not self.version:
                    await self.read()
                await self.watch()
            except KubeError as error:
                if error.status == GONE:
                    self.version = ""
                    continue
                log.warning("watching %s: %s; tries again in %g s", self.kind, error, self.pause)
                await asyncio.sleep(self.pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, protects nothing
                self.pause = min(self.pause * 2, LAST_PAUSE)

    async def watch(self) -> None:
        """Returns when the server ends it, which it does after a while. Raises KubeError."""
        query = {"watch": "1", "resourceVersion": self.version, "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(LASTS)
        where = self.kube.path(self.api_version, self.kind, self.namespace)
        async for line in self.kube.lines(where, query, only_metadata=self.only_metadata, patience=LASTS + 20):
            event = json.loads(line)
            item = event["object"]
            if event["type"] == "ERROR":
                raise KubeError(item.get("code", 0), item.get("message", "the watch failed"))
            self.version = item["metadata"]["resourceVersion"]
            self.pause = FIRST_PAUSE
            if event["type"] != "BOOKMARK":
                self.note(event["type"], item)

    def note(self, change: str, item: dict[str, Any]) -> None:
        key = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
        if change == "DELETED":
            self.known.discard(key)
        else:
            self.known.add(key)
        self.receive(change, {**item, "apiVersion": self.api_version, "kind": self.kind})
