"""What a connection asks of the rooms above it: only cold things, called synchronously on the loop's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .channel import Channel
    from .route import Route


class Handler(Protocol):
    """Implemented by the server. Whatever these raise comes back through `on_error`, with the channel's number.

    Method payloads begin with class and method id (4 bytes); `publish` is basic.publish's payload after them: reserved
    short, exchange and routing key as short strings, one octet of bits (1 mandatory, 2 immediate). `properties` is the
    content header's payload from the property flags on.
    """

    def on_connected(self) -> None:
        """The transport is there: `connection.transport` may be asked for its addresses or certificate."""

    def on_protocol_header(self, header: bytes) -> None:
        """The first 8 bytes, whatever they are. To refuse: `send_raw`, then `close`."""

    def on_method(self, channel: int, payload: bytes) -> None:
        """Every method but publish, ack, nack and reject on an open channel; those four come on channels not open."""

    def route(self, channel: Channel, publish: bytes) -> Route:
        """Where such a publish goes: asked once, then cached by `publish` until `Kernel.invalidate`.

        Raises what closes the channel (no exchange, access refused) or the connection (immediate not implemented).
        """

    def refine(self, channel: Channel, publish: bytes, properties: bytes) -> tuple[Route, bytes | None]:
        """As `route`, for each message whose cached route says `by_content`, that has copies (CC, BCC), a direct
        reply-to or an expiration that is no plain number, and for all of a channel that is `inspected`. The second
        value replaces the properties.
        """

    def validate(self, channel: Channel, properties: bytes) -> None:
        """Properties with a user id; asked again only when they differ from the channel's last."""

    def on_alarmed(self) -> None:
        """A message was taken although `Kernel.alarmed` is set and reading goes on: pause it now."""

    def on_unroutable(self, channel: Channel, publish: bytes, properties: bytes, body: bytes) -> None:
        """A mandatory message that no queue took: send basic.return now, the confirm follows at the end of the tick."""

    def on_error(self, channel: int, error: Exception) -> None:
        """An exception of one of these callbacks, or a ProtocolViolation of the kernel (channel 0: the connection)."""

    def on_lost(self, reason: Exception | None) -> None:
        """The socket is gone and every channel has been closed. Called exactly once, if `on_connected` was."""


class Tap(Protocol):
    """Hears every message of a channel. It must not touch a queue before the loop's next turn."""

    def published(self, publish: bytes, queues: list[str], properties: bytes, body: bytes) -> None:
        """publish: as Handler has it. queues: where it goes."""

    def delivered(self, queue: str, tail: bytes, properties: bytes, body: bytes, redelivered: bool) -> None:
        """tail: exchange and routing key as two short strings."""
