"""The log on disk: files, positions and recovery. Knows bytes, streams and indices; never an AMQP word."""

from .backup import Copy
from .errors import DirectoryInUse, NewerFormat, RecoveryError, StoreError
from .log import Log, Reader, Source, Writer

__all__ = ["Copy", "DirectoryInUse", "Log", "NewerFormat", "Reader", "RecoveryError", "Source", "StoreError", "Writer"]
