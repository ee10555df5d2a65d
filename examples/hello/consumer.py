"""Consumes messages, one at a time, and acknowledges each: an ordinary pika program. Ctrl-C ends it."""

import sys

import pika


def on_message(channel, method, _properties, body):
    print(f"received {body.decode()!r}", flush=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)
    if "--one" in sys.argv:
        channel.stop_consuming()


connection = pika.BlockingConnection()
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True)
channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="task_queue", on_message_callback=on_message)
try:
    channel.start_consuming()
except KeyboardInterrupt:
    channel.stop_consuming()
connection.close()
