"""Publishes one durable message: an ordinary pika program."""

import sys

import pika

message = " ".join(sys.argv[1:]) or "Hello, Watership!"
connection = pika.BlockingConnection()
channel = connection.channel()
channel.exchange_declare(exchange="direct_logs", exchange_type="direct")
channel.queue_declare(queue="task_queue", durable=True)
channel.basic_publish(
    exchange="direct_logs",
    routing_key="task_queue",
    body=message,
    properties=pika.BasicProperties(delivery_mode=2),
)
print(f"sent {message!r}")
connection.close()
