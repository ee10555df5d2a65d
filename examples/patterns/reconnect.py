"""Reconnecting: a publisher and a consumer that outlive the broker's restart. Restart the broker while it runs.

The publisher keeps a message until it is confirmed; both connect again with growing, jittered pauses.
"""

import os
import random
import sys
import threading
import time

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20
LOST = (pika.exceptions.AMQPError, OSError)
got: set[int] = set()


def opened():
    """A channel on a new connection; tries until there is one."""
    pause = 0.1
    while True:
        try:
            channel = pika.BlockingConnection(URL).channel()
            channel.queue_declare("jobs", durable=True)
        except LOST:
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 5)
        else:
            return channel


def consume() -> None:
    while len(got) < COUNT:
        channel = opened()
        try:
            for method, _, body in channel.consume("jobs", inactivity_timeout=0.5):
                if method is not None:
                    got.add(int(body))  # a set: what was not acknowledged in time comes twice
                    channel.basic_ack(method.delivery_tag)
                if len(got) == COUNT:
                    break
        except LOST:
            print("the consumer lost its connection", flush=True)
        else:
            channel.connection.close()


consumer = threading.Thread(target=consume)
consumer.start()
channel = opened()
channel.confirm_delivery()
number = 0
while number < COUNT:
    try:
        channel.basic_publish("", "jobs", str(number), pika.BasicProperties(delivery_mode=2))
    except LOST:
        print("the publisher lost its connection", flush=True)
        channel = opened()
        channel.confirm_delivery()
        continue  # not confirmed: the same message again
    print(f"confirmed {number}", flush=True)
    number += 1
    time.sleep(0.1)
consumer.join()
print(f"{len(got)} of {COUNT} arrived")
channel.queue_delete("jobs")
channel.connection.close()
