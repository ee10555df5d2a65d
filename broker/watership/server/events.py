"""What happens to a connection, in the log: one line each, words for people and fields for machines (broker/logs.py).

accepted, opened, blocked, unblocked, channel failed, closed; with peer, user, vhost, and the reason.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import ClientConnection

log = logging.getLogger("watership.connection")
of_channels = logging.getLogger("watership.channel")


class Events:
    """Of one connection. reason: why it ends, as soon as that is known."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.reason = ""

    def say(self, level: int, event: str, words: str, *, log: logging.Logger = log, **more: object) -> None:
        """words: what stands behind the connection's name."""
        if not log.isEnabledFor(level):
            return
        client = self.client
        fields = {
            "event": event,
            "connection": client.name,
            "peer": "{}:{}".format(*client.peer[:2]),
            "user": client.user,
            "vhost": client.vhost,
            "client": client.properties.get("connection_name", ""),
        }
        given = {name: value for name, value in (fields | more).items() if value != ""}
        log.log(level, "%s: %s", client.name, words, extra={"event": given})

    def accepted(self) -> None:
        self.say(logging.INFO, "accepted", "accepted", tls=self.client.tls is not None)

    def opened(self) -> None:
        client = self.client
        name = client.properties.get("connection_name")
        called = f", named '{name}'" if name else ""
        words = f"user '{client.user}' authenticated by {client.mechanism} and opened vhost '{client.vhost}'{called}"
        self.say(logging.INFO, "opened", words, mechanism=client.mechanism)

    def failed(self, channel: int, text: str) -> None:
        """channel: 0 for what ends the connection; the line of that is `closed`."""
        if channel:
            self.say(
                logging.WARNING,
                "channel_failed",
                f"channel {channel}: {text}",
                log=of_channels,
                channel=channel,
                reason=text,
            )
        else:
            self.ends(text)

    def ends(self, reason: str) -> None:
        """It will be closed. The first reason is the one that counts."""
        self.reason = self.reason or reason

    def closed(self, lost: Exception | None) -> None:
        """lost: what the socket said when the peer went without a word."""
        client = self.client
        clean = self.reason.startswith("by the client")
        reason = self.reason or f"the client went without connection.close ({lost or 'end of stream'})"
        who = f"; user '{client.user}', vhost '{client.vhost}'" if client.vhost else ""
        lasted = round(time.time() - client.connected_at, 3)
        level = logging.INFO if clean or not client.user else logging.WARNING
        self.say(level, "closed", f"closed after {lasted:g} s: {reason}{who}", reason=reason, seconds=lasted)
