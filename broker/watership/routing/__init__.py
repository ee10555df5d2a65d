"""Where a message goes: (exchange, routing key, headers) to the names of queues. Pure; knows no connection and no
queue's contents.

matching    one class per exchange kind: which of its bindings take a message
topic       the trie of topic exchanges
router      the exchanges of one vhost: bindings between exchanges, alternate exchanges, cycles
"""

from .matching import KINDS, kind_of
from .router import Router

__all__ = ["KINDS", "Router", "kind_of"]
