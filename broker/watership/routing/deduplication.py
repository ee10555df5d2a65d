"""Which messages have been seen before: a cache of limited size, and of limited memory in time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

HEADER = "x-deduplication-header"
SIZE = 128


class Seen:
    """size: ids remembered. ttl: seconds, None: until there are too many."""

    def __init__(self, size: int = SIZE, ttl: float | None = None, header: str = HEADER) -> None:
        self.size = size
        self.ttl = ttl
        self.header = header
        self.until: OrderedDict[str, float] = OrderedDict()  # by id, the oldest first

    @classmethod
    def wanted(cls, arguments: Mapping[str, Any]) -> Seen | None:
        """What x-message-deduplication and its companions ask for; None: nothing. Times are milliseconds there."""
        if arguments.get("x-message-deduplication") is not True:
            return None
        ttl = arguments.get("x-cache-ttl")
        return cls(
            arguments.get("x-cache-size", SIZE),
            None if ttl is None else ttl / 1000,
            arguments.get("x-deduplication-header", HEADER),
        )

    def is_new(self, headers: Mapping[str, Any], now: float) -> bool:
        """Remembers the message's id. One without an id is always new."""
        value = headers.get(self.header)
        if value is None:
            return True
        name = str(value)
        if self.until.get(name, -1.0) > now:
            return False
        self.until[name] = math.inf if self.ttl is None else now + self.ttl
        self.until.move_to_end(name)
        while len(self.until) > self.size:
            self.until.popitem(last=False)
        return True
