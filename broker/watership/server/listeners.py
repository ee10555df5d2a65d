"""The AMQP listeners."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from watership.broker import Broker
from watership.broker.listening import busy
from watership.config import Address

from .connection import ClientConnection
from .proxy import ProxyHeader

CHECK = 60.0  # seconds between two looks at what consumers keep; less where consumer_timeout is shorter


class Listeners:
    """The AMQP listeners of one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.servers: list[tuple[str, Address, asyncio.Server]] = []
        self.contexts: dict[str, ssl.SSLContext | None] = {}  # by protocol
        broker.listeners = self
        self.connections: set[ClientConnection] = set()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def addresses(self) -> list[tuple[str, Address]]:
        """Protocol and address of each."""
        return [(protocol, address) for protocol, address, _ in self.servers]

    async def open(self) -> None:
        """Raises ListenError."""
        config = self.broker.config
        self.contexts = {"amqp": None}
        if config.ssl and config.tls:
            self.contexts["amqp/ssl"] = self.broker.reload.context(config.tls)
        await self.listen_everywhere()
        self.check_consumers()

    async def listen_everywhere(self) -> None:
        config = self.broker.config
        for protocol, context in self.contexts.items():
            for address in config.tcp if context is None else config.ssl:
                await self.listen(protocol, address, context)

    async def suspend(self) -> None:
        """No client can connect; those that are there stay."""
        for _, _, server in self.servers:
            server.close()
        gone = self.addresses
        self.servers.clear()
        self.broker.listening = [place for place in self.broker.listening if place not in gone]
        await asyncio.sleep(0)  # a loop closes sockets in its next turn

    async def resume(self) -> None:
        """Clients can connect again. Raises ListenError."""
        if not self.servers:
            await self.listen_everywhere()
            self.broker.listening = [*self.addresses, *self.broker.listening]

    def check_consumers(self) -> None:
        """Closes channels that keep a delivery for longer than consumer_timeout; looks again later."""
        for connection in list(self.connections):
            for channel in list(connection.channels.values()):
                channel.check_timeout()
        interval = min(CHECK, self.broker.config["consumer_timeout"] / 2000)
        self.timer = self.broker.loop.call_later(interval, self.check_consumers)

    async def listen(self, protocol: str, address: Address, context: ssl.SSLContext | None) -> None:
        try:
            server = await asyncio.get_running_loop().create_server(
                self.accept if context or not self.broker.config["proxy_protocol"] else self.accept_proxied,
                address.bind,
                address.port,
                ssl=context,
                backlog=self.broker.config["tcp_listen_options.backlog"],
            )
        except OSError as error:
            raise busy("AMQP", address, error) from None
        self.servers.append((protocol, address, server))

    def accept_proxied(self) -> ProxyHeader:
        return ProxyHeader(self.accept, patience=self.broker.config["handshake_timeout"] / 1000)

    def accept(self) -> ClientConnection:
        connection = ClientConnection(self.broker, self.connections.discard)
        self.connections.add(connection)
        return connection

    async def close(self, wait: Callable[[], float] = lambda: 5.0) -> None:
        """Listens no more, tells every client (320), and waits a little for them to go."""
        if self.timer is not None:
            self.timer.cancel()
        for _, _, server in self.servers:
            server.close()
        for connection in list(self.connections):
            connection.force_close("broker forced connection closure with reason 'shutdown'")
        deadline = asyncio.get_running_loop().time() + wait()
        while self.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.wire.abort()
        await asyncio.sleep(0)
