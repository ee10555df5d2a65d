"""One channel: each method becomes one call of the broker. Publishes and acknowledgements are the kernel's.

A table maps methods to what does them; the state tables decided before whether a method may come at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from watership import kernel
from watership.broker.firehose import Tap
from watership.broker.statistics import GLOBAL
from watership.model.arguments import check_consumer
from watership.model.errors import AMQPError, NotAllowed, NotFound, NotImplementedHere, PreconditionFailed
from watership.model.names import clean, describe
from watership.queues import ClassicQueue, Subscription
from watership.wire.amqp091 import methods as m

from .publishing import publish_arguments
from .replies import PSEUDO_QUEUE, DirectReplies, check_consume

if TYPE_CHECKING:
    from .connection import ClientConnection

Handler = Callable[["ClientChannel", Any], None]


class ClientChannel:
    def __init__(self, connection: ClientConnection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.state: Literal["open", "closing"] = "open"
        self.wire = kernel.Channel(connection.wire, number)
        self.vhost = connection.virtual_host
        self.actor = connection.actor
        self.prefetch = connection.broker.config["default_consumer_prefetch"]
        self.last_queue = ""
        self.subscriptions: dict[str, tuple[ClassicQueue, Subscription]] = {}
        self.tags = 0
        self.replies: DirectReplies | None = None
        if self.vhost.tracing:
            self.tap(on=True)

    def tap(self, *, on: bool) -> None:
        """Whether the firehose hears of its messages."""
        connection = self.connection
        about: Any = {"connection": connection.name, "channel": self.number, "user": connection.user}
        self.wire.tap = Tap(self.vhost, **about) if on else None

    @property
    def name(self) -> str:
        return f"{self.connection.name} ({self.number})"

    def do(self, method: m.Method) -> None:
        """Raises AMQPError, which closes this channel or the connection."""
        HANDLERS[type(method)](self, method)

    def send(self, method: m.Method) -> None:
        self.connection.send(self.number, method)

    def reply(self, request: Any, method: m.Method) -> None:
        """An answer to something that may have to survive: it waits for the disk. no-wait: no answer."""
        if not request.no_wait:
            self.connection.wire.hold(self.connection.broker.lsn)
            self.send(method)

    # Channel

    def flow(self, method: m.ChannelFlow) -> None:
        if not method.active:
            raise NotImplementedHere("active=false")
        self.send(m.ChannelFlowOk(method.active))

    def close(self, _: m.ChannelClose) -> None:
        self.end()
        self.send(m.ChannelCloseOk())

    def close_ok(self, _: m.ChannelCloseOk) -> None:
        self.end()

    def fail(self, error: AMQPError) -> None:
        """Closes the channel; until close-ok comes everything else on it is dropped."""
        if self.state == "closing":
            return
        self.state = "closing"
        self.wire.closing = True
        self.end_subscriptions()
        self.wire.recover()
        self.send(m.ChannelClose(error.code, error.reply_text, *error.method))

    def check_timeout(self) -> None:
        """A delivery that was kept for too long closes the channel."""
        kept = self.wire.oldest_unacked
        if kept is None or self.state == "closing":
            return
        seconds, records = kept
        queue = self.vhost.live.get(records.name)
        limit = (queue and queue.settings.consumer_timeout) or self.connection.broker.config["consumer_timeout"]
        if seconds * 1000 >= limit:
            self.connection.on_error(
                self.number,
                PreconditionFailed(
                    f"delivery acknowledgement on channel {self.number} timed out. Timeout value used: {limit} ms. "
                    "This timeout value can be configured, see consumers doc guide to learn more"
                ),
            )

    def end(self) -> None:
        """The channel is gone, by whatever way."""
        self.end_subscriptions()
        self.wire.close()
        counts = self.counts()
        self.vhost.gone.update({name: counts[name] for name in GLOBAL})
        self.connection.channel_gone(self.number)

    def end_subscriptions(self) -> None:
        for queue, subscription in list(self.subscriptions.values()):
            self.vhost.unsubscribe(queue, subscription)
        self.subscriptions.clear()
        self.end_replies()

    def end_replies(self) -> None:
        if self.replies is not None:
            self.replies.end()
            self.replies = None

    # Exchanges

    def exchange_declare(self, method: m.ExchangeDeclare) -> None:
        if method.passive:
            self.vhost.exchanges.check(self.actor, clean(method.exchange))
        else:
            self.vhost.exchanges.declare(
                self.actor,
                method.exchange,
                type=method.type,
                durable=method.durable,
                auto_delete=method.auto_delete,
                internal=method.internal,
                arguments=method.arguments,
            )
        self.reply(method, m.ExchangeDeclareOk())

    def exchange_delete(self, method: m.ExchangeDelete) -> None:
        self.vhost.exchanges.delete(self.actor, clean(method.exchange), if_unused=method.if_unused)
        self.reply(method, m.ExchangeDeleteOk())

    def exchange_bind(self, method: m.ExchangeBind) -> None:
        self.bind(method.source, method.destination, "exchange", method)
        self.reply(method, m.ExchangeBindOk())

    def exchange_unbind(self, method: m.ExchangeUnbind) -> None:
        self.unbind(method.source, method.destination, "exchange", method)
        self.reply(method, m.ExchangeUnbindOk())

    def bind(self, source: str, destination: str, kind: str, method: Any) -> None:
        key, arguments = method.routing_key, method.arguments
        source, destination = clean(source), clean(destination)
        self.vhost.bindings.add(self.actor, source, destination, kind=kind, routing_key=key, arguments=arguments)

    def unbind(self, source: str, destination: str, kind: str, method: Any) -> None:
        key, arguments = method.routing_key, method.arguments
        source, destination = clean(source), clean(destination)
        self.vhost.bindings.remove(self.actor, source, destination, kind=kind, routing_key=key, arguments=arguments)

    # Queues

    def named(self, name: str) -> str:
        """An empty name stands for the queue that this channel declared last."""
        if not name and not self.last_queue:
            raise NotFound("no previously declared queue")
        return name or self.last_queue

    def queue_declare(self, method: m.QueueDeclare) -> None:
        if method.queue.startswith(PSEUDO_QUEUE):
            self.reply_declare(method)
            return
        if method.passive:
            queue = self.vhost.queues.check(self.actor, clean(method.queue))
        else:
            queue, _ = self.vhost.queues.declare(
                self.actor,
                method.queue,
                durable=method.durable,
                exclusive=method.exclusive,
                auto_delete=method.auto_delete,
                arguments=method.arguments,
            )
        self.last_queue = queue.name
        self.reply(method, m.QueueDeclareOk(queue.name, queue.records.ready, len(queue.subscriptions)))

    def reply_declare(self, method: m.QueueDeclare) -> None:
        """Whether somebody waits for direct replies under this name."""
        if method.queue != PSEUDO_QUEUE and method.queue not in self.vhost.replies:
            raise NotFound(f"no {describe('queue', method.queue, self.vhost.name)}")
        self.reply(method, m.QueueDeclareOk(method.queue, 0, 1))

    def queue_bind(self, method: m.QueueBind) -> None:
        self.bind(method.exchange, self.named(method.queue), "queue", method)
        self.reply(method, m.QueueBindOk())

    def queue_unbind(self, method: m.QueueUnbind) -> None:
        self.unbind(method.exchange, self.named(method.queue), "queue", method)
        self.connection.wire.hold(self.connection.broker.lsn)
        self.send(m.QueueUnbindOk())

    def queue_purge(self, method: m.QueuePurge) -> None:
        count = self.vhost.queues.purge(self.actor, clean(self.named(method.queue)))
        self.reply(method, m.QueuePurgeOk(count))

    def queue_delete(self, method: m.QueueDelete) -> None:
        name = clean(self.named(method.queue))
        unused, empty = method.if_unused, method.if_empty
        count = self.vhost.queues.delete(self.actor, name, if_unused=unused, if_empty=empty)
        self.reply(method, m.QueueDeleteOk(count))

    # Consuming

    def qos(self, method: m.BasicQos) -> None:
        if method.prefetch_size:
            raise NotImplementedHere(f"prefetch_size!=0 ({method.prefetch_size})")
        if method.global_ and self.connection.broker.config.permits("global_qos"):
            self.wire.prefetch = method.prefetch_count
        else:
            self.prefetch = method.prefetch_count
        self.send(m.BasicQosOk())

    def consume(self, method: m.BasicConsume) -> None:
        tag = method.consumer_tag or self.next_tag()
        if tag in self.subscriptions or (self.replies is not None and tag == self.replies.tag):
            raise NotAllowed(f"attempt to reuse consumer tag '{tag}'")
        if method.queue == PSEUDO_QUEUE:
            self.consume_replies(method, tag)
            return
        most = self.connection.broker.config["consumer_max_per_channel"]
        if most is not None and len(self.subscriptions) >= most:
            raise NotAllowed(f"reached maximum ({most}) of consumers per channel")
        queue = self.vhost.readable(self.actor, self.named(method.queue))
        if self.wire.prefetch and not queue.takes_global_qos:
            raise NotImplementedHere(f"{queue.resource} does not support global qos")
        subscription = Subscription(
            tag,
            self.name,
            lambda: self.cancelled(tag),
            no_ack=method.no_ack,
            exclusive=method.exclusive,
            prefetch=self.prefetch,
            arguments=method.arguments,
        )
        check_consumer(queue.type, queue.resource, method.arguments)
        queue.subscribe(subscription)
        self.subscriptions[tag] = (queue, subscription)
        if not method.no_wait:
            self.send(m.BasicConsumeOk(tag))
        subscription.consumer = kernel.Consumer(
            self.wire,
            queue.records,
            tag.encode(),
            no_ack=method.no_ack,
            prefetch=self.prefetch,
            priority=subscription.priority,
        )

    def consume_replies(self, method: m.BasicConsume, tag: str) -> None:
        check_consume(self, no_ack=method.no_ack)
        self.replies = DirectReplies(self, tag)
        if not method.no_wait:
            self.send(m.BasicConsumeOk(tag))
        self.replies.start()

    def next_tag(self) -> str:
        self.tags += 1
        return f"amq.ctag-{self.number}.{self.tags}-{self.connection.broker.random(8).hex()}"

    def cancel(self, method: m.BasicCancel) -> None:
        if self.replies is not None and self.replies.tag == method.consumer_tag:
            self.end_replies()
        found = self.subscriptions.pop(method.consumer_tag, None)
        if found is not None:
            self.vhost.unsubscribe(*found)
        if not method.no_wait:
            self.send(m.BasicCancelOk(method.consumer_tag))

    def cancelled(self, tag: str) -> None:
        """The broker ended a consumer, because its queue is gone. Told a moment later: a client that deleted the queue
        itself is waiting for delete-ok first."""
        self.subscriptions.pop(tag, None)
        if self.connection.capable("consumer_cancel_notify"):
            self.connection.broker.loop.call_soon(self.notify_cancelled, tag)

    def notify_cancelled(self, tag: str) -> None:
        if self.state == "open" and self.connection.channels.get(self.number) is self:
            self.send(m.BasicCancel(tag, True))

    def get(self, method: m.BasicGet) -> None:
        queue = self.vhost.readable(self.actor, self.named(method.queue))
        queue.check_get()
        self.vhost.queues.use(queue)
        if not self.wire.get(queue.records, no_ack=method.no_ack):
            self.send(m.BasicGetEmpty())

    def recover(self, method: m.BasicRecover | m.BasicRecoverAsync) -> None:
        if not method.requeue:
            raise NotImplementedHere("requeue=false")
        self.wire.recover()
        if isinstance(method, m.BasicRecover):
            self.send(m.BasicRecoverOk())

    # Publishing

    def confirm_select(self, method: m.ConfirmSelect) -> None:
        if self.wire.transactional:
            raise PreconditionFailed("cannot switch from tx to confirm mode")
        self.wire.confirming = True
        if not method.no_wait:
            self.send(m.ConfirmSelectOk())

    def return_message(self, publish: bytes, properties: bytes, body: bytes) -> None:
        exchange, key, _ = publish_arguments(publish)
        method = m.BasicReturn(312, "NO_ROUTE", exchange, key)
        self.connection.wire.send_content(self.number, method.encode(), properties, body)

    def describe(self) -> dict[str, object]:
        """As the management API shows it."""
        connection, wire = self.connection, self.wire
        return {
            "name": self.name,
            "number": self.number,
            "user": connection.user,
            "vhost": connection.vhost,
            "messages_uncommitted": 0,
            "acks_uncommitted": 0,
            "pending_raft_commands": 0,
            "user_who_performed_action": connection.user,
            "connection_details": {
                "name": connection.name,
                "peer_host": connection.peer[0],
                "peer_port": connection.peer[1],
            },
            "state": "running" if self.state == "open" else "closing",
            "consumer_count": len(self.subscriptions) + (self.replies is not None),
            "prefetch_count": self.prefetch,
            "global_prefetch_count": wire.prefetch,
            "messages_unacknowledged": wire.unacked,
            "messages_unconfirmed": wire.unconfirmed,
            "confirm": wire.confirming,
            "transactional": wire.transactional,
            "message_stats": self.counts(),
        }

    def counts(self) -> dict[str, int]:
        """Messages since the channel was opened."""
        wire = self.wire
        return {
            "publish": wire.published,
            "confirm": wire.confirmed,
            "return_unroutable": wire.returned,
            "drop_unroutable": wire.dropped,
            "deliver": wire.delivered,
            "deliver_no_ack": wire.delivered_no_ack,
            "get": wire.got,
            "get_no_ack": wire.got_no_ack,
            "deliver_get": wire.delivered + wire.delivered_no_ack + wire.got + wire.got_no_ack,
            "redeliver": wire.redelivered,
            "ack": wire.acked,
        }

    # Transactions

    def tx_select(self, _: m.TxSelect) -> None:
        if self.wire.confirming:
            raise PreconditionFailed("cannot switch from confirm to tx mode")
        self.wire.select()
        self.send(m.TxSelectOk())

    def tx_commit(self, _: m.TxCommit) -> None:
        self.check_transactional()
        self.wire.commit()
        self.connection.wire.hold(self.connection.broker.lsn)
        self.send(m.TxCommitOk())

    def tx_rollback(self, _: m.TxRollback) -> None:
        self.check_transactional()
        self.wire.rollback()
        self.send(m.TxRollbackOk())

    def check_transactional(self) -> None:
        if not self.wire.transactional:
            raise PreconditionFailed("channel is not transactional")

    def access_request(self, _: m.AccessRequest) -> None:
        """Of protocol 0-9; some old clients still send it."""
        self.send(m.AccessRequestOk())


def ignore(_channel: ClientChannel, _method: m.Method) -> None:
    """An answer that nobody waits for."""


HANDLERS: dict[type[m.Method], Handler] = {
    m.ChannelFlow: ClientChannel.flow,
    m.ChannelFlowOk: ignore,
    m.ChannelClose: ClientChannel.close,
    m.ChannelCloseOk: ClientChannel.close_ok,
    m.AccessRequest: ClientChannel.access_request,
    m.ExchangeDeclare: ClientChannel.exchange_declare,
    m.ExchangeDelete: ClientChannel.exchange_delete,
    m.ExchangeBind: ClientChannel.exchange_bind,
    m.ExchangeUnbind: ClientChannel.exchange_unbind,
    m.QueueDeclare: ClientChannel.queue_declare,
    m.QueueBind: ClientChannel.queue_bind,
    m.QueuePurge: ClientChannel.queue_purge,
    m.QueueDelete: ClientChannel.queue_delete,
    m.QueueUnbind: ClientChannel.queue_unbind,
    m.BasicQos: ClientChannel.qos,
    m.BasicConsume: ClientChannel.consume,
    m.BasicCancel: ClientChannel.cancel,
    m.BasicCancelOk: ignore,
    m.BasicGet: ClientChannel.get,
    m.BasicRecover: ClientChannel.recover,
    m.BasicRecoverAsync: ClientChannel.recover,
    m.ConfirmSelect: ClientChannel.confirm_select,
    m.TxSelect: ClientChannel.tx_select,
    m.TxCommit: ClientChannel.tx_commit,
    m.TxRollback: ClientChannel.tx_rollback,
}
