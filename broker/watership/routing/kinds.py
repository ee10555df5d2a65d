"""Every exchange type by its name. x-delayed-message is not here: it routes as the type that its arguments name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .hashing import ConsistentHash, LocalRandom, ModulusHash, Random, RecentHistory
from .matching import ByHeaders, Direct, Fanout, Matching, Topic

STANDARD = (Direct, Fanout, Topic, ByHeaders)
FURTHER = (ConsistentHash, ModulusHash, Random, LocalRandom, RecentHistory)
KINDS: dict[str, type[Matching]] = {kind.name: kind for kind in (*STANDARD, *FURTHER)}
DELAYED = "x-delayed-message"


def kind_of(name: str, arguments: Mapping[str, Any]) -> type[Matching] | None:
    """The class that routes for an exchange of this type, None when there is none."""
    if name == DELAYED:
        name = str(arguments.get("x-delayed-type"))
    return KINDS.get(name)
