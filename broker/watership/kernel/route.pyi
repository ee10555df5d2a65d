"""The answer to "where does this publish go"."""

from collections.abc import Sequence

from .queue import Queue

class Flow:
    """How many messages an exchange took, and gave to queues."""

    taken: int
    given: int

class Route:
    flow: Flow | None
    queues: tuple[Queue, ...]
    by_content: bool
    also: tuple[Queue, ...]
    silent: bool
    delay: int
    def __init__(
        self,
        queues: Sequence[Queue],
        *,
        by_content: bool = False,
        also: Sequence[Queue] = (),
        silent: bool = False,
        delay: int = 0,
    ) -> None:
        """also: queues that get it too and do not make it routed. silent: it is no fault that no queue gets it. delay:
        milliseconds that a `Delay` keeps it. by_content: the answer depends on properties, ask `Handler.refine`
        for each message.
        """
