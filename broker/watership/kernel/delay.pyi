"""Messages that wait, each for as long as it was told to."""

from .queue import Queue

class Delay(Queue):
    """A queue without consumers: each message is handed to `on_dead`, with the reason expired, when its delay is over.

    Durable as any queue. waiting: how many it holds.
    """

    waiting: int
