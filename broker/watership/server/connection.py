"""One AMQP client: the handshake, its channels, what goes wrong, and the end.

The kernel scans and calls this handler for everything that is not publish or acknowledgement (kernel.handler.Handler).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

from watership import kernel
from watership.broker import Actor, Broker, VirtualHost
from watership.broker.access import is_loopback
from watership.broker.changes import ConnectionClosed, ConnectionOpened
from watership.broker.identity import server_properties
from watership.model.errors import (
    AMQPError,
    ChannelFailure,
    CommandInvalid,
    ConnectionForced,
    FrameError,
    InternalFailure,
    NotAllowed,
    UnexpectedFrame,
    from_code,
)
from watership.model.limits import reached
from watership.wire.amqp091 import methods as m
from watership.wire.amqp091.frames import OLD_PROTOCOL_HEADER, PROTOCOL_HEADER, decode_method
from watership.wire.amqp091.states import State, next_state, on_channel

from . import publishing
from .channel import ClientChannel
from .description import described
from .events import Events
from .handshake import credentials, offered, stranger, untrusted
from .heartbeat import Heartbeat
from .sockets import tune

log = logging.getLogger("watership.connection")
FRAME_MIN = 8192


class ClientConnection(asyncio.BufferedProtocol):
    def __init__(self, broker: Broker, gone: Callable[[ClientConnection], None]) -> None:
        self.broker = broker
        self.gone = gone
        self.wire = kernel.Connection(broker.kernel, self)
        self.proxied: Any = None  # (address, port) of both ends, where a proxy has told them
        self.state = State.HEADER
        self.name = "?"
        self.user = ""
        self.vhost = ""
        self.mechanism = ""
        self.tls: ssl.SSLObject | None = None
        self.properties: dict[str, Any] = {}
        self.channel_max = broker.config["channel_max"] or 65535
        self.heartbeat_seconds = 0
        self.connected_at = time.time()
        self.channels: dict[int, ClientChannel] = {}
        self.heartbeat: Heartbeat | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.blocked = False  # by an alarm
        self.events = Events(self)
        # asyncio calls these for every read: straight into the kernel
        self.get_buffer = self.wire.get_buffer  # type: ignore[method-assign]
        self.buffer_updated = self.wire.buffer_updated  # type: ignore[method-assign]
        self.pause_writing = self.wire.pause_writing  # type: ignore[method-assign]
        self.resume_writing = self.wire.resume_writing  # type: ignore[method-assign]
        self.eof_received = self.wire.eof_received  # type: ignore[method-assign]
        self.connection_made = self.wire.connection_made  # type: ignore[method-assign]
        self.connection_lost = self.wire.connection_lost  # type: ignore[method-assign]

    # What the kernel calls

    def on_connected(self) -> None:
        transport = self.wire.transport
        tune(transport, self.broker.config)
        ends: Any = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.peer, self.here = self.proxied or ends
        self.name = f"{self.peer[0]}:{self.peer[1]} -> {self.here[0]}:{self.here[1]}"
        self.timer = self.broker.loop.call_later(self.broker.config["handshake_timeout"] / 1000, self.too_slow)
        self.tls = transport.get_extra_info("ssl_object")
        self.wire.frame_max = self.broker.config["initial_frame_max"]
        self.events.accepted()

    def on_protocol_header(self, header: bytes) -> None:
        if header not in (PROTOCOL_HEADER, OLD_PROTOCOL_HEADER):
            self.events.ends(stranger(header))
            self.wire.send_raw(PROTOCOL_HEADER)
            self.state = State.CLOSED
            self.wire.close()
            return
        if untrusted(self.broker.config, self.tls):
            self.events.ends("the certificate's chain is longer than ssl_options.depth")
            self.wire.close()
            return
        self.state = State.START
        mechanisms = " ".join(offered(self.broker.config, self.tls)).encode()
        properties = server_properties(self.broker.cluster_name, self.broker.config)
        self.send(0, m.ConnectionStart(0, 9, properties, mechanisms, b"en_US"))

    def on_method(self, channel: int, payload: bytes) -> None:
        try:
            method = decode_method(payload)
            if channel == 0:
                self.on_connection_method(method)
            else:
                self.on_channel_method(channel, method)
        except AMQPError as error:
            ids = (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big"))
            error.method = ids
            self.on_error(channel, error)
        except Exception as error:
            self.on_error(channel, error)

    def route(self, channel: kernel.Channel, publish: bytes) -> kernel.Route:
        return publishing.route(self.channels[channel.number], publish)

    def refine(self, channel: kernel.Channel, publish: bytes, properties: bytes) -> tuple[kernel.Route, bytes | None]:
        return publishing.refine(self.channels[channel.number], publish, properties)

    def validate(self, channel: kernel.Channel, properties: bytes) -> None:
        publishing.validate(self.channels[channel.number], properties)

    def on_alarmed(self) -> None:
        """It published while memory or disk are short: nothing more is read until they are not."""
        self.blocked = True
        self.wire.pause_reading()
        if self.capable("connection.blocked"):
            self.send(0, m.ConnectionBlocked(self.broker.alarms.reason))
        reason = self.broker.alarms.reason
        self.events.say(logging.WARNING, "blocked", f"blocked, {reason}", reason=reason)

    def alarms_changed(self) -> None:
        if not self.blocked or self.broker.alarms.on:
            return
        self.blocked = False
        if self.capable("connection.blocked"):
            self.send(0, m.ConnectionUnblocked())
        self.wire.resume_reading()
        self.events.say(logging.INFO, "unblocked", "unblocked")

    def on_unroutable(self, channel: kernel.Channel, publish: bytes, properties: bytes, body: bytes) -> None:
        self.channels[channel.number].return_message(publish, properties, body)

    def on_error(self, channel: int, error: Exception) -> None:
        """Closes the channel or the connection, whichever the error's code asks for."""
        if isinstance(error, kernel.ProtocolViolation):
            method = (error.class_id, error.method_id)
            error = from_code(error.code, error.text)
            error.method = method
        if not isinstance(error, AMQPError):
            log.error("%s channel %d: internal error", self.name, channel, exc_info=error)
            error = InternalFailure("internal error; see the broker logfile")
        self.events.failed(0 if error.hard else channel, error.reply_text)
        if channel in self.channels and not error.hard:
            self.channels[channel].fail(error)
        else:
            self.fail(error)

    def on_lost(self, reason: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.heartbeat is not None:
            self.heartbeat.stop()
        for channel in list(self.channels.values()):
            channel.end()
        if self.broker.clients.pop(self.name, None) is not None:
            self.broker.churn["connections_closed"] += 1
            self.broker.changes.add(ConnectionClosed(self.name, self.user, self.vhost))
        vhost = self.broker.vhost(self.vhost)
        if vhost is not None:
            vhost.connection_lost(self)
        self.events.closed(reason)
        self.state = State.CLOSED
        self.gone(self)

    # Channel 0

    def on_connection_method(self, method: m.Method) -> None:
        state = next_state(self.state, type(method))
        if state is None:
            raise ChannelFailure(f"unexpected method in connection state {self.state.value}")
        match method:
            case m.ConnectionStartOk():
                self.start_ok(method)
            case m.ConnectionTuneOk():
                self.tune_ok(method)
            case m.ConnectionOpen():
                self.open(method.virtual_host)
            case m.ConnectionClose():
                self.events.ends(f"by the client: {method.reply_code} {method.reply_text}")
                self.send(0, m.ConnectionCloseOk())
                self.wire.close()
            case m.ConnectionCloseOk():
                self.wire.close()
            case m.ConnectionUpdateSecret():
                self.send(0, m.ConnectionUpdateSecretOk())
        self.state = state

    def start_ok(self, method: m.ConnectionStartOk) -> None:
        self.properties = method.client_properties
        self.mechanism = method.mechanism
        user, password = credentials(self.broker.config, self.tls, method.mechanism, method.response)
        loopback = is_loopback(self.peer[0])
        self.broker.access.login(
            user, password, mechanism=method.mechanism, from_loopback=loopback, source=self.peer[0]
        )
        self.user = user
        config = self.broker.config
        self.send(0, m.ConnectionTune(config["channel_max"], config["frame_max"], config["heartbeat"]))

    def tune_ok(self, method: m.ConnectionTuneOk) -> None:
        limit = self.broker.config["channel_max"] or 65535
        if method.channel_max > limit:
            raise NotAllowed(
                f"negotiated channel_max = {method.channel_max} is higher than the maximum allowed value ({limit})"
            )
        frame_max = method.frame_max
        if frame_max and frame_max < FRAME_MIN:
            raise NotAllowed(
                f"negotiated frame_max = {frame_max} is lower than the minimum allowed value ({FRAME_MIN})"
            )
        if frame_max > self.broker.config["frame_max"]:
            largest = self.broker.config["frame_max"]
            raise NotAllowed(f"negotiated frame_max = {frame_max} is higher than the maximum allowed value ({largest})")
        self.channel_max = method.channel_max or limit
        self.wire.frame_max = frame_max or self.broker.config["frame_max"]
        self.heartbeat_seconds = method.heartbeat
        if method.heartbeat:
            self.heartbeat = Heartbeat(self.wire, method.heartbeat, self.silent)

    def open(self, vhost: str) -> None:
        clients = self.broker.clients.values()
        limit = self.broker.config["connection_max"]
        if limit is not None and len(clients) >= limit:
            raise NotAllowed(f"connection refused: node connection limit ({limit}) is reached")
        here, own = sum(c.vhost == vhost for c in clients), sum(c.user == self.user for c in clients)
        self.broker.access.enter(self.user, vhost, here=here, own=own)
        self.vhost = vhost
        self.wire.opened = True
        if self.timer is not None:
            self.timer.cancel()
        self.broker.clients[self.name] = self
        self.broker.churn["connections_opened"] += 1
        told = self.properties.get("connection_name", "")
        self.broker.changes.add(ConnectionOpened(self.name, self.user, vhost, self.peer[0], self.peer[1], str(told)))
        self.send(0, m.ConnectionOpenOk())
        self.events.opened()

    # Channels

    def on_channel_method(self, number: int, method: m.Method) -> None:
        if self.state is not State.RUNNING:
            if self.state in (State.CLOSING, State.CLOSED):
                return
            raise UnexpectedFrame(f"{method.name} on channel {number} in connection state {self.state.value}")
        channel = self.channels.get(number)
        state = "absent" if channel is None else channel.state
        match on_channel(state, type(method)):
            case "drop":
                return
            case "command invalid":
                raise CommandInvalid("unimplemented method")
            case "channel error":
                raise ChannelFailure("second 'channel.open' seen" if channel else "expected 'channel.open'")
        if channel is None:
            self.open_channel(number)
        else:
            channel.do(method)

    def open_channel(self, number: int) -> None:
        if len(self.channels) >= self.channel_max:
            opened = len(self.channels)
            text = f"number of channels opened ({opened}) has reached the negotiated channel_max ({self.channel_max})"
            raise NotAllowed(text)
        most = self.broker.config["channel_max_per_node"]
        if most is not None and sum(len(c.channels) for c in self.broker.clients.values()) >= most:
            raise NotAllowed(
                f"number of channels opened on node '{self.broker.node}' has reached the maximum allowed limit of "
                f"({most})"
            )
        limits = dict(self.broker.metadata.users[self.user].limits) if self.user in self.broker.metadata.users else {}
        if limits:
            mine = sum(len(c.channels) for c in self.broker.clients.values() if c.user == self.user)
            if reached(limits, "max-channels", mine):
                raise NotAllowed(
                    f"number of channels opened for user '{self.user}' has reached the maximum allowed user limit of "
                    f"({limits['max-channels']})"
                )
        self.channels[number] = ClientChannel(self, number)
        self.broker.churn["channels_opened"] += 1
        self.send(number, m.ChannelOpenOk())

    def channel_gone(self, number: int) -> None:
        if self.channels.pop(number, None) is not None:
            self.broker.churn["channels_closed"] += 1

    @property
    def virtual_host(self) -> VirtualHost:
        return self.broker.vhosts[self.vhost]

    @property
    def actor(self) -> Actor:
        return Actor(self.user, self.vhost, self)

    @property
    def may_impersonate(self) -> bool:
        """Whether its messages may carry another user's name."""
        user = self.broker.metadata.users.get(self.user)
        return user is not None and "impersonator" in user.tags

    def capable(self, name: str) -> bool:
        """Whether the client announced a capability."""
        capabilities = self.properties.get("capabilities")
        return isinstance(capabilities, dict) and bool(capabilities.get(name))

    # Sending and ending

    def send(self, channel: int, method: m.Method) -> None:
        self.wire.send_method(channel, method.encode())

    def fail(self, error: AMQPError) -> None:
        """Ends the connection with connection.close, or without a word where the client would not understand it."""
        if self.state in (State.CLOSING, State.CLOSED):
            self.wire.close()
            return
        early = self.state in (State.HEADER, State.START)
        if early and not (error.code == 403 and self.capable("authentication_failure_close")) and error.code == 403:
            self.state = State.CLOSED
            self.wire.close()
            return
        self.state = State.CLOSING
        self.wire.closing = True
        self.send(0, m.ConnectionClose(error.code, error.reply_text, *error.method))
        # After a frame error no close-ok can be made out in what follows: the peer gets a moment to read why.
        self.broker.loop.call_later(0.5 if error.code == FrameError.code else 10, self.wire.abort)

    def force_close(self, reason: str) -> None:
        self.events.ends(f"by the broker: {reason}")
        self.fail(ConnectionForced(reason))

    def too_slow(self) -> None:
        self.events.ends("the handshake took longer than handshake_timeout")
        self.wire.abort()

    def silent(self) -> None:
        self.events.ends(f"missed heartbeats from client, timeout: {self.heartbeat_seconds}s")
        self.wire.abort()

    def describe_channels(self) -> list[dict[str, object]]:
        return [channel.describe() for channel in self.channels.values()]

    def traffic(self) -> tuple[int, int, int, int]:
        """Octets in and out, reads and writes."""
        return self.wire.recv_oct, self.wire.send_oct, self.wire.recv_cnt, self.wire.send_cnt

    def describe(self) -> dict[str, object]:
        return described(self)
