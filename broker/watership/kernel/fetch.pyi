"""One message out of a queue for somebody without a channel: the management API."""

from .queue import Queue

class Fetched:
    """Unacknowledged until `settle`, which must be called."""

    tail: bytes  # exchange and routing key, two short strings
    properties: bytes  # from the flags on
    body: bytes
    redelivered: bool
    def settle(self, *, ack: bool, requeue: bool) -> None:
        """Back to its place, dealt with, or rejected (dead-lettered where the queue says so). Twice does no harm."""

def fetch(queue: Queue, *, ack: bool) -> Fetched | None:
    """The next message; None: there is none. ack: how it is counted."""
