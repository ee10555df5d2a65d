"""One row of the table of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .values import Reader


@dataclass(frozen=True)
class Key:
    """effect False: accepted, because configurations of RabbitMQ carry it, and without effect. reloadable: a running
    broker can take a new value."""

    name: str
    read: Reader
    default: Any = None
    doc: str = ""
    reloadable: bool = False
    effect: bool = True
    risk: tuple[Any, str] | None = None  # a value, and what whoever sets it should know
