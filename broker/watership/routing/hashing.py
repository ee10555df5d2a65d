"""Exchanges that choose one of their bindings: by a hash, or by chance.

x-consistent-hash weighs its bindings by their keys, whole numbers above 0, and hashes the routing key, a header or a
property. The choice is weighted rendezvous hashing: each binding scores the value, the best score wins; a binding that
comes or goes moves only the values that it wins or had won. x-modulus-hash counts its bindings; x-random and
x-local-random draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from .matching import Draw, Fanout, Matching, canonical, shown
from .topic import Destination

HASH_PROPERTIES = ("correlation_id", "message_id", "timestamp")


class OneOf(Matching):
    """The bindings in an order that does not depend on when they were made; sorted when a message needs it, once for
    any number of changes before."""

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.bindings: dict[tuple[Destination, str], Destination] = {}
        self.sorted: list[Destination] | None = None

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.bindings[destination, canonical(key, arguments)] = destination
        self.sorted = None

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.bindings.pop((destination, canonical(key, arguments)), None)
        self.sorted = None

    @property
    def ordered(self) -> list[Destination]:
        if self.sorted is None:
            self.sorted = [self.bindings[place] for place in sorted(self.bindings)]
        return self.sorted


class ModulusHash(OneOf):
    name = "x-modulus-hash"
    description = "Modulus Hashing Exchange"

    def match(self, key: str, message: Mapping[str, Any]) -> Iterable[Destination]:
        return (self.ordered[number(key) % len(self.ordered)],) if self.ordered else ()


class Random(OneOf):
    name = "x-random"
    description = "Exchange type random"
    by_content = True

    def match(self, key: str, message: Mapping[str, Any]) -> Iterable[Destination]:
        return (self.ordered[self.draw(len(self.ordered))],) if self.ordered else ()


class LocalRandom(Random):
    name = "x-local-random"
    description = "Picks one random local binding (queue) to route via (to)"

    @classmethod
    def binding_fault(cls, key: str, arguments: Mapping[str, Any]) -> str | None:
        return None if key == "" else f"Non empty binding '{key}' key not permitted"


class ConsistentHash(Matching):
    name = "x-consistent-hash"
    description = "Consistent Hashing Exchange"

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.header = arguments.get("hash-header")
        self.property = arguments.get("hash-property")
        self.by_content = bool(self.header or self.property)
        self.weights: dict[Destination, int] = {}

    @classmethod
    def fault(cls, arguments: Mapping[str, Any]) -> str | None:
        if "hash-header" in arguments and "hash-property" in arguments:
            return "hash-header and hash-property are mutually exclusive"
        name = arguments.get("hash-property")
        if name is not None and name not in HASH_PROPERTIES:
            return f"Unsupported property: {name}"
        return None

    @classmethod
    def binding_fault(cls, key: str, arguments: Mapping[str, Any]) -> str | None:
        try:
            weight = int(key)
        except ValueError:
            return f"The binding key must be an integer: {shown(key)}"
        return None if weight > 0 else "The binding key must be greater than 0"

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.weights[destination] = int(key)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.weights.pop(destination, None)

    def match(self, key: str, message: Mapping[str, Any]) -> Iterable[Destination]:
        if not self.weights:
            return ()
        value = key
        if self.header:
            value = str(message.get("headers", {}).get(self.header, ""))
        elif self.property:
            value = str(message.get(self.property, ""))
        return (max(self.weights, key=lambda d: (self.score(d, value), d)),)

    def score(self, destination: Destination, value: str) -> float:
        share = (number(f"{destination[0]}\0{destination[1]}\0{value}") + 1) / (2**64 + 2)
        return -self.weights[destination] / math.log(share)


class RecentHistory(Fanout):
    """Goes to all of its bindings; what it remembers for new ones is the broker's."""

    name = "x-recent-history"
    description = "Recent History Exchange."

    @classmethod
    def fault(cls, arguments: Mapping[str, Any]) -> str | None:
        length = arguments.get("x-recent-history-length", 1)
        good = isinstance(length, int) and not isinstance(length, bool) and length > 0
        named = f"Invalid argument {shown(length)}, 'x-recent-history-length'"
        return None if good else f"{named} must be a positive integer"


def number(value: str) -> int:
    """64 bits that depend on every octet."""
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "big")
