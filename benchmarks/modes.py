"""What is measured: one row per mode. Its wire size is what one message weighs on its way in, frames included."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES = 67  # bytes of framing around a body as loadgen publishes it: exchange amq.direct, routing key loadgen-0


@dataclass(frozen=True)
class Mode:
    """must: how many times RabbitMQ's rate it has to be. rabbitmq: messages that RabbitMQ is given, the broker gets
    count."""

    name: str
    size: int  # bytes of body
    count: int  # messages
    rabbitmq: int
    must: float
    options: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()  # options for RabbitMQ alone

    @property
    def wire(self) -> int:
        """Bytes of one published message on the wire."""
        return self.size + FRAMES


def flags(window: int, ack_every: int, prefetch: int) -> tuple[str, ...]:
    return ("--window", str(window), "--ack-every", str(ack_every), "--prefetch", str(prefetch))


TRANSIENT = ("--in-flight", "200000")
CONFIRMED = flags(1000, 100, 2000)
DURABLE = (*CONFIRMED, "--persistent")
QUORUM = (*DURABLE, "--quorum")

MODES = (
    Mode("transient, auto-ack, 16 B", 16, 4_000_000, 300_000, 30, TRANSIENT),
    Mode("transient, auto-ack, 1 KB", 1024, 1_500_000, 200_000, 12, ("--in-flight", "20000")),
    Mode("confirms + acks, 16 B", 16, 2_000_000, 200_000, 20, CONFIRMED),
    Mode("confirms + acks, 1 KB", 1024, 1_000_000, 150_000, 15, CONFIRMED),
    Mode("durable, confirms + acks, 16 B", 16, 1_000_000, 150_000, 12, DURABLE),
    Mode("durable, confirms + acks, 1 KB", 1024, 400_000, 100_000, 10, DURABLE),
    Mode("quorum type, confirms + acks, 16 B", 16, 1_000_000, 100_000, 15, QUORUM),
    Mode("quorum type, confirms + acks, 1 KB", 1024, 400_000, 60_000, 10, QUORUM),
    Mode("ping-pong, 16 connections", 16, 200_000, 60_000, 2.5, (*flags(1, 1, 1), "--pairs", "16", "--round-trips")),
)
