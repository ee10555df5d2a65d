import asyncio

import pytest
from tests.unit.watership.kernel.peer import Peer

from watership.kernel import Channel, Kernel, Queue


@pytest.fixture
async def kernel() -> Kernel:
    return Kernel(asyncio.get_running_loop())


@pytest.fixture
def queue(kernel: Kernel) -> Queue:
    return Queue(kernel, "q")


@pytest.fixture
def peer(kernel: Kernel, queue: Queue) -> Peer:
    """A connection whose server routes the key b"q" to `queue`."""
    peer = Peer(kernel)
    peer.server.queues[b"q"] = [queue]
    return peer


@pytest.fixture
def channel(peer: Peer) -> Channel:
    return Channel(peer.connection, 1)
