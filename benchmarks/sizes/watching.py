"""When each object was seen first and when it became ready or went, by a watch like any client's."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from typing import Any

from .stack import API, Api


class Watch:
    """Follows one kind in one namespace in a thread of its own until `close`."""

    def __init__(self, api: Api, plural: str, namespace: str) -> None:
        self.seen: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.gone: dict[str, float] = {}
        self.now_ready: set[str] = set()
        self.api = api
        self.path = f"{API}/namespaces/{namespace}/{plural}"
        self.closed = False
        version = self.read()
        self.thread = threading.Thread(target=self.follow, args=(version,), daemon=True)
        self.thread.start()

    def read(self) -> str:
        found = self.api.call("GET", self.path)
        names = set()
        for item in found["items"]:
            self.note("ADDED", item)
            names.add(item["metadata"]["name"])
        for name in set(self.seen) - names:
            self.gone.setdefault(name, time.monotonic())
        return str(found["metadata"]["resourceVersion"])

    def follow(self, version: str) -> None:
        """The server ends the watch of a client that is too slow for it; then everything is read again."""
        while not self.closed:
            self.connection = self.api.connection()
            try:
                self.connection.request("GET", f"{self.path}?watch=1&resourceVersion={version}")
                for line in self.connection.getresponse():
                    event = json.loads(line)
                    if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                        self.note(event["type"], event["object"])
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                pass
            if not self.closed:
                version = self.read()

    def note(self, kind: str, item: dict[str, Any]) -> None:
        name, now = item["metadata"]["name"], time.monotonic()
        if kind == "DELETED":
            self.gone[name] = now
            return
        self.seen.setdefault(name, now)
        conditions = item.get("status", {}).get("conditions", ())
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            self.ready.setdefault(name, now)
            self.now_ready.add(name)
        else:
            self.now_ready.discard(name)

    def latencies(self) -> tuple[float, float]:
        """Median and 99th percentile from seen to ready, in seconds."""
        found = sorted(self.ready[name] - self.seen[name] for name in self.ready)
        return statistics.median(found), found[int(len(found) * 0.99)]

    def close(self) -> None:
        self.closed = True
        if self.connection.sock is not None:
            self.connection.sock.close()
