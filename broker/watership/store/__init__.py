"""The log on disk: files, positions and recovery. Knows bytes, streams and indices; never an AMQP word."""

from .backup import Copy
from .errors import DirectoryInUse, NewerFormat, RecoveryError, StoreError
from .log import Log, Reader, Source, Writer
from .pages import Pages

__all__ = [
    "Copy",
    "DirectoryInUse",
    "Log",
    "NewerFormat",
    "Pages",
    "Reader",
    "RecoveryError",
    "Source",
    "StoreError",
    "Writer",
]
