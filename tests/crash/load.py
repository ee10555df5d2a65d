"""Clients that publish numbered messages and take them in every manner there is, until the broker goes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from random import Random

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from tests.crash.ledger import Ledger

PERSISTENT = pika.BasicProperties(delivery_mode=2)
WINDOW = 40  # messages published and not confirmed yet
CLASSIC, PLAIN, QUORUM, SOURCE, DEAD, MARKS = "classic", "plain", "quorum", "source", "dead", "marks"
QUEUES: dict[str, dict[str, object]] = {
    CLASSIC: {},
    PLAIN: {},
    QUORUM: {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000},
    DEAD: {},
    SOURCE: {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    },
    MARKS: {"x-max-length": 10},
}
Connect = Callable[[], pika.BlockingConnection]


def declare(channel: BlockingChannel) -> None:
    channel.exchange_declare("both", "fanout", durable=True)
    for name, arguments in QUEUES.items():
        channel.queue_declare(name, durable=True, arguments=arguments)
    for name in (CLASSIC, QUORUM):
        channel.queue_bind(name, "both")


class Client(threading.Thread):
    """One connection with one channel; ends when the broker does, or when `stop` is set."""

    def __init__(self, connect: Connect, rng: Random, name: str, ledgers: list[Ledger], first: int = 1) -> None:
        super().__init__(name=name, daemon=True)
        self.connect = connect
        self.rng = Random(rng.random())
        self.ledgers = ledgers
        self.number = first  # of the next message
        self.stop = threading.Event()
        self.trouble: BaseException | None = None
        self.confirms: dict[int, Callable[[], object]] = {}  # by delivery tag, what a confirm of it means
        self.tag = 0

    def run(self) -> None:
        connection = None
        try:
            connection = self.connect()
            self.channel = connection.channel()
            self.work(connection)
        except (AMQPError, OSError):
            pass
        except BaseException as error:
            if connection is not None or not isinstance(error.__context__, OSError):
                self.trouble = error  # but for what pika makes of a peer that dies while it is connected to
        if connection is not None:
            with contextlib.suppress(AMQPError, OSError):
                connection.close()

    def work(self, connection: pika.BlockingConnection) -> None:
        raise NotImplementedError

    def message(self) -> tuple[str, bytes]:
        name = f"{self.name} {self.number}"
        self.number += 1
        return name, name.ljust(self.rng.choice((10, 10, 10, 500, 500, 20_000))).encode()

    def confirming(self) -> None:
        self.channel._impl.confirm_delivery(self.on_confirm)

    def send(self, exchange: str, key: str, body: bytes, confirmed: Callable[[], object]) -> None:
        """Without waiting for the confirm."""
        self.tag += 1
        self.confirms[self.tag] = confirmed
        self.channel._impl.basic_publish(exchange, key, body, PERSISTENT)

    def on_confirm(self, frame: pika.frame.Method) -> None:
        method = frame.method
        acked = isinstance(method, pika.spec.Basic.Ack)
        tags = [t for t in self.confirms if t <= method.delivery_tag] if method.multiple else [method.delivery_tag]
        for tag in tags:
            means = self.confirms.pop(tag)
            if acked:
                means()


class Publisher(Client):
    """To one queue, or by a fan-out to several."""

    def work(self, connection: pika.BlockingConnection) -> None:
        self.confirming()
        exchange, key = ("both", "") if len(self.ledgers) > 1 else ("", self.ledgers[0].queue)
        while not self.stop.is_set():
            for _ in range(self.rng.randint(1, 20)):
                name, body = self.message()
                for ledger in self.ledgers:
                    ledger.attempted.add(name)
                self.send(exchange, key, body, lambda name=name: [k.confirmed.add(name) for k in self.ledgers])
            connection.process_data_events(0)
            while len(self.confirms) > WINDOW:
                connection.process_data_events(0.05)


class TransactionalPublisher(Client):
    """What was rolled back must never be seen."""

    def work(self, connection: pika.BlockingConnection) -> None:
        (ledger,) = self.ledgers
        self.channel.tx_select()
        while not self.stop.is_set():
            names = []
            for _ in range(self.rng.randint(1, 8)):
                name, body = self.message()
                names.append(name)
                self.channel.basic_publish("", ledger.queue, body, PERSISTENT)
            if self.rng.random() < 0.3:
                self.channel.tx_rollback()
                continue
            ledger.attempted.update(names)
            self.channel.tx_commit()
            ledger.confirmed.update(names)


class Consumer(Client):
    """Acknowledges one or many, requeues one or many; now and then proves by a confirmed message behind them that its
    acknowledgements are on disk."""

    def work(self, connection: pika.BlockingConnection) -> None:
        self.waiting: dict[int, str] = {}  # by delivery tag
        self.begin()
        self.channel.basic_qos(prefetch_count=self.rng.choice((1, 10, 100)))
        self.channel.basic_consume(self.ledgers[0].queue, self.on_message)
        while not self.stop.is_set():
            connection.process_data_events(0.05)

    def begin(self) -> None:
        self.confirming()
        self.proven: set[str] = set()  # acknowledged since the last proof was asked for

    def on_message(self, _channel: BlockingChannel, method, _properties, body: bytes) -> None:
        name = body.decode().strip()
        self.ledgers[0].deliver(name, redelivered=method.redelivered)
        self.waiting[method.delivery_tag] = name
        if self.rng.random() < 0.6:
            self.settle(method.delivery_tag)

    def upto(self, tag: int) -> list[str]:
        """Takes these out of `waiting`."""
        return [self.waiting.pop(t) for t in list(self.waiting) if t <= tag]

    def settle(self, tag: int) -> None:
        deed = self.rng.random()
        if deed < 0.15:
            self.waiting.pop(tag)
            self.channel.basic_nack(tag, requeue=True)
        elif deed < 0.25:
            self.upto(tag)
            self.channel.basic_nack(tag, multiple=True, requeue=True)
        elif deed < 0.6:
            self.acknowledge([self.waiting.pop(tag)])
            self.channel.basic_ack(tag)
        else:
            self.acknowledge(self.upto(tag))
            self.channel.basic_ack(tag, multiple=True)
        if deed > 0.9:
            proven, self.proven = self.proven, set()
            self.send("", MARKS, b"mark", lambda: self.ledgers[0].settled.update(proven))

    def acknowledge(self, names: list[str]) -> None:
        self.ledgers[0].acked.update(names)
        self.proven.update(names)


class TransactionalConsumer(Consumer):
    """Acknowledges in transactions; what it rolls back it acknowledges once more later."""

    def begin(self) -> None:
        self.channel.tx_select()

    def settle(self, tag: int) -> None:
        ledger = self.ledgers[0]
        names = [name for t, name in self.waiting.items() if t <= tag]
        self.channel.basic_ack(tag, multiple=True)
        if self.rng.random() < 0.3:
            self.channel.tx_rollback()
            return
        ledger.acked.update(names)
        self.upto(tag)
        self.channel.tx_commit()
        ledger.settled.update(names)


class Rejecter(Consumer):
    """Some of what it takes becomes a dead letter. ledgers: of the queue, and of where dead letters go."""

    def settle(self, tag: int) -> None:
        source, dead = self.ledgers
        name = self.waiting.pop(tag)
        source.acked.add(name)
        if self.rng.random() < 0.5:
            self.channel.basic_ack(tag)
        else:
            dead.attempted.add(name)
            dead.confirmed.add(name) if name in source.confirmed else None
            self.channel.basic_reject(tag, requeue=False)
