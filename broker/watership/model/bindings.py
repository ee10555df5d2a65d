"""The bindings of one vhost, found by what they are, by their source, and by their destination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .topology import Binding

Key = tuple[str, ...]
End = tuple[str, str]  # ("queue" | "exchange", name)


class Bindings(Mapping[Key, Binding]):
    def __init__(self) -> None:
        self.all: dict[Key, Binding] = {}
        self.from_: dict[str, dict[Key, Binding]] = {}
        self.to: dict[End, dict[Key, Binding]] = {}

    def __getitem__(self, key: Key) -> Binding:
        return self.all[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def add(self, binding: Binding) -> None:
        key = binding.key
        self.all[key] = binding
        self.from_.setdefault(binding.source, {})[key] = binding
        self.to.setdefault((binding.destination_type, binding.destination), {})[key] = binding

    def remove(self, key: Key) -> None:
        """One that is not there is no error."""
        binding = self.all.pop(key, None)
        if binding is None:
            return
        forget(self.from_, binding.source, key)
        forget(self.to, (binding.destination_type, binding.destination), key)

    def of_source(self, exchange: str) -> list[Binding]:
        return list(self.from_.get(exchange, {}).values())

    def of_destination(self, kind: str, name: str) -> list[Binding]:
        return list(self.to.get((kind, name), {}).values())

    def touching(self, kind: str, name: str) -> list[Binding]:
        """Bindings to a queue; to or from an exchange."""
        found = {b.key: b for b in self.of_destination(kind, name)}
        if kind == "exchange":
            found |= {b.key: b for b in self.of_source(name)}
        return list(found.values())


def forget(index: dict[Any, dict[Key, Binding]], end: object, key: Key) -> None:
    index[end].pop(key, None)
    if not index[end]:
        del index[end]
