"""Maintenance, listeners, and what changes in a running node without a restart."""

from __future__ import annotations

from watership.admin import memory
from watership.admin.api import AdminError, Json
from watership.broker.listening import ListenError
from watership.broker.logs import OUTPUT
from watership.config import ConfigError

from .base import Verbs, bad, missing

DRAINED = "Node was put into maintenance mode"


class MaintenanceVerbs(Verbs):
    def this(self, node: str) -> None:
        """Raises AdminError 404."""
        if node != self.node:
            raise missing()

    async def drain_node(self, node: str) -> None:
        """Nobody connects any more, and who is there is told to go (320). Doing it again changes nothing."""
        await self.suspend_listeners(node)
        self.broker.draining = True
        for client in list(self.broker.clients.values()):
            client.force_close(DRAINED)

    async def revive_node(self, node: str) -> None:
        await self.resume_listeners(node)
        self.broker.draining = False

    async def suspend_listeners(self, node: str) -> None:
        self.this(node)
        if self.broker.listeners is not None:
            await self.broker.listeners.suspend()

    async def resume_listeners(self, node: str) -> None:
        self.this(node)
        try:
            if self.broker.listeners is not None:
                await self.broker.listeners.resume()
        except ListenError as error:
            raise AdminError(503, "failed", str(error)) from None

    async def get_node_memory(self, node: str) -> Json:
        self.this(node)
        return {"memory": memory.breakdown(self.broker)}

    async def put_config(self, key: str, body: Json) -> bool:
        """{"value": TEXT}, as a line of rabbitmq.conf has it. Never gives True: every key has a value already."""
        if "value" not in body:
            raise bad("[{key_missing,value}]")
        try:
            self.broker.reload.put(key, str(body["value"]))
        except ConfigError as error:
            raise bad(str(error)) from None
        return False

    async def rotate_logs(self) -> None:
        """Without log.file there is nothing to rotate."""
        OUTPUT.rotate()

    async def reload_config(self) -> None:
        """What cannot be read leaves everything as it was."""
        try:
            self.broker.reload.read_again()
        except ConfigError as error:
            raise bad(str(error)) from None
