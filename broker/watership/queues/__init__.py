"""Queue types: what a queue does beyond holding records. One module per type; the kernel holds the records."""

from .classic import ClassicQueue, Subscription

__all__ = ["ClassicQueue", "Subscription"]
