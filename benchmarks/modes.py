"""What is measured: one row per mode. Its wire size is what one message weighs on its way in, frames included."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES = 67  # bytes of framing around a body as loadgen publishes it: exchange amq.direct, routing key loadgen-0


@dataclass(frozen=True)
class Mode:
    name: str
    size: int  # bytes of body
    count: int  # messages
    options: tuple[str, ...] = ()
    durable: bool = False

    @property
    def wire(self) -> int:
        """Bytes of one published message on the wire."""
        return self.size + FRAMES


def flags(window: int, ack_every: int, prefetch: int) -> tuple[str, ...]:
    return ("--window", str(window), "--ack-every", str(ack_every), "--prefetch", str(prefetch))


TRANSIENT = ("--in-flight", "200000")
CONFIRMED = flags(1000, 100, 2000)

MODES = (
    Mode("transient, auto-ack, 16 B", 16, 4_000_000, TRANSIENT),
    Mode("transient, auto-ack, 1 KB", 1024, 1_500_000, ("--in-flight", "20000")),
    Mode("confirms + acks, 16 B", 16, 2_000_000, CONFIRMED),
    Mode("confirms + acks, 1 KB", 1024, 1_000_000, CONFIRMED),
    Mode("durable, confirms + acks, 16 B", 16, 1_000_000, (*CONFIRMED, "--persistent"), durable=True),
    Mode("durable, confirms + acks, 1 KB", 1024, 400_000, (*CONFIRMED, "--persistent"), durable=True),
    Mode("ping-pong, 16 connections", 16, 200_000, (*flags(1, 1, 1), "--pairs", "16", "--round-trips")),
)
