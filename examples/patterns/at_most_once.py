"""At most once: fast, and whatever is in somebody's hands when he dies is gone.

For readings that the next one replaces.
"""

import os

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))

connection = pika.BlockingConnection(URL)
channel = connection.channel()
channel.queue_declare("readings", durable=True)
for number in range(4):
    # No confirm and no persistence: the publisher does not know whether it arrived.
    channel.basic_publish("", "readings", f"reading {number}", pika.BasicProperties(delivery_mode=1))


def consumer(name: str, *, dies: bool) -> None:
    other = pika.BlockingConnection(URL)
    inbox = other.channel()
    while (got := inbox.basic_get("readings", auto_ack=True))[0] is not None:  # acknowledged as it is sent
        if dies:
            print(f"{name} took {got[2].decode()} and died")
            break
        print(f"{name} used {got[2].decode()}")
    other.close()


consumer("first", dies=True)
consumer("second", dies=False)
channel.queue_delete("readings")
connection.close()
