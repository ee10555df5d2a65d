"""`python -m benchmarks.figures`: what a broker takes besides messages per second, memory and time of many things.

A table of one run, on a broker of its own: connections, queues, bindings, a backlog, a fan-out, large bodies, TLS.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import trustme

from watership.wire.amqp091 import methods as m
from watership.wire.amqp091 import properties
from watership.wire.amqp091.frames import PROTOCOL_HEADER

from .programs import HERE, broker, free_ports, scratch

TRANSIENT = properties.encode({})


class Client:
    """A socket that speaks just enough AMQP: it sends what it is given and waits for a number of answers."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.held = b""
        self.socket.sendall(PROTOCOL_HEADER)
        self.answers(1)
        self.send(0, m.ConnectionStartOk({}, "PLAIN", b"\0guest\0guest", "en_US"))
        self.answers(1)
        self.send(0, m.ConnectionTuneOk(2047, 131072, 0), m.ConnectionOpen("/"))
        self.answers(1)
        self.ask(m.ChannelOpen())

    def send(self, channel: int, *methods: m.Method) -> None:
        self.socket.sendall(b"".join(frame(1, channel, method.encode()) for method in methods))

    def ask(self, *methods: m.Method) -> None:
        """Each method has one answer."""
        for at in range(0, len(methods), 500):
            self.send(1, *methods[at : at + 500])
            self.answers(len(methods[at : at + 500]))

    def answers(self, count: int) -> None:
        """Reads so many frames of any kind."""
        while count:
            size = self.first
            if size:
                self.held = self.held[size:]
                count -= 1
            else:
                self.held += self.socket.recv(1 << 20)

    @property
    def first(self) -> int:
        """Octets of the first frame that was read whole; 0: none was."""
        if len(self.held) < 7:
            return 0
        size = 8 + int.from_bytes(self.held[3:7], "big")
        return size if len(self.held) >= size else 0

    def publish(self, key: str, body: bytes, count: int, *, exchange: str = "") -> None:
        header = b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + TRANSIENT
        pieces = [body[at : at + 131064] for at in range(0, len(body), 131064)]
        one = frame(1, 1, m.BasicPublish(exchange, key).encode()) + frame(2, 1, header)
        one += b"".join(frame(3, 1, piece) for piece in pieces)
        batch = max(1, min(count, (1 << 20) // len(one)))
        for _ in range(count // batch):
            self.socket.sendall(one * batch)

    def ready(self, queue: str) -> int:
        """How many messages a queue holds, after everything sent before."""
        self.send(1, m.QueueDeclare(queue, passive=True))
        while not (size := self.first):
            self.held += self.socket.recv(1 << 16)
        payload, self.held = self.held[7 : size - 1], self.held[size:]
        return int.from_bytes(payload[-8:-4], "big")


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return bytes((kind,)) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"


class Node:
    """What the broker's process has used."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid

    @property
    def memory(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def backlog(node: Node) -> str:
    client, count = Client(node.port), 1_000_000
    client.ask(m.QueueDeclare("backlog"))
    before = node.memory
    client.publish("backlog", bytes(16), count)
    held = client.ready("backlog")
    each = (node.memory - before) / held
    client.ask(m.QueueDelete("backlog"))
    return f"{held:,} messages of 16 B in memory: {each:.0f} B each"


def queues(node: Node) -> str:
    client, count, before, start = Client(node.port), 10_000, node.memory, time.perf_counter()
    client.ask(*(m.QueueDeclare(f"many-{n}", durable=True) for n in range(count)))
    seconds, each = time.perf_counter() - start, (node.memory - before) / count
    client.ask(*(m.QueueDelete(f"many-{n}") for n in range(count)))
    return f"{count:,} durable queues declared: {seconds:.2f} s, {each / 1024:.1f} KiB each"


def connections(node: Node) -> str:
    before, start = node.memory, time.perf_counter()
    clients = [Client(node.port) for _ in range(1000)]
    clients[0].ask(m.QueueDeclare("shared"))
    for client in clients:
        client.ask(m.BasicConsume("shared", no_ack=True))
    seconds, each = time.perf_counter() - start, (node.memory - before) / len(clients)
    clients[0].publish("shared", b"m", 10_000)
    for client in clients:
        client.answers(3 * 10)
    for client in clients:
        client.socket.close()
    return f"1,000 connections with a consumer each: {seconds:.2f} s, {each / 1024:.0f} KiB each; served in equal parts"


def bindings(node: Node) -> str:
    client, count = Client(node.port), 100_000
    client.ask(m.ExchangeDeclare("keys", "topic"), m.QueueDeclare("bound"))
    before, start = node.memory, time.perf_counter()
    client.ask(*(m.QueueBind("bound", "keys", f"a.{n}.#") for n in range(count)))
    seconds, each = time.perf_counter() - start, (node.memory - before) / count
    cpu = node.cpu
    client.publish("a.77.b", b"m", 200_000, exchange="keys")
    held = client.ready("bound")
    cost = (node.cpu - cpu) / held * 1e6
    start = time.perf_counter()
    client.ask(m.QueueDelete("bound"))
    gone = time.perf_counter() - start
    text = f"{count:,} topic bindings: {seconds:.1f} s, {each:.0f} B each, a message {cost:.2f} us of CPU"
    return f"{text}; deleted with their queue in {gone:.2f} s"


def fan_out(node: Node) -> str:
    client, count = Client(node.port), 20_000
    client.ask(m.ExchangeDeclare("all", "fanout"))
    client.ask(*(m.QueueDeclare(f"fan-{n}") for n in range(100)))
    client.ask(*(m.QueueBind(f"fan-{n}", "all", "") for n in range(100)))
    cpu, start = node.cpu, time.perf_counter()
    client.publish("", bytes(16), count, exchange="all")
    held = client.ready("fan-0")
    seconds, cost = time.perf_counter() - start, (node.cpu - cpu) / held / 100 * 1e6
    client.ask(*(m.QueueDelete(f"fan-{n}") for n in range(100)))
    return f"fan-out to 100 queues: {held * 100 / seconds:,.0f} copies/s, {cost:.2f} us of CPU each"


def bodies(node: Node, size: int, count: int) -> str:
    publisher, consumer = Client(node.port), Client(node.port)
    publisher.ask(m.QueueDeclare("large"))
    consumer.ask(m.BasicConsume("large", no_ack=True))
    frames, cpu, start = 2 + -(-size // 131064), node.cpu, time.perf_counter()
    for _ in range(count):
        publisher.publish("large", bytes(size), 1)
        consumer.answers(frames)
    seconds, cost = time.perf_counter() - start, (node.cpu - cpu) / (size * count) * 2**30
    publisher.ask(m.QueueDelete("large"))
    return f"bodies of {size:,} B: {size * count / seconds / 2**20:,.0f} MiB/s through, {cost:.2f} s of CPU per GiB"


def tls(node: Node, port: int, context: ssl.SSLContext) -> str:
    cost = {}
    for name, client in (("plain", Client(node.port)), ("TLS", Client(port, context))):
        client.ask(m.QueueDeclare(name))
        cpu = node.cpu
        client.publish(name, bytes(1024), 200_000)
        cost[name] = (node.cpu - cpu) / client.ready(name) * 1e6
        client.ask(m.QueueDelete(name))
    return f"a message of 1 KB published over TLS: {cost['TLS']:.2f} us of CPU, without {cost['plain']:.2f} us"


def main() -> None:
    authority, (port,) = trustme.CA(), free_ports(1)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with scratch() as folder:
        certificate = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        lines = [f"listeners.ssl.1 = 127.0.0.1:{port}\n"]
        lines += [f"ssl_options.{n}file = {folder}/{n}.pem\n" for n in ("cert", "key")]
        with broker(folder, "".join(lines)) as (plain, pid):
            node = Node(plain, pid)
            measures: list[Callable[[], str]] = [
                lambda: backlog(node),
                lambda: queues(node),
                lambda: connections(node),
                lambda: bindings(node),
                lambda: fan_out(node),
                lambda: bodies(node, 100_000, 2000),
                lambda: bodies(node, 10_000_000, 20),
                lambda: tls(node, port, context),
            ]
            said = []
            for measure in measures:
                said.append("- " + measure())
                print(said[-1], flush=True)
    (HERE / "results" / "figures.md").write_text("# Many things at once\n\n" + "\n".join(said) + "\n")


if __name__ == "__main__":
    main()
