"""Sockets that listen, and the TLS contexts of those that encrypt."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable

from watership.broker import Broker
from watership.config import Address, Tls

from .connection import ClientConnection

VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}


class ListenError(Exception):
    """A sentence about an address that cannot be listened on, or a certificate that cannot be used."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """A server's context. Raises ListenError naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certfile, tls.keyfile, tls.password)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the certificate {tls.certfile} with the key {tls.keyfile} cannot be used: {error}"
        ) from None
    if tls.versions:
        versions = sorted(VERSIONS[v] for v in tls.versions)
        context.minimum_version, context.maximum_version = versions[0], versions[-1]
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    if tls.verify_peer:
        context.verify_mode = ssl.CERT_REQUIRED if tls.fail_if_no_peer_cert else ssl.CERT_OPTIONAL
        try:
            context.load_verify_locations(tls.cacertfile)
        except (OSError, ssl.SSLError, TypeError) as error:
            raise ListenError(f"the authorities in {tls.cacertfile} cannot be used: {error}") from None
    return context


def busy(what: str, address: Address, error: OSError) -> ListenError:
    """The sentence about an address that is taken or not ours."""
    if error.errno == errno.EADDRINUSE:
        advice = f"stop what listens there (`ss -ltnp 'sport = :{address.port}'` names it), or choose another port"
        return ListenError(f"{what} cannot listen on {address}: the port is taken; {advice} in the configuration")
    return ListenError(f"{what} cannot listen on {address}: {error.strerror}")


class Listeners:
    """The AMQP listeners of one broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.servers: list[tuple[str, Address, asyncio.Server]] = []
        self.connections: set[ClientConnection] = set()

    async def open(self) -> None:
        """Raises ListenError."""
        config = self.broker.config
        for address in config.tcp:
            await self.listen("amqp", address, None)
        if config.ssl and config.tls:
            context = tls_context(config.tls)
            for address in config.ssl:
                await self.listen("amqp/ssl", address, context)

    async def listen(self, protocol: str, address: Address, context: ssl.SSLContext | None) -> None:
        try:
            server = await asyncio.get_running_loop().create_server(
                self.accept,
                address.bind,
                address.port,
                ssl=context,
                backlog=self.broker.config["tcp_listen_options.backlog"],
            )
        except OSError as error:
            raise busy("AMQP", address, error) from None
        self.servers.append((protocol, address, server))

    def accept(self) -> ClientConnection:
        connection = ClientConnection(self.broker, self.connections.discard)
        self.connections.add(connection)
        return connection

    async def close(self, wait: Callable[[], float] = lambda: 5.0) -> None:
        """Listens no more, tells every client (320), and waits a little for them to go."""
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
