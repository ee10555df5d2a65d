"""Members of quorum queues: one, on this node."""

from __future__ import annotations

from watership.admin.api import AdminError, Json
from watership.queues import ClassicQueue

from .base import Verbs, bad, missing


def unavailable(reason: str) -> AdminError:
    return AdminError(503, "service_unavailable", reason)


class QuorumVerbs(Verbs):
    def quorum_queue(self, vhost: str, queue: str) -> ClassicQueue:
        """Raises AdminError 503."""
        found = self.vhost(vhost).live.get(queue)
        if found is None:
            raise unavailable("not_found")
        if found.type != "quorum":
            raise unavailable("classic_queue_not_supported")
        return found

    def named_node(self, body: Json) -> None:
        """Raises AdminError for a body without a node, and for a node that is not there."""
        if "node" not in body:
            raise bad("[{key_missing,node}]")
        if body["node"] != self.node:
            raise bad("Node is not a cluster member")

    async def get_quorum_status(self, vhost: str, queue: str) -> list[Json]:
        found = self.vhost(vhost).live.get(queue)
        if found is None:
            raise missing()
        if found.type != "quorum":
            raise AdminError(503, "failed", "classic_queue_not_supported")
        records = found.records
        entries = records.published + records.acked
        names = ("Last Log Index", "Last Written", "Last Applied", "Commit Index")
        state: Json = {"Node Name": self.node, "Raft State": "leader", "Membership": "voter"}
        return [{**state, **dict.fromkeys(names, entries), "Snapshot Index": 0, "Term": 1, "Machine Version": 1}]

    async def add_quorum_replica(self, vhost: str, queue: str, body: Json) -> None:
        """Its only member is there."""
        self.named_node(body)
        self.quorum_queue(vhost, queue)

    async def delete_quorum_replica(self, vhost: str, queue: str, body: Json) -> None:
        self.named_node(body)
        self.quorum_queue(vhost, queue)
        raise unavailable("last_node")

    async def grow_quorum_queues(self, node: str, body: Json) -> None:
        """Every quorum queue has its member here already."""
        absent = [
            f"{{key_missing,{name}}}" for name in ("vhost_pattern", "queue_pattern", "strategy") if name not in body
        ]
        if absent:
            text = ",\n ".join(absent)
            raise bad(f"[{text}]")
        if node != self.node:
            raise bad(f"Unknown node: {node}")

    async def shrink_quorum_queues(self, node: str) -> None:
        """The last member stays."""
        if node != self.node:
            raise bad(f"Unknown node: {node}")
