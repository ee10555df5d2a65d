"""At least once: the publisher waits for the broker's confirm, the consumer acknowledges when it is done. Whoever dies
in between causes a second delivery, never a loss.
"""

import os

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
DURABLE = pika.BasicProperties(delivery_mode=2)

connection = pika.BlockingConnection(URL)
channel = connection.channel()
channel.queue_declare("payments", durable=True)
channel.confirm_delivery()  # from now on basic_publish returns when the message is on the broker's disk
for number in range(2):
    channel.basic_publish("", "payments", f"payment {number}", DURABLE, mandatory=True)
try:
    channel.basic_publish("", "paymnets", "payment 2", DURABLE, mandatory=True)
except pika.exceptions.UnroutableError:
    print("payment 2 came back: there is no such queue")


def consumer(name: str, *, dies: bool) -> None:
    other = pika.BlockingConnection(URL)
    inbox = other.channel()
    for method, _, body in inbox.consume("payments", inactivity_timeout=1):
        if method is None:
            break
        again = " again" if method.redelivered else ""
        if dies:
            print(f"{name} took {body.decode()}{again} and died")
            break
        print(f"{name} booked {body.decode()}{again}")
        inbox.basic_ack(method.delivery_tag)
    other.close()


consumer("first", dies=True)
consumer("second", dies=False)
channel.queue_delete("payments")
connection.close()
