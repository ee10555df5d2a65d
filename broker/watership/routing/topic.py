"""A trie over the words of binding keys: * stands for one word, # for any number of them (AMQP 0-9-1 section 3.1.3.3).

The cost of a lookup depends on the words of the routing key and on the wildcards met on the way, not on the number
of bindings.
"""

from __future__ import annotations

Destination = tuple[str, str]  # ("queue" | "exchange", name)


class Node:
    __slots__ = ("children", "destinations")

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.destinations: dict[Destination, int] = {}  # how many bindings lead here


class Trie:
    """Binding keys to destinations."""

    def __init__(self) -> None:
        self.root = Node()

    def add(self, key: str, destination: Destination) -> None:
        node = self.root
        for word in key.split("."):
            node = node.children.setdefault(word, Node())
        node.destinations[destination] = node.destinations.get(destination, 0) + 1

    def remove(self, key: str, destination: Destination) -> None:
        """Takes back one add; branches without bindings go."""
        words = key.split(".")
        path = [self.root]
        for word in words:
            child = path[-1].children.get(word)
            if child is None:
                return
            path.append(child)
        node = path[-1]
        node.destinations[destination] = node.destinations.get(destination, 0) - 1
        if node.destinations[destination] <= 0:
            del node.destinations[destination]
        for word, parent, child in zip(reversed(words), reversed(path[:-1]), reversed(path[1:]), strict=True):
            if child.children or child.destinations:
                break
            del parent.children[word]

    def match(self, key: str) -> set[Destination]:
        found: set[Destination] = set()
        words = key.split(".")
        seen: set[tuple[int, int]] = set()
        pending = [(self.root, 0)]
        while pending:
            node, at = pending.pop()
            if (id(node), at) in seen:
                continue
            seen.add((id(node), at))
            rest = node.children.get("#")
            if rest is not None:
                pending.extend((rest, i) for i in range(at, len(words) + 1))
            if at == len(words):
                found.update(node.destinations)
                continue
            for word in (words[at], "*"):
                child = node.children.get(word)
                # a literal "#" in a routing key is a word like others, but its branch is the wildcard's
                if child is not None and word != "#":
                    pending.append((child, at + 1))
        return found
