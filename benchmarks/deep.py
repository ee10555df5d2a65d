"""`python -m benchmarks.deep [--gigabytes 20] [--theirs 2]`: a backlog far beyond memory.

A durable queue of a broker that may use 480 MB of memory is filled with persistent messages of 1 KB, each confirmed; it
is killed, recovers, and is drained by one consumer that acknowledges. RabbitMQ does the same with a smaller one.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

from watership.wire.amqp091 import methods as m
from watership.wire.amqp091 import properties

from .figures import Client, Node, frame
from .programs import HERE, broker, scratch
from .rabbitmq import Unavailable, rabbitmq

BODY = bytes(1024)
WINDOW = 20_000  # messages published and not yet confirmed
PREFETCH = 4000
LIMITS = "total_memory_available_override_value = 800MB\ndisk_free_limit.absolute = 100MB\n"


def fill(node: Node, count: int) -> tuple[float, int]:
    """Seconds, and the most memory that the process had meanwhile."""
    client, most = Client(node.port), 0
    client.ask(m.QueueDeclare("deep", durable=True), m.ConfirmSelect())
    header = b"\x00\x3c\x00\x00" + len(BODY).to_bytes(8, "big") + properties.encode({"delivery_mode": 2})
    one = frame(1, 1, m.BasicPublish("", "deep").encode()) + frame(2, 1, header) + frame(3, 1, BODY)
    batch, sent, start = one * 1000, 0, time.perf_counter()
    confirmed = 0
    while confirmed < count:
        while sent < count and sent - confirmed < WINDOW:
            client.socket.sendall(batch)
            sent += 1000
        confirmed = max(confirmed, confirms(client))
        most = max(most, node.memory)
    return time.perf_counter() - start, most


def confirms(client: Client) -> int:
    """The highest sequence number in what is read next: a basic.ack is 21 octets, and says how many with `multiple`."""
    client.held += client.socket.recv(1 << 20)
    whole = len(client.held) // 21 * 21
    frames, client.held = client.held[:whole], client.held[whole:]
    return max((int.from_bytes(frames[at + 11 : at + 19], "big") for at in range(0, whole, 21)), default=0)


def drain(node: Node, count: int) -> float:
    """Seconds. Every delivery has as many octets as the first one."""
    client = Client(node.port)
    client.ask(m.BasicQos(prefetch_count=PREFETCH), m.BasicConsume("deep", "c"))
    start = time.perf_counter()
    while not (size := delivery(client.held)):
        client.held += client.socket.recv(1 << 20)
    octets, acked = len(client.held), 0
    while octets < size * count:
        octets += len(client.socket.recv(1 << 20))
        if octets // size - acked >= PREFETCH // 4:
            acked = octets // size
            client.send(1, m.BasicAck(acked, multiple=True))
    client.send(1, m.BasicAck(count, multiple=True))
    client.ready("deep")
    return time.perf_counter() - start


def delivery(held: bytes) -> int:
    """Octets of the first three frames; 0: they are not all there."""
    at = 0
    for _ in range(3):
        if len(held) < at + 7:
            return 0
        at += 8 + int.from_bytes(held[at + 3 : at + 7], "big")
    return at if len(held) >= at else 0


def ours(folder: Path, gigabytes: float) -> tuple[str, float]:
    count = int(gigabytes * 1e6) // 1000 * 1000
    with broker(folder, LIMITS) as (port, pid):
        seconds, most = fill(Node(port, pid), count)
        text = f"- {count:,} persistent messages of 1 KB confirmed in {seconds:.0f} s ({count / seconds:,.0f}/s)"
        print(text := f"{text}, with at most {most / 2**20:.0f} MiB of memory", flush=True)
    files = sum(path.stat().st_blocks * 512 for path in (folder / "data").rglob("*") if path.is_file())
    start = time.perf_counter()
    with broker(folder, LIMITS) as (port, pid):
        node, back = Node(port, pid), time.perf_counter() - start
        text += (
            f"\n- {files / 1e9:.1f} GB on disk; a start over them takes {back:.1f} s and {node.memory / 2**20:.0f} MiB"
        )
        seconds = drain(node, count)
        print(text := f"{text}\n- drained in {seconds:.0f} s: {count / seconds:,.0f} messages a second", flush=True)
        return text, count / seconds


def theirs(folder: Path, gigabytes: float) -> tuple[str, float]:
    count = int(gigabytes * 1e6) // 1000 * 1000
    with rabbitmq(folder) as (port, pid):
        node = Node(port, pid)
        seconds, most = fill(node, count)
        rate = count / drain(node, count)
        text = (
            f"- RabbitMQ, classic queue, {count:,} of them: confirmed {count / seconds:,.0f}/s, {most / 2**20:.0f} MiB"
        )
        return f"{text}, drained {rate:,.0f}/s", rate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deep", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--theirs", type=float, default=2, help="gigabytes for RabbitMQ; 0: leave it out")
    options = parser.parse_args()
    said = []
    with scratch() as folder:
        text, rate = ours(folder, options.gigabytes)
        said.append(text)
        with contextlib.suppress(Unavailable):
            if options.theirs:
                text, other = theirs(folder, options.theirs)
                said.append(f"{text}; ours drains {rate / other:.1f} times as fast")
    (HERE / "results" / "deep.md").write_text("# A backlog beyond memory\n\n" + "\n".join(said) + "\n")
    sys.stdout.write(said[-1] + "\n")


if __name__ == "__main__":
    main()
