"""Where a message goes: (exchange, routing key, properties) to the names of queues. Pure; knows no connection and no
queue's contents.

matching        one class per exchange kind: which of its bindings take a message
topic           the trie of topic exchanges
hashing         kinds that choose one of their bindings
kinds           all of them by name
router          the exchanges of one vhost: bindings between exchanges, alternate exchanges, cycles
deduplication   which messages have been seen before
"""

from .deduplication import Seen
from .kinds import DELAYED, KINDS, kind_of
from .router import Router

__all__ = ["DELAYED", "KINDS", "Router", "Seen", "kind_of"]
