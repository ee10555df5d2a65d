"""A channel's side of delivery: who consumes, what is unacknowledged, what waits for its confirm."""

from .connection import Connection
from .handler import Tap
from .queue import Queue

class Channel:
    """Registers itself with the connection; `number` must be free there (see `Connection.channel`)."""

    connection: Connection
    number: int
    confirming: bool  # set True by confirm.select
    closing: bool  # after channel.close was sent: everything but close and close-ok is dropped
    inspected: bool  # every message goes through Handler.refine
    transactional: bool  # read-only
    active: bool  # channel.flow: False holds deliveries back. Assign True to go on
    prefetch: int  # limit over all consumers (basic.qos global=true); 0: none
    unacked: int  # read-only from here on
    unconfirmed: int
    published: int
    confirmed: int
    returned: int
    dropped: int
    delivered: int
    delivered_no_ack: int
    got: int
    got_no_ack: int
    acked: int
    redelivered: int
    data: object  # the handler's own
    tap: Tap | None  # told of every message that comes and goes
    def __init__(self, connection: Connection, number: int) -> None: ...
    def get(self, queue: Queue, *, no_ack: bool) -> bool:
        """basic.get: sends get-ok with the oldest message. False: empty, the caller answers get-empty."""

    def settle(self, tag: int, *, multiple: bool = False, ack: bool = True, requeue: bool = False) -> None:
        """Acknowledges, requeues or drops, as basic.ack and basic.nack say.

        Raises ProtocolViolation 406 "unknown delivery tag N".
        """

    def recover(self) -> int:
        """Requeues every unacknowledged message (basic.recover). Returns how many."""

    @property
    def oldest_unacked(self) -> tuple[int, Queue] | None:
        """How many seconds what has been unacknowledged longest has waited, and the queue it came from."""

    def select(self) -> None:
        """tx.select: publishes and acknowledgements are kept until `commit`, forgotten by `rollback`."""

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None:
        """Cancels the consumers, requeues what is unacknowledged and forgets the number. Twice does no harm."""

class Consumer:
    """Takes messages from the moment it exists: make it right after consume-ok was sent."""

    channel: Channel
    queue: Queue
    tag: bytes
    no_ack: bool
    prefetch: int  # 0: no limit
    unacked: int  # read-only
    def __init__(
        self,
        channel: Channel,
        queue: Queue,
        tag: bytes,
        *,
        no_ack: bool = False,
        prefetch: int = 0,
        priority: int = 0,
    ) -> None:
        """priority: those with a lower one are given messages only when this has no credit."""

    def cancel(self) -> None:
        """No further deliveries; what it holds unacknowledged stays with the channel. Twice does no harm."""
