"""Exchange kinds: each indexes its bindings as its lookups need them (AMQP 0-9-1 section 3.1.3).

A binding is (destination, key, arguments).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .topic import Destination, Trie

Headers = Mapping[str, Any]


class Matching:
    """The bindings of one exchange."""

    name: ClassVar[str]
    description: ClassVar[str]
    by_headers: ClassVar[bool] = False  # headers decide, so that an answer holds for one message only

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        raise TypeError("Matching is abstract")

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        raise TypeError("Matching is abstract")

    def match(self, key: str, headers: Headers) -> Iterable[Destination]:
        raise TypeError("Matching is abstract")


class Direct(Matching):
    name = "direct"
    description = "AMQP direct exchange, as per the AMQP specification"

    def __init__(self) -> None:
        self.by_key: defaultdict[str, dict[Destination, int]] = defaultdict(dict)

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_up(self.by_key[key], destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_down(self.by_key[key], destination)
        if not self.by_key[key]:
            del self.by_key[key]

    def match(self, key: str, headers: Headers) -> Iterable[Destination]:
        return self.by_key.get(key, ())


class Fanout(Matching):
    name = "fanout"
    description = "AMQP fanout exchange, as per the AMQP specification"

    def __init__(self) -> None:
        self.all: dict[Destination, int] = {}

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_up(self.all, destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_down(self.all, destination)

    def match(self, key: str, headers: Headers) -> Iterable[Destination]:
        return self.all


class Topic(Matching):
    name = "topic"
    description = "AMQP topic exchange, as per the AMQP specification"

    def __init__(self) -> None:
        self.trie = Trie()

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.trie.add(key, destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.trie.remove(key, destination)

    def match(self, key: str, headers: Headers) -> Iterable[Destination]:
        return self.trie.match(key)


class ByHeaders(Matching):
    """x-match: all (default), any, and the -with-x forms, in which headers that begin with x- count as well."""

    name = "headers"
    description = "AMQP headers exchange, as per the AMQP specification"
    by_headers = True

    def __init__(self) -> None:
        self.bindings: dict[tuple[Destination, str], tuple[Destination, str, dict[str, Any]]] = {}

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        mode = str(arguments.get("x-match", "all"))
        counted = {k: v for k, v in arguments.items() if mode.endswith("-with-x") or not k.startswith("x-")}
        counted.pop("x-match", None)
        self.bindings[destination, canonical(key, arguments)] = (destination, mode.removesuffix("-with-x"), counted)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.bindings.pop((destination, canonical(key, arguments)), None)

    def match(self, key: str, headers: Headers) -> Iterable[Destination]:
        return {
            destination
            for destination, mode, counted in self.bindings.values()
            if (all if mode == "all" else any)(holds(name, value, headers) for name, value in counted.items())
        }


def holds(name: str, value: Any, headers: Headers) -> bool:
    """A header matches by value; a binding without value (void) asks only that it is there."""
    return name in headers and (value is None or (headers[name] == value and type(headers[name]) is type(value)))


def canonical(key: str, arguments: Mapping[str, Any]) -> str:
    return key + json.dumps(arguments, sort_keys=True, default=repr)


def count_up(counts: dict[Destination, int], destination: Destination) -> None:
    counts[destination] = counts.get(destination, 0) + 1


def count_down(counts: dict[Destination, int], destination: Destination) -> None:
    left = counts.get(destination, 0) - 1
    if left > 0:
        counts[destination] = left
    else:
        counts.pop(destination, None)


KINDS: dict[str, type[Matching]] = {kind.name: kind for kind in (Direct, Fanout, Topic, ByHeaders)}
X_MATCH = ("all", "any", "all-with-x", "any-with-x")


def kind_of(name: str) -> type[Matching] | None:
    """The class of an exchange type's name, None when there is no such type."""
    return KINDS.get(name)
