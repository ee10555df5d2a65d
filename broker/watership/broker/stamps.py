"""What messages are given on their way in (message_interceptors.incoming): when they came, and through which node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watership.config import Config

PREFIX = "message_interceptors.incoming"
TIME, NODE = "timestamp_in_ms", "x-routed-by"


@dataclass(frozen=True)
class Stamps:
    """node: the name to write, None: none. overwrite_...: also when a message has one; None for the time: no time."""

    node: str | None
    overwrite_node: bool
    overwrite_time: bool | None

    @classmethod
    def of(cls, config: Config, node: str) -> Stamps | None:
        """None: messages stay as they come."""
        names = config[f"{PREFIX}.set_header_routing_node.overwrite"]
        times = config[f"{PREFIX}.set_header_timestamp.overwrite"]
        if names is None and times is None:
            return None
        return cls(None if names is None else node, bool(names), times)

    def headers(self, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        """now: seconds since 1970."""
        made: dict[str, Any] = {}
        if self.node is not None and (self.overwrite_node or NODE not in given):
            made[NODE] = self.node
        if self.overwrite_time is not None and (self.overwrite_time or TIME not in given):
            made[TIME] = int(now * 1000)
        return made

    def properties(self, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        wanted = self.overwrite_time is not None and (self.overwrite_time or "timestamp" not in given)
        return {"timestamp": int(now)} if wanted else {}
