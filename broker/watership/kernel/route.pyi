"""The answer to "where does this publish go"."""

from collections.abc import Sequence

from .queue import Queue

class Route:
    queues: tuple[Queue, ...]
    by_content: bool
    def __init__(self, queues: Sequence[Queue], *, by_content: bool = False) -> None:
        """by_content: the answer depends on properties, ask `Handler.refine` for each message."""
