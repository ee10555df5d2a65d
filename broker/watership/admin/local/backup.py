"""A copy of the data while messages flow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from watership.admin.api import AdminError
from watership.store import Copy

from .base import Verbs


class LocalBackup:
    """As api.Backup says. The disk is read in a thread: the broker does not wait for it."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        self.mark = copy.mark

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = self.copy.tar()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    async def close(self) -> None:
        self.copy.close()


class BackupVerbs(Verbs):
    async def backup(self) -> LocalBackup:
        """Everything that was confirmed before it was asked for is in it."""
        try:
            return LocalBackup(Copy(self.broker.store))
        except OSError as error:
            raise AdminError(503, "unavailable", f"the files cannot be opened: {error}") from None
