"""The compiled data plane: what happens to every message happens here, without a Python object per message.

One `Kernel` per event loop. A `Connection` is an `asyncio.BufferedProtocol`: it scans frames, takes publishes,
acknowledgements and rejections itself and hands every other method, as bytes, to its `Handler`. `Queue` holds records
in segments, `Channel` the unacknowledged ones, `Route` says where a publish goes, `Journal` writes the log and `Replay`
reads it again. At the end of each tick the kernel hands the log to its writer thread, pumps queues with something new
to consumers with credit, and writes once to every connection that has something to say.

It imports nothing of the other rooms and decides nothing about names, permissions or arguments.
"""

from .channel import Channel, Consumer
from .connection import Connection
from .delay import Delay
from .errors import CorruptEntry, ProtocolViolation
from .fetch import Fetched, fetch
from .handler import Handler
from .journal import Journal
from .pager import Pager
from .queue import Queue
from .replay import Replay, next_intact, void
from .route import Flow, Route
from .tick import Kernel

__all__ = [
    "Channel",
    "Connection",
    "Consumer",
    "CorruptEntry",
    "Delay",
    "Fetched",
    "Flow",
    "Handler",
    "Journal",
    "Kernel",
    "Pager",
    "ProtocolViolation",
    "Queue",
    "Replay",
    "Route",
    "fetch",
    "next_intact",
    "void",
]
