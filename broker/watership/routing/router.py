"""The exchanges of one vhost and the way through them.

A message visits each exchange at most once, so cycles end. An exchange that finds no destination at all passes the
message to its alternate exchange. The default exchange is not here: it routes to the queue named by the key, which
its caller knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kinds import kind_of
from .matching import Draw, Matching
from .topic import Destination


class Router:
    def __init__(self, draw: Draw) -> None:
        """draw: a number below the given one, by chance."""
        self.draw = draw
        self.exchanges: dict[str, Matching] = {}
        self.alternates: dict[str, str] = {}
        self.onward: dict[str, list[str]] = {}  # exchanges that an exchange is bound to, once per binding

    def add(self, name: str, type: str, arguments: Mapping[str, Any], alternate: str | None = None) -> None:  # noqa: A002
        """A new exchange. Raises KeyError for a type that does not exist."""
        kind = kind_of(type, arguments)
        if kind is None:
            raise KeyError(type)
        self.exchanges[name] = kind(arguments, self.draw)
        self.set_alternate(name, alternate)

    def set_alternate(self, name: str, alternate: str | None) -> None:
        """Where messages go that find no destination; None: nowhere."""
        self.alternates.pop(name, None)
        if alternate is not None:
            self.alternates[name] = alternate

    def remove(self, name: str) -> None:
        """The exchange goes; its bindings must have been unbound."""
        self.exchanges.pop(name, None)
        self.alternates.pop(name, None)

    def bind(self, source: str, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.exchanges[source].bind(destination, key, arguments)
        if destination[0] == "exchange":
            self.onward.setdefault(source, []).append(destination[1])

    def unbind(self, source: str, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        if source in self.exchanges:
            self.exchanges[source].unbind(destination, key, arguments)
        if destination[0] == "exchange" and destination[1] in self.onward.get(source, ()):
            self.onward[source].remove(destination[1])

    def route(self, exchange: str, key: str, message: Mapping[str, Any]) -> set[str]:
        """Names of the queues that a message published to `exchange` reaches. message: its properties."""
        queues: set[str] = set()
        visited, pending = {exchange}, [exchange]
        while pending:
            name = pending.pop()
            matching = self.exchanges.get(name)
            if matching is None:
                continue
            onward: list[str] = []
            found = False
            for kind, target in matching.match(key, message):
                found = True
                if kind == "queue":
                    queues.add(target)
                else:
                    onward.append(target)
            if not found and name in self.alternates:
                onward.append(self.alternates[name])
            for target in onward:
                if target not in visited:
                    visited.add(target)
                    pending.append(target)
        return queues

    def depends_on_content(self, exchange: str) -> bool:
        """Whether the answer for a routing key can differ from message to message."""
        visited, pending = {exchange}, [exchange]
        while pending:
            matching = self.exchanges.get(name := pending.pop())
            if matching is None:
                continue
            if matching.by_content:
                return True
            targets = set(self.onward.get(name, ()))
            if name in self.alternates:
                targets.add(self.alternates[name])
            pending.extend(targets - visited)
            visited |= targets
        return False
