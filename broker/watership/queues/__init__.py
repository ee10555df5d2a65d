"""Queue types: what a queue does beyond holding records. One module per type; the kernel holds the records.

classic     on one node, for one connection or all
quorum      durable, counts returns; alone on its node until there are several
deaths      what a dead letter carries with it
"""

from .classic import ClassicQueue, Subscription
from .quorum import QuorumQueue

TYPES: dict[str, type[ClassicQueue]] = {kind.type: kind for kind in (ClassicQueue, QuorumQueue)}

__all__ = ["TYPES", "ClassicQueue", "QuorumQueue", "Subscription"]
