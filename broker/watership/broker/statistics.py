"""Samples of what moves, one each collect_statistics_interval: of queues, connections, channels, vhosts, the node."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from watership.kernel import Flow, Queue
from watership.model.samples import History, Span, details

from .alarms import resident_bytes

if TYPE_CHECKING:
    from .broker import Broker, ClientChannel
    from .vhost import VirtualHost

LENGTHS = ("messages", "messages_ready", "messages_unacknowledged")
DELIVERIES = ("deliver", "deliver_no_ack", "get", "get_no_ack")
MESSAGES = ("publish", *DELIVERIES, "get_empty", "deliver_get", "redeliver", "ack")
TRAFFIC = ("recv_oct", "send_oct", "recv_cnt", "send_cnt")
GLOBAL = ("confirm", "return_unroutable", "drop_unroutable")
NODE = (
    *("mem_used", "sockets_used", "fd_used", "proc_used", "disk_free", "context_switches", "gc_num"),
    *("io_sync_count", "io_write_count", "io_write_bytes"),
)
CHURN = (
    *("connection_created", "connection_closed", "channel_created", "channel_closed"),
    *("queue_declared", "queue_created", "queue_deleted"),
)
GROUPS: Mapping[str, tuple[str, ...]] = {  # as the query's ..._age and ..._incr name them
    "lengths": LENGTHS,
    "msg_rates": (*MESSAGES, *GLOBAL, *CHURN, "publish_in", "publish_out"),
    "data_rates": TRAFFIC,
    "node_stats": (*NODE, *CHURN),
}
OF_EXCHANGE = ("publish_in", "publish_out")
OF_NODE = (*LENGTHS, *MESSAGES, *GLOBAL, *CHURN, *NODE)
OF_QUEUE = (*LENGTHS, *MESSAGES)
OF_VHOST = (*LENGTHS, *MESSAGES, *GLOBAL, "recv_oct", "send_oct")
Spans = Mapping[str, Span]
AT_ONCE = 200  # objects that are looked at before others get a turn


def lengths(records: Queue) -> tuple[int, ...]:
    return records.ready + records.unacked, records.ready, records.unacked


def movements(records: Queue) -> tuple[int, ...]:
    """As MESSAGES names them."""
    taken = records.delivered, records.delivered_no_ack, records.got, records.got_no_ack
    return records.published, *taken, records.got_empty, sum(taken), records.redelivered, records.acked


def of_queue(records: Queue) -> tuple[int, ...]:
    """As OF_QUEUE names them."""
    return lengths(records) + movements(records)


def of_exchange(flow: Flow) -> tuple[int, ...]:
    """As OF_EXCHANGE names them."""
    return flow.taken, flow.given


def of_channel(channel: ClientChannel) -> tuple[int, ...]:
    return tuple(channel.counts().values())


class Statistics:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.histories: WeakKeyDictionary[object, History] = WeakKeyDictionary()
        self.now = self.before = time.time()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.run())

    def close(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        while True:
            await self.sample(time.time())
            await asyncio.sleep(self.broker.config["collect_statistics_interval"] / 1000)

    async def sample(self, now: float) -> None:
        """One sample of everything. Others get turns in between: the numbers of one object belong together."""
        self.before, self.now = self.now, now
        rest = iter(list(self.objects()))
        while some := list(islice(rest, AT_ONCE)):
            for key, numbers in some:
                history = self.histories.get(key)
                if history is None:
                    history = self.histories[key] = History()
                history.add(now, numbers())
            await asyncio.sleep(0)

    def objects(self) -> Iterator[tuple[object, Callable[[], tuple[int, ...]]]]:
        """Everything that has numbers, and how to ask for them."""
        broker = self.broker
        yield broker, self.of_node
        for vhost in broker.vhosts.values():
            yield vhost, partial(self.of_vhost, vhost)
            for queue in vhost.live.values():
                yield queue, partial(of_queue, queue.records)
            for flow in vhost.exchanges.flows.values():
                yield flow, partial(of_exchange, flow)
        for client in broker.clients.values():
            yield client, client.traffic
            for channel in client.channels.values():
                yield channel, partial(of_channel, channel)

    def of_node(self) -> tuple[int, ...]:
        """As OF_NODE names them."""
        broker, totals = self.broker, self.broker.queue_totals()
        ready = unacked = 0
        for vhost in broker.vhosts.values():
            for queue in vhost.live.values():
                ready, unacked = ready + queue.records.ready, unacked + queue.records.unacked
        taken = tuple(totals[name] for name in ("delivered", "delivered_no_ack", "got", "got_no_ack"))
        messages = (
            broker.kernel.published,
            *taken,
            totals["got_empty"],
            sum(taken),
            totals["redelivered"],
            totals["acked"],
        )
        others = (broker.kernel.confirmed, broker.kernel.returned, broker.kernel.dropped)
        return ready + unacked, ready, unacked, *messages, *others, *broker.churn.values(), *self.of_process()

    def of_process(self) -> tuple[int, ...]:
        """As NODE names them."""
        usage, commits = resource.getrusage(resource.RUSAGE_SELF), self.broker.journal.commits
        return (
            *(resident_bytes(), len(self.broker.clients)),
            len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names only, many of them
            *(threading.active_count(), shutil.disk_usage(self.broker.data).free),
            usage.ru_nvcsw + usage.ru_nivcsw,
            sum(generation["collections"] for generation in gc.get_stats()),
            *(commits, commits, self.broker.journal.appended),
        )

    def of_vhost(self, vhost: VirtualHost) -> tuple[int, ...]:
        """As OF_VHOST names them."""
        sums = [0] * (len(LENGTHS) + len(MESSAGES))
        for queue in vhost.live.values():
            for at, number in enumerate(of_queue(queue.records)):
                sums[at] += number
        gone, clients = vhost.gone, [c for c in self.broker.clients.values() if c.vhost == vhost.name]
        counts = [channel.counts() for c in clients for channel in c.channels.values()]
        sums[len(LENGTHS) :] = [now + gone[name] for name, now in zip(MESSAGES, sums[len(LENGTHS) :], strict=True)]
        sums += [gone[name] + sum(count[name] for count in counts) for name in GLOBAL]
        traffic = [client.traffic() for client in clients]
        return *sums, *(gone[name] + sum(t[at] for t in traffic) for at, name in enumerate(("recv_oct", "send_oct")))

    def details(self, key: object, names: Sequence[str], spans: Spans) -> dict[str, object]:
        """NAME_details of an object; names: of all its numbers, in their order."""
        history = self.histories.get(key) or History()
        wanted = {name: spans[group] for group, members in GROUPS.items() if group in spans for name in members}
        return details(history, names, now=self.now, before=self.before, spans=wanted)
