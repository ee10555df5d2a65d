"""Why a data directory cannot be used. Each message is a sentence for the person who started the broker."""


class StoreError(Exception):
    """The data directory cannot be used."""


class DirectoryInUse(StoreError):
    """Another process has it."""


class NewerFormat(StoreError):
    """It was written by a newer version."""


class RecoveryError(StoreError):
    """The log is damaged in its middle: starting would lose what was confirmed."""
