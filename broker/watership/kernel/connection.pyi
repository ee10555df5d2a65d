"""One connection: scans what comes in, buffers what goes out. Serves TCP and TLS alike."""

from asyncio import BaseTransport, BufferedProtocol, Transport

from .channel import Channel
from .handler import Handler
from .tick import Kernel

class Connection(BufferedProtocol):
    handler: Handler
    transport: Transport
    frame_max: int  # negotiated; 0: the kernel's. Larger frames from the peer are a 501
    closing: bool  # after connection.close was sent: only methods of class connection still reach the handler
    opened: bool  # assign True after connection.open-ok; before it content is an unexpected frame
    channels: dict[int, Channel]  # read-only from here on
    recv_oct: int  # bytes; for heartbeats: has it moved since you last looked?
    send_oct: int
    recv_cnt: int  # reads and writes
    send_cnt: int
    unsent: int  # bytes waiting here, without those in the transport
    publishes: int  # messages taken; tells publishers from others when memory is short
    reading_paused: bool
    def __init__(self, kernel: Kernel, handler: Handler) -> None: ...
    def channel(self, number: int) -> Channel | None: ...
    def send_raw(self, data: bytes) -> None: ...
    def send_method(self, channel: int, payload: bytes) -> None:
        """payload: class id, method id, arguments."""

    def send_content(self, channel: int, payload: bytes, properties: bytes, body: bytes) -> None:
        """A method with content (basic.return); the body is split at frame_max."""

    def send_heartbeat(self) -> None: ...
    def hold(self, lsn: int) -> None:
        """Nothing sent from here on leaves before `lsn` is durable: how declare-ok waits for the disk."""

    def pause_reading(self) -> None:
        """Stops reading from the socket until `resume_reading` (memory or disk alarm)."""

    def resume_reading(self) -> None: ...
    def close(self) -> None:
        """Closes the socket once everything sent so far has left."""

    def abort(self) -> None:
        """Closes the socket at once."""
    # asyncio.BufferedProtocol
    def connection_made(self, transport: BaseTransport) -> None: ...
    def get_buffer(self, sizehint: int) -> memoryview: ...
    def buffer_updated(self, nbytes: int) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
