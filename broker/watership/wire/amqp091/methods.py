"""Every method of AMQP 0-9-1. Generated from spec.txt by `make generate`: do not edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from .table import Reader, encode_longstr, encode_shortstr, encode_table


class Method:
    """decode takes a Reader behind class and method id; encode gives a method frame's payload with them."""

    ids: ClassVar[tuple[int, int]]  # of class and method
    name: ClassVar[str]
    content: ClassVar[bool] = False

    @classmethod
    def decode(cls, reader: Reader) -> Method:
        raise TypeError("decode is for a method's own class")

    def encode(self) -> bytes:
        raise TypeError("encode is for a method's own class")


@dataclass(frozen=True, slots=True)
class ConnectionStart(Method):
    ids: ClassVar[tuple[int, int]] = (10, 10)
    name: ClassVar[str] = "connection.start"
    version_major: int = 0
    version_minor: int = 0
    server_properties: dict[str, Any] = field(default_factory=dict)
    mechanisms: bytes = b""
    locales: bytes = b""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionStart:
        version_major = reader.octet()
        version_minor = reader.octet()
        server_properties = reader.table()
        mechanisms = reader.longstr()
        locales = reader.longstr()
        return cls(version_major, version_minor, server_properties, mechanisms, locales)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x0a"
            + bytes((self.version_major,))
            + bytes((self.version_minor,))
            + encode_table(self.server_properties)
            + encode_longstr(self.mechanisms)
            + encode_longstr(self.locales)
        )


@dataclass(frozen=True, slots=True)
class ConnectionStartOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 11)
    name: ClassVar[str] = "connection.start-ok"
    client_properties: dict[str, Any] = field(default_factory=dict)
    mechanism: str = ""
    response: bytes = b""
    locale: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionStartOk:
        client_properties = reader.table()
        mechanism = reader.shortstr()
        response = reader.longstr()
        locale = reader.shortstr()
        return cls(client_properties, mechanism, response, locale)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x0b"
            + encode_table(self.client_properties)
            + encode_shortstr(self.mechanism)
            + encode_longstr(self.response)
            + encode_shortstr(self.locale)
        )


@dataclass(frozen=True, slots=True)
class ConnectionSecure(Method):
    ids: ClassVar[tuple[int, int]] = (10, 20)
    name: ClassVar[str] = "connection.secure"
    challenge: bytes = b""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionSecure:
        challenge = reader.longstr()
        return cls(challenge)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x14"
            + encode_longstr(self.challenge)
        )


@dataclass(frozen=True, slots=True)
class ConnectionSecureOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 21)
    name: ClassVar[str] = "connection.secure-ok"
    response: bytes = b""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionSecureOk:
        response = reader.longstr()
        return cls(response)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x15"
            + encode_longstr(self.response)
        )


@dataclass(frozen=True, slots=True)
class ConnectionTune(Method):
    ids: ClassVar[tuple[int, int]] = (10, 30)
    name: ClassVar[str] = "connection.tune"
    channel_max: int = 0
    frame_max: int = 0
    heartbeat: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionTune:
        channel_max = reader.short()
        frame_max = reader.long()
        heartbeat = reader.short()
        return cls(channel_max, frame_max, heartbeat)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x1e"
            + self.channel_max.to_bytes(2, "big")
            + self.frame_max.to_bytes(4, "big")
            + self.heartbeat.to_bytes(2, "big")
        )


@dataclass(frozen=True, slots=True)
class ConnectionTuneOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 31)
    name: ClassVar[str] = "connection.tune-ok"
    channel_max: int = 0
    frame_max: int = 0
    heartbeat: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionTuneOk:
        channel_max = reader.short()
        frame_max = reader.long()
        heartbeat = reader.short()
        return cls(channel_max, frame_max, heartbeat)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x1f"
            + self.channel_max.to_bytes(2, "big")
            + self.frame_max.to_bytes(4, "big")
            + self.heartbeat.to_bytes(2, "big")
        )


@dataclass(frozen=True, slots=True)
class ConnectionOpen(Method):
    ids: ClassVar[tuple[int, int]] = (10, 40)
    name: ClassVar[str] = "connection.open"
    virtual_host: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionOpen:
        virtual_host = reader.shortstr()
        reader.shortstr()
        bits = reader.octet()
        return cls(virtual_host)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x28"
            + encode_shortstr(self.virtual_host)
            + b"\0"
            + bytes((0,))
        )


@dataclass(frozen=True, slots=True)
class ConnectionOpenOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 41)
    name: ClassVar[str] = "connection.open-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionOpenOk:
        reader.shortstr()
        return cls()

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x29"
            + b"\0"
        )


@dataclass(frozen=True, slots=True)
class ConnectionClose(Method):
    ids: ClassVar[tuple[int, int]] = (10, 50)
    name: ClassVar[str] = "connection.close"
    reply_code: int = 0
    reply_text: str = ""
    class_id: int = 0
    method_id: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionClose:
        reply_code = reader.short()
        reply_text = reader.shortstr()
        class_id = reader.short()
        method_id = reader.short()
        return cls(reply_code, reply_text, class_id, method_id)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x32"
            + self.reply_code.to_bytes(2, "big")
            + encode_shortstr(self.reply_text)
            + self.class_id.to_bytes(2, "big")
            + self.method_id.to_bytes(2, "big")
        )


@dataclass(frozen=True, slots=True)
class ConnectionCloseOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 51)
    name: ClassVar[str] = "connection.close-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionCloseOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x33"


@dataclass(frozen=True, slots=True)
class ConnectionBlocked(Method):
    ids: ClassVar[tuple[int, int]] = (10, 60)
    name: ClassVar[str] = "connection.blocked"
    reason: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionBlocked:
        reason = reader.shortstr()
        return cls(reason)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x3c"
            + encode_shortstr(self.reason)
        )


@dataclass(frozen=True, slots=True)
class ConnectionUnblocked(Method):
    ids: ClassVar[tuple[int, int]] = (10, 61)
    name: ClassVar[str] = "connection.unblocked"

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionUnblocked:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x3d"


@dataclass(frozen=True, slots=True)
class ConnectionUpdateSecret(Method):
    ids: ClassVar[tuple[int, int]] = (10, 70)
    name: ClassVar[str] = "connection.update-secret"
    new_secret: bytes = b""
    reason: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionUpdateSecret:
        new_secret = reader.longstr()
        reason = reader.shortstr()
        return cls(new_secret, reason)

    def encode(self) -> bytes:
        return (
            b"\x00\x0a\x00\x46"
            + encode_longstr(self.new_secret)
            + encode_shortstr(self.reason)
        )


@dataclass(frozen=True, slots=True)
class ConnectionUpdateSecretOk(Method):
    ids: ClassVar[tuple[int, int]] = (10, 71)
    name: ClassVar[str] = "connection.update-secret-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ConnectionUpdateSecretOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x0a\x00\x47"


@dataclass(frozen=True, slots=True)
class ChannelOpen(Method):
    ids: ClassVar[tuple[int, int]] = (20, 10)
    name: ClassVar[str] = "channel.open"

    @classmethod
    def decode(cls, reader: Reader) -> ChannelOpen:
        reader.shortstr()
        return cls()

    def encode(self) -> bytes:
        return (
            b"\x00\x14\x00\x0a"
            + b"\0"
        )


@dataclass(frozen=True, slots=True)
class ChannelOpenOk(Method):
    ids: ClassVar[tuple[int, int]] = (20, 11)
    name: ClassVar[str] = "channel.open-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ChannelOpenOk:
        reader.longstr()
        return cls()

    def encode(self) -> bytes:
        return (
            b"\x00\x14\x00\x0b"
            + b"\0\0\0\0"
        )


@dataclass(frozen=True, slots=True)
class ChannelFlow(Method):
    ids: ClassVar[tuple[int, int]] = (20, 20)
    name: ClassVar[str] = "channel.flow"
    active: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> ChannelFlow:
        bits = reader.octet()
        active = bits & 1 != 0
        return cls(active)

    def encode(self) -> bytes:
        return (
            b"\x00\x14\x00\x14"
            + bytes((self.active << 0,))
        )


@dataclass(frozen=True, slots=True)
class ChannelFlowOk(Method):
    ids: ClassVar[tuple[int, int]] = (20, 21)
    name: ClassVar[str] = "channel.flow-ok"
    active: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> ChannelFlowOk:
        bits = reader.octet()
        active = bits & 1 != 0
        return cls(active)

    def encode(self) -> bytes:
        return (
            b"\x00\x14\x00\x15"
            + bytes((self.active << 0,))
        )


@dataclass(frozen=True, slots=True)
class ChannelClose(Method):
    ids: ClassVar[tuple[int, int]] = (20, 40)
    name: ClassVar[str] = "channel.close"
    reply_code: int = 0
    reply_text: str = ""
    class_id: int = 0
    method_id: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> ChannelClose:
        reply_code = reader.short()
        reply_text = reader.shortstr()
        class_id = reader.short()
        method_id = reader.short()
        return cls(reply_code, reply_text, class_id, method_id)

    def encode(self) -> bytes:
        return (
            b"\x00\x14\x00\x28"
            + self.reply_code.to_bytes(2, "big")
            + encode_shortstr(self.reply_text)
            + self.class_id.to_bytes(2, "big")
            + self.method_id.to_bytes(2, "big")
        )


@dataclass(frozen=True, slots=True)
class ChannelCloseOk(Method):
    ids: ClassVar[tuple[int, int]] = (20, 41)
    name: ClassVar[str] = "channel.close-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ChannelCloseOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x14\x00\x29"


@dataclass(frozen=True, slots=True)
class AccessRequest(Method):
    ids: ClassVar[tuple[int, int]] = (30, 10)
    name: ClassVar[str] = "access.request"
    realm: str = ""
    exclusive: bool = False
    passive: bool = False
    active: bool = False
    write: bool = False
    read: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> AccessRequest:
        realm = reader.shortstr()
        bits = reader.octet()
        exclusive = bits & 1 != 0
        passive = bits & 2 != 0
        active = bits & 4 != 0
        write = bits & 8 != 0
        read = bits & 16 != 0
        return cls(realm, exclusive, passive, active, write, read)

    def encode(self) -> bytes:
        return (
            b"\x00\x1e\x00\x0a"
            + encode_shortstr(self.realm)
            + bytes((self.exclusive << 0 | self.passive << 1 | self.active << 2 | self.write << 3 | self.read << 4,))
        )


@dataclass(frozen=True, slots=True)
class AccessRequestOk(Method):
    ids: ClassVar[tuple[int, int]] = (30, 11)
    name: ClassVar[str] = "access.request-ok"

    @classmethod
    def decode(cls, reader: Reader) -> AccessRequestOk:
        reader.short()
        return cls()

    def encode(self) -> bytes:
        return (
            b"\x00\x1e\x00\x0b"
            + b"\0\0"
        )


@dataclass(frozen=True, slots=True)
class ExchangeDeclare(Method):
    ids: ClassVar[tuple[int, int]] = (40, 10)
    name: ClassVar[str] = "exchange.declare"
    exchange: str = ""
    type: str = ""
    passive: bool = False
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeDeclare:
        reader.short()
        exchange = reader.shortstr()
        type = reader.shortstr()
        bits = reader.octet()
        passive = bits & 1 != 0
        durable = bits & 2 != 0
        auto_delete = bits & 4 != 0
        internal = bits & 8 != 0
        no_wait = bits & 16 != 0
        arguments = reader.table()
        return cls(exchange, type, passive, durable, auto_delete, internal, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x28\x00\x0a"
            + b"\0\0"
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.type)
            + bytes((self.passive << 0 | self.durable << 1 | self.auto_delete << 2 | self.internal << 3 | self.no_wait << 4,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class ExchangeDeclareOk(Method):
    ids: ClassVar[tuple[int, int]] = (40, 11)
    name: ClassVar[str] = "exchange.declare-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeDeclareOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x0b"


@dataclass(frozen=True, slots=True)
class ExchangeDelete(Method):
    ids: ClassVar[tuple[int, int]] = (40, 20)
    name: ClassVar[str] = "exchange.delete"
    exchange: str = ""
    if_unused: bool = False
    no_wait: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeDelete:
        reader.short()
        exchange = reader.shortstr()
        bits = reader.octet()
        if_unused = bits & 1 != 0
        no_wait = bits & 2 != 0
        return cls(exchange, if_unused, no_wait)

    def encode(self) -> bytes:
        return (
            b"\x00\x28\x00\x14"
            + b"\0\0"
            + encode_shortstr(self.exchange)
            + bytes((self.if_unused << 0 | self.no_wait << 1,))
        )


@dataclass(frozen=True, slots=True)
class ExchangeDeleteOk(Method):
    ids: ClassVar[tuple[int, int]] = (40, 21)
    name: ClassVar[str] = "exchange.delete-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeDeleteOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x15"


@dataclass(frozen=True, slots=True)
class ExchangeBind(Method):
    ids: ClassVar[tuple[int, int]] = (40, 30)
    name: ClassVar[str] = "exchange.bind"
    destination: str = ""
    source: str = ""
    routing_key: str = ""
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeBind:
        reader.short()
        destination = reader.shortstr()
        source = reader.shortstr()
        routing_key = reader.shortstr()
        bits = reader.octet()
        no_wait = bits & 1 != 0
        arguments = reader.table()
        return cls(destination, source, routing_key, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x28\x00\x1e"
            + b"\0\0"
            + encode_shortstr(self.destination)
            + encode_shortstr(self.source)
            + encode_shortstr(self.routing_key)
            + bytes((self.no_wait << 0,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class ExchangeBindOk(Method):
    ids: ClassVar[tuple[int, int]] = (40, 31)
    name: ClassVar[str] = "exchange.bind-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeBindOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x1f"


@dataclass(frozen=True, slots=True)
class ExchangeUnbind(Method):
    ids: ClassVar[tuple[int, int]] = (40, 40)
    name: ClassVar[str] = "exchange.unbind"
    destination: str = ""
    source: str = ""
    routing_key: str = ""
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeUnbind:
        reader.short()
        destination = reader.shortstr()
        source = reader.shortstr()
        routing_key = reader.shortstr()
        bits = reader.octet()
        no_wait = bits & 1 != 0
        arguments = reader.table()
        return cls(destination, source, routing_key, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x28\x00\x28"
            + b"\0\0"
            + encode_shortstr(self.destination)
            + encode_shortstr(self.source)
            + encode_shortstr(self.routing_key)
            + bytes((self.no_wait << 0,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class ExchangeUnbindOk(Method):
    ids: ClassVar[tuple[int, int]] = (40, 51)
    name: ClassVar[str] = "exchange.unbind-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ExchangeUnbindOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x28\x00\x33"


@dataclass(frozen=True, slots=True)
class QueueDeclare(Method):
    ids: ClassVar[tuple[int, int]] = (50, 10)
    name: ClassVar[str] = "queue.declare"
    queue: str = ""
    passive: bool = False
    durable: bool = False
    exclusive: bool = False
    auto_delete: bool = False
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> QueueDeclare:
        reader.short()
        queue = reader.shortstr()
        bits = reader.octet()
        passive = bits & 1 != 0
        durable = bits & 2 != 0
        exclusive = bits & 4 != 0
        auto_delete = bits & 8 != 0
        no_wait = bits & 16 != 0
        arguments = reader.table()
        return cls(queue, passive, durable, exclusive, auto_delete, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x0a"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + bytes((self.passive << 0 | self.durable << 1 | self.exclusive << 2 | self.auto_delete << 3 | self.no_wait << 4,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class QueueDeclareOk(Method):
    ids: ClassVar[tuple[int, int]] = (50, 11)
    name: ClassVar[str] = "queue.declare-ok"
    queue: str = ""
    message_count: int = 0
    consumer_count: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> QueueDeclareOk:
        queue = reader.shortstr()
        message_count = reader.long()
        consumer_count = reader.long()
        return cls(queue, message_count, consumer_count)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x0b"
            + encode_shortstr(self.queue)
            + self.message_count.to_bytes(4, "big")
            + self.consumer_count.to_bytes(4, "big")
        )


@dataclass(frozen=True, slots=True)
class QueueBind(Method):
    ids: ClassVar[tuple[int, int]] = (50, 20)
    name: ClassVar[str] = "queue.bind"
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> QueueBind:
        reader.short()
        queue = reader.shortstr()
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        bits = reader.octet()
        no_wait = bits & 1 != 0
        arguments = reader.table()
        return cls(queue, exchange, routing_key, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x14"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
            + bytes((self.no_wait << 0,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class QueueBindOk(Method):
    ids: ClassVar[tuple[int, int]] = (50, 21)
    name: ClassVar[str] = "queue.bind-ok"

    @classmethod
    def decode(cls, reader: Reader) -> QueueBindOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x32\x00\x15"


@dataclass(frozen=True, slots=True)
class QueuePurge(Method):
    ids: ClassVar[tuple[int, int]] = (50, 30)
    name: ClassVar[str] = "queue.purge"
    queue: str = ""
    no_wait: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> QueuePurge:
        reader.short()
        queue = reader.shortstr()
        bits = reader.octet()
        no_wait = bits & 1 != 0
        return cls(queue, no_wait)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x1e"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + bytes((self.no_wait << 0,))
        )


@dataclass(frozen=True, slots=True)
class QueuePurgeOk(Method):
    ids: ClassVar[tuple[int, int]] = (50, 31)
    name: ClassVar[str] = "queue.purge-ok"
    message_count: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> QueuePurgeOk:
        message_count = reader.long()
        return cls(message_count)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x1f"
            + self.message_count.to_bytes(4, "big")
        )


@dataclass(frozen=True, slots=True)
class QueueDelete(Method):
    ids: ClassVar[tuple[int, int]] = (50, 40)
    name: ClassVar[str] = "queue.delete"
    queue: str = ""
    if_unused: bool = False
    if_empty: bool = False
    no_wait: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> QueueDelete:
        reader.short()
        queue = reader.shortstr()
        bits = reader.octet()
        if_unused = bits & 1 != 0
        if_empty = bits & 2 != 0
        no_wait = bits & 4 != 0
        return cls(queue, if_unused, if_empty, no_wait)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x28"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + bytes((self.if_unused << 0 | self.if_empty << 1 | self.no_wait << 2,))
        )


@dataclass(frozen=True, slots=True)
class QueueDeleteOk(Method):
    ids: ClassVar[tuple[int, int]] = (50, 41)
    name: ClassVar[str] = "queue.delete-ok"
    message_count: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> QueueDeleteOk:
        message_count = reader.long()
        return cls(message_count)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x29"
            + self.message_count.to_bytes(4, "big")
        )


@dataclass(frozen=True, slots=True)
class QueueUnbind(Method):
    ids: ClassVar[tuple[int, int]] = (50, 50)
    name: ClassVar[str] = "queue.unbind"
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> QueueUnbind:
        reader.short()
        queue = reader.shortstr()
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        arguments = reader.table()
        return cls(queue, exchange, routing_key, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x32\x00\x32"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class QueueUnbindOk(Method):
    ids: ClassVar[tuple[int, int]] = (50, 51)
    name: ClassVar[str] = "queue.unbind-ok"

    @classmethod
    def decode(cls, reader: Reader) -> QueueUnbindOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x32\x00\x33"


@dataclass(frozen=True, slots=True)
class BasicQos(Method):
    ids: ClassVar[tuple[int, int]] = (60, 10)
    name: ClassVar[str] = "basic.qos"
    prefetch_size: int = 0
    prefetch_count: int = 0
    global_: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicQos:
        prefetch_size = reader.long()
        prefetch_count = reader.short()
        bits = reader.octet()
        global_ = bits & 1 != 0
        return cls(prefetch_size, prefetch_count, global_)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x0a"
            + self.prefetch_size.to_bytes(4, "big")
            + self.prefetch_count.to_bytes(2, "big")
            + bytes((self.global_ << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicQosOk(Method):
    ids: ClassVar[tuple[int, int]] = (60, 11)
    name: ClassVar[str] = "basic.qos-ok"

    @classmethod
    def decode(cls, reader: Reader) -> BasicQosOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x3c\x00\x0b"


@dataclass(frozen=True, slots=True)
class BasicConsume(Method):
    ids: ClassVar[tuple[int, int]] = (60, 20)
    name: ClassVar[str] = "basic.consume"
    queue: str = ""
    consumer_tag: str = ""
    no_local: bool = False
    no_ack: bool = False
    exclusive: bool = False
    no_wait: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def decode(cls, reader: Reader) -> BasicConsume:
        reader.short()
        queue = reader.shortstr()
        consumer_tag = reader.shortstr()
        bits = reader.octet()
        no_local = bits & 1 != 0
        no_ack = bits & 2 != 0
        exclusive = bits & 4 != 0
        no_wait = bits & 8 != 0
        arguments = reader.table()
        return cls(queue, consumer_tag, no_local, no_ack, exclusive, no_wait, arguments)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x14"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + encode_shortstr(self.consumer_tag)
            + bytes((self.no_local << 0 | self.no_ack << 1 | self.exclusive << 2 | self.no_wait << 3,))
            + encode_table(self.arguments)
        )


@dataclass(frozen=True, slots=True)
class BasicConsumeOk(Method):
    ids: ClassVar[tuple[int, int]] = (60, 21)
    name: ClassVar[str] = "basic.consume-ok"
    consumer_tag: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> BasicConsumeOk:
        consumer_tag = reader.shortstr()
        return cls(consumer_tag)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x15"
            + encode_shortstr(self.consumer_tag)
        )


@dataclass(frozen=True, slots=True)
class BasicCancel(Method):
    ids: ClassVar[tuple[int, int]] = (60, 30)
    name: ClassVar[str] = "basic.cancel"
    consumer_tag: str = ""
    no_wait: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicCancel:
        consumer_tag = reader.shortstr()
        bits = reader.octet()
        no_wait = bits & 1 != 0
        return cls(consumer_tag, no_wait)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x1e"
            + encode_shortstr(self.consumer_tag)
            + bytes((self.no_wait << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicCancelOk(Method):
    ids: ClassVar[tuple[int, int]] = (60, 31)
    name: ClassVar[str] = "basic.cancel-ok"
    consumer_tag: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> BasicCancelOk:
        consumer_tag = reader.shortstr()
        return cls(consumer_tag)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x1f"
            + encode_shortstr(self.consumer_tag)
        )


@dataclass(frozen=True, slots=True)
class BasicPublish(Method):
    ids: ClassVar[tuple[int, int]] = (60, 40)
    name: ClassVar[str] = "basic.publish"
    content: ClassVar[bool] = True
    exchange: str = ""
    routing_key: str = ""
    mandatory: bool = False
    immediate: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicPublish:
        reader.short()
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        bits = reader.octet()
        mandatory = bits & 1 != 0
        immediate = bits & 2 != 0
        return cls(exchange, routing_key, mandatory, immediate)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x28"
            + b"\0\0"
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
            + bytes((self.mandatory << 0 | self.immediate << 1,))
        )


@dataclass(frozen=True, slots=True)
class BasicReturn(Method):
    ids: ClassVar[tuple[int, int]] = (60, 50)
    name: ClassVar[str] = "basic.return"
    content: ClassVar[bool] = True
    reply_code: int = 0
    reply_text: str = ""
    exchange: str = ""
    routing_key: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> BasicReturn:
        reply_code = reader.short()
        reply_text = reader.shortstr()
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        return cls(reply_code, reply_text, exchange, routing_key)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x32"
            + self.reply_code.to_bytes(2, "big")
            + encode_shortstr(self.reply_text)
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
        )


@dataclass(frozen=True, slots=True)
class BasicDeliver(Method):
    ids: ClassVar[tuple[int, int]] = (60, 60)
    name: ClassVar[str] = "basic.deliver"
    content: ClassVar[bool] = True
    consumer_tag: str = ""
    delivery_tag: int = 0
    redelivered: bool = False
    exchange: str = ""
    routing_key: str = ""

    @classmethod
    def decode(cls, reader: Reader) -> BasicDeliver:
        consumer_tag = reader.shortstr()
        delivery_tag = reader.longlong()
        bits = reader.octet()
        redelivered = bits & 1 != 0
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        return cls(consumer_tag, delivery_tag, redelivered, exchange, routing_key)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x3c"
            + encode_shortstr(self.consumer_tag)
            + self.delivery_tag.to_bytes(8, "big")
            + bytes((self.redelivered << 0,))
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
        )


@dataclass(frozen=True, slots=True)
class BasicGet(Method):
    ids: ClassVar[tuple[int, int]] = (60, 70)
    name: ClassVar[str] = "basic.get"
    queue: str = ""
    no_ack: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicGet:
        reader.short()
        queue = reader.shortstr()
        bits = reader.octet()
        no_ack = bits & 1 != 0
        return cls(queue, no_ack)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x46"
            + b"\0\0"
            + encode_shortstr(self.queue)
            + bytes((self.no_ack << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicGetOk(Method):
    ids: ClassVar[tuple[int, int]] = (60, 71)
    name: ClassVar[str] = "basic.get-ok"
    content: ClassVar[bool] = True
    delivery_tag: int = 0
    redelivered: bool = False
    exchange: str = ""
    routing_key: str = ""
    message_count: int = 0

    @classmethod
    def decode(cls, reader: Reader) -> BasicGetOk:
        delivery_tag = reader.longlong()
        bits = reader.octet()
        redelivered = bits & 1 != 0
        exchange = reader.shortstr()
        routing_key = reader.shortstr()
        message_count = reader.long()
        return cls(delivery_tag, redelivered, exchange, routing_key, message_count)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x47"
            + self.delivery_tag.to_bytes(8, "big")
            + bytes((self.redelivered << 0,))
            + encode_shortstr(self.exchange)
            + encode_shortstr(self.routing_key)
            + self.message_count.to_bytes(4, "big")
        )


@dataclass(frozen=True, slots=True)
class BasicGetEmpty(Method):
    ids: ClassVar[tuple[int, int]] = (60, 72)
    name: ClassVar[str] = "basic.get-empty"

    @classmethod
    def decode(cls, reader: Reader) -> BasicGetEmpty:
        reader.shortstr()
        return cls()

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x48"
            + b"\0"
        )


@dataclass(frozen=True, slots=True)
class BasicAck(Method):
    ids: ClassVar[tuple[int, int]] = (60, 80)
    name: ClassVar[str] = "basic.ack"
    delivery_tag: int = 0
    multiple: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicAck:
        delivery_tag = reader.longlong()
        bits = reader.octet()
        multiple = bits & 1 != 0
        return cls(delivery_tag, multiple)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x50"
            + self.delivery_tag.to_bytes(8, "big")
            + bytes((self.multiple << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicReject(Method):
    ids: ClassVar[tuple[int, int]] = (60, 90)
    name: ClassVar[str] = "basic.reject"
    delivery_tag: int = 0
    requeue: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicReject:
        delivery_tag = reader.longlong()
        bits = reader.octet()
        requeue = bits & 1 != 0
        return cls(delivery_tag, requeue)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x5a"
            + self.delivery_tag.to_bytes(8, "big")
            + bytes((self.requeue << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicRecoverAsync(Method):
    ids: ClassVar[tuple[int, int]] = (60, 100)
    name: ClassVar[str] = "basic.recover-async"
    requeue: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicRecoverAsync:
        bits = reader.octet()
        requeue = bits & 1 != 0
        return cls(requeue)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x64"
            + bytes((self.requeue << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicRecover(Method):
    ids: ClassVar[tuple[int, int]] = (60, 110)
    name: ClassVar[str] = "basic.recover"
    requeue: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicRecover:
        bits = reader.octet()
        requeue = bits & 1 != 0
        return cls(requeue)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x6e"
            + bytes((self.requeue << 0,))
        )


@dataclass(frozen=True, slots=True)
class BasicRecoverOk(Method):
    ids: ClassVar[tuple[int, int]] = (60, 111)
    name: ClassVar[str] = "basic.recover-ok"

    @classmethod
    def decode(cls, reader: Reader) -> BasicRecoverOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x3c\x00\x6f"


@dataclass(frozen=True, slots=True)
class BasicNack(Method):
    ids: ClassVar[tuple[int, int]] = (60, 120)
    name: ClassVar[str] = "basic.nack"
    delivery_tag: int = 0
    multiple: bool = False
    requeue: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> BasicNack:
        delivery_tag = reader.longlong()
        bits = reader.octet()
        multiple = bits & 1 != 0
        requeue = bits & 2 != 0
        return cls(delivery_tag, multiple, requeue)

    def encode(self) -> bytes:
        return (
            b"\x00\x3c\x00\x78"
            + self.delivery_tag.to_bytes(8, "big")
            + bytes((self.multiple << 0 | self.requeue << 1,))
        )


@dataclass(frozen=True, slots=True)
class TxSelect(Method):
    ids: ClassVar[tuple[int, int]] = (90, 10)
    name: ClassVar[str] = "tx.select"

    @classmethod
    def decode(cls, reader: Reader) -> TxSelect:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x0a"


@dataclass(frozen=True, slots=True)
class TxSelectOk(Method):
    ids: ClassVar[tuple[int, int]] = (90, 11)
    name: ClassVar[str] = "tx.select-ok"

    @classmethod
    def decode(cls, reader: Reader) -> TxSelectOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x0b"


@dataclass(frozen=True, slots=True)
class TxCommit(Method):
    ids: ClassVar[tuple[int, int]] = (90, 20)
    name: ClassVar[str] = "tx.commit"

    @classmethod
    def decode(cls, reader: Reader) -> TxCommit:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x14"


@dataclass(frozen=True, slots=True)
class TxCommitOk(Method):
    ids: ClassVar[tuple[int, int]] = (90, 21)
    name: ClassVar[str] = "tx.commit-ok"

    @classmethod
    def decode(cls, reader: Reader) -> TxCommitOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x15"


@dataclass(frozen=True, slots=True)
class TxRollback(Method):
    ids: ClassVar[tuple[int, int]] = (90, 30)
    name: ClassVar[str] = "tx.rollback"

    @classmethod
    def decode(cls, reader: Reader) -> TxRollback:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x1e"


@dataclass(frozen=True, slots=True)
class TxRollbackOk(Method):
    ids: ClassVar[tuple[int, int]] = (90, 31)
    name: ClassVar[str] = "tx.rollback-ok"

    @classmethod
    def decode(cls, reader: Reader) -> TxRollbackOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x5a\x00\x1f"


@dataclass(frozen=True, slots=True)
class ConfirmSelect(Method):
    ids: ClassVar[tuple[int, int]] = (85, 10)
    name: ClassVar[str] = "confirm.select"
    no_wait: bool = False

    @classmethod
    def decode(cls, reader: Reader) -> ConfirmSelect:
        bits = reader.octet()
        no_wait = bits & 1 != 0
        return cls(no_wait)

    def encode(self) -> bytes:
        return (
            b"\x00\x55\x00\x0a"
            + bytes((self.no_wait << 0,))
        )


@dataclass(frozen=True, slots=True)
class ConfirmSelectOk(Method):
    ids: ClassVar[tuple[int, int]] = (85, 11)
    name: ClassVar[str] = "confirm.select-ok"

    @classmethod
    def decode(cls, reader: Reader) -> ConfirmSelectOk:
        return cls()

    def encode(self) -> bytes:
        return b"\x00\x55\x00\x0b"


METHODS: dict[tuple[int, int], type[Method]] = {
    (10, 10): ConnectionStart,
    (10, 11): ConnectionStartOk,
    (10, 20): ConnectionSecure,
    (10, 21): ConnectionSecureOk,
    (10, 30): ConnectionTune,
    (10, 31): ConnectionTuneOk,
    (10, 40): ConnectionOpen,
    (10, 41): ConnectionOpenOk,
    (10, 50): ConnectionClose,
    (10, 51): ConnectionCloseOk,
    (10, 60): ConnectionBlocked,
    (10, 61): ConnectionUnblocked,
    (10, 70): ConnectionUpdateSecret,
    (10, 71): ConnectionUpdateSecretOk,
    (20, 10): ChannelOpen,
    (20, 11): ChannelOpenOk,
    (20, 20): ChannelFlow,
    (20, 21): ChannelFlowOk,
    (20, 40): ChannelClose,
    (20, 41): ChannelCloseOk,
    (30, 10): AccessRequest,
    (30, 11): AccessRequestOk,
    (40, 10): ExchangeDeclare,
    (40, 11): ExchangeDeclareOk,
    (40, 20): ExchangeDelete,
    (40, 21): ExchangeDeleteOk,
    (40, 30): ExchangeBind,
    (40, 31): ExchangeBindOk,
    (40, 40): ExchangeUnbind,
    (40, 51): ExchangeUnbindOk,
    (50, 10): QueueDeclare,
    (50, 11): QueueDeclareOk,
    (50, 20): QueueBind,
    (50, 21): QueueBindOk,
    (50, 30): QueuePurge,
    (50, 31): QueuePurgeOk,
    (50, 40): QueueDelete,
    (50, 41): QueueDeleteOk,
    (50, 50): QueueUnbind,
    (50, 51): QueueUnbindOk,
    (60, 10): BasicQos,
    (60, 11): BasicQosOk,
    (60, 20): BasicConsume,
    (60, 21): BasicConsumeOk,
    (60, 30): BasicCancel,
    (60, 31): BasicCancelOk,
    (60, 40): BasicPublish,
    (60, 50): BasicReturn,
    (60, 60): BasicDeliver,
    (60, 70): BasicGet,
    (60, 71): BasicGetOk,
    (60, 72): BasicGetEmpty,
    (60, 80): BasicAck,
    (60, 90): BasicReject,
    (60, 100): BasicRecoverAsync,
    (60, 110): BasicRecover,
    (60, 111): BasicRecoverOk,
    (60, 120): BasicNack,
    (90, 10): TxSelect,
    (90, 11): TxSelectOk,
    (90, 20): TxCommit,
    (90, 21): TxCommitOk,
    (90, 30): TxRollback,
    (90, 31): TxRollbackOk,
    (85, 10): ConfirmSelect,
    (85, 11): ConfirmSelectOk,
}
