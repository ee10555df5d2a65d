"""Direct reply-to: a channel's own queue for answers, named by a token that only its request carries.

A client consumes from amq.rabbitmq.reply-to and publishes requests with that name in reply_to; the broker puts the
token's name there. Whoever answers publishes to the default exchange with it. The queue ends with the consumer.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from watership import kernel
from watership.model.errors import PreconditionFailed

if TYPE_CHECKING:
    from .channel import ClientChannel

PSEUDO_QUEUE = "amq.rabbitmq.reply-to"
PREFIX = PSEUDO_QUEUE + "."


class DirectReplies:
    """A channel's place for answers."""

    def __init__(self, channel: ClientChannel, tag: str) -> None:
        token = base64.urlsafe_b64encode(channel.connection.broker.random(18)).decode()
        self.channel = channel
        self.tag = tag
        self.address = PREFIX + token
        self.records = kernel.Queue(channel.connection.broker.kernel, self.address)
        self.consumer: kernel.Consumer | None = None
        channel.vhost.replies[self.address] = self.records

    def start(self) -> None:
        """After consume-ok."""
        self.consumer = kernel.Consumer(self.channel.wire, self.records, self.tag.encode(), no_ack=True)

    def end(self) -> None:
        """Answers that still come find nobody."""
        if self.consumer is not None:
            self.consumer.cancel()
        self.channel.vhost.replies.pop(self.address, None)
        self.records.close()
        self.channel.connection.broker.kernel.invalidate()


def check_consume(channel: ClientChannel, *, no_ack: bool) -> None:
    """Raises PreconditionFailed for a consumer that cannot have direct replies."""
    if channel.replies is not None:
        raise PreconditionFailed("reply consumer already set")
    if not no_ack:
        raise PreconditionFailed("reply consumer cannot acknowledge")
