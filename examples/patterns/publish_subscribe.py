"""Publish/subscribe: every subscriber gets its own copy of what is published while it is there."""

import os

import pika

connection = pika.BlockingConnection(
    pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
)
channel = connection.channel()
channel.exchange_declare("news", "fanout", auto_delete=True)
channel.basic_publish("news", "", "nobody hears this")

subscribers = {}
for name in ("alice", "bob"):
    queue = channel.queue_declare("", exclusive=True).method.queue  # a name of the broker's; gone with the connection
    channel.queue_bind(queue, "news")
    subscribers[queue] = name

channel.basic_publish("news", "", "the broker is up")
for queue, name in subscribers.items():
    for method, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=1):
        if method is None:
            break
        print(f"{name} reads: {body.decode()}")
    channel.cancel()
connection.close()
