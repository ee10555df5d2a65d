"""Exchange kinds: each indexes its bindings as its lookups need them (AMQP 0-9-1 section 3.1.3).

A binding is (destination, key, arguments). A message is the properties that it has, headers among them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, ClassVar

from watership.model.arguments import type_name

from .topic import Destination, Trie

Message = Mapping[str, Any]
Place = tuple[Destination, str]
Wanted = tuple[str, Mapping[str, Any]]  # all or any, and the headers that count
EVERYTHING = ()
Draw = Callable[[int], int]  # a number below the given one, by chance


class Matching:
    """The bindings of one exchange."""

    name: ClassVar[str]
    description: ClassVar[str]
    by_content: bool = False  # more than the routing key decides: an answer holds for one message only

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        self.draw = draw

    @classmethod
    def fault(cls, arguments: Mapping[str, Any]) -> str | None:
        """What is wrong with an exchange's arguments, if anything is."""
        return None

    @classmethod
    def binding_fault(cls, key: str, arguments: Mapping[str, Any]) -> str | None:
        """What is wrong with a binding, if anything is."""
        return None

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        raise TypeError("Matching is abstract")

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        raise TypeError("Matching is abstract")

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        raise TypeError("Matching is abstract")


class Direct(Matching):
    name = "direct"
    description = "AMQP direct exchange, as per the AMQP specification"

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.by_key: defaultdict[str, dict[Destination, int]] = defaultdict(dict)

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_up(self.by_key[key], destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_down(self.by_key[key], destination)
        if not self.by_key[key]:
            del self.by_key[key]

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return self.by_key.get(key, ())


class Fanout(Matching):
    name = "fanout"
    description = "AMQP fanout exchange, as per the AMQP specification"

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.all: dict[Destination, int] = {}

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_up(self.all, destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        count_down(self.all, destination)

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return self.all


class Topic(Matching):
    name = "topic"
    description = "AMQP topic exchange, as per the AMQP specification"

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.trie = Trie()

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.trie.add(key, destination)

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        self.trie.remove(key, destination)

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        return self.trie.match(key)


class ByHeaders(Matching):
    """x-match: all (default), any, and the -with-x forms, in which headers that begin with x- count as well.

    A binding is found under one of the headers that it asks for (any: under each), so that a message looks at those
    bindings only that one of its own headers leads to.
    """

    name = "headers"
    description = "AMQP headers exchange, as per the AMQP specification"
    by_content = True

    def __init__(self, arguments: Mapping[str, Any], draw: Draw) -> None:
        super().__init__(arguments, draw)
        self.bindings: dict[Place, Wanted] = {}
        self.under: defaultdict[Hashable, dict[Place, Wanted]] = defaultdict(dict)

    @classmethod
    def binding_fault(cls, key: str, arguments: Mapping[str, Any]) -> str | None:
        mode = arguments.get("x-match", "all")
        if mode in X_MATCH:
            return None
        if not isinstance(mode, str):
            return f"Invalid x-match field type {type_name(mode)} (value {shown(mode)}); expected longstr"
        return f"Invalid x-match field value {shown(mode)}; expected all, any, all-with-x, or any-with-x"

    def bind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        mode = str(arguments.get("x-match", "all"))
        counted = {k: v for k, v in arguments.items() if mode.endswith("-with-x") or not k.startswith("x-")}
        counted.pop("x-match", None)
        place, wanted = (destination, canonical(key, arguments)), (mode.removesuffix("-with-x"), counted)
        self.bindings[place] = wanted
        for entry in entries(*wanted):
            self.under[entry][place] = wanted

    def unbind(self, destination: Destination, key: str, arguments: Mapping[str, Any]) -> None:
        place = (destination, canonical(key, arguments))
        if (wanted := self.bindings.pop(place, None)) is None:
            return
        for entry in entries(*wanted):
            self.under[entry].pop(place, None)
            if not self.under[entry]:
                del self.under[entry]

    def match(self, key: str, message: Message) -> Iterable[Destination]:
        headers = message.get("headers", {})
        asked = {EVERYTHING, *headers, *(entry(name, value) for name, value in headers.items())}
        return {
            destination
            for one in asked
            for (destination, _), (mode, counted) in self.under.get(one, {}).items()
            if (all if mode == "all" else any)(holds(name, value, headers) for name, value in counted.items())
        }


def entry(name: str, value: Any) -> Hashable:
    """Where a binding is found that asks for this header; by its name alone where any value, or none that has a hash,
    is asked for."""
    return name if value is None or isinstance(value, (list, dict)) else (name, type(value), value)


def entries(mode: str, counted: Mapping[str, Any]) -> list[Hashable]:
    found = [entry(name, value) for name, value in counted.items()]
    if mode == "any":
        return found
    return found[:1] or [EVERYTHING]  # all of no headers: any message


def holds(name: str, value: Any, headers: Mapping[str, Any]) -> bool:
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


def shown(value: Any) -> str:
    """As RabbitMQ prints a term."""
    return f'<<"{value}">>' if isinstance(value, str) else str(value)


X_MATCH = ("all", "any", "all-with-x", "any-with-x")
