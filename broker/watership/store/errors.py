"""Why a data directory cannot be used. Each message is a sentence for the person who started the broker."""

ADVICE = (
    "Restore it from a backup; or `watership store check {0}` says what is damaged, and `watership store repair {0}` "
    "saves the rest"
)


class StoreError(Exception):
    """The data directory cannot be used."""


class DirectoryInUse(StoreError):
    """Another process has it."""


class NewerFormat(StoreError):
    """It was written by a newer version."""


class RecoveryError(StoreError):
    """The log is damaged in its middle: starting would lose what was confirmed."""
