"""Effectively once: at least once, and duplicates are recognised. The exchange drops what a publisher sent twice since
it missed a confirm; the consumer keeps the ids of what it did in the same transaction as the effect.
"""

import os
import sqlite3

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
DEDUPLICATION = {"x-message-deduplication": True, "x-cache-size": 10_000}

connection = pika.BlockingConnection(URL)
channel = connection.channel()
channel.exchange_declare("transfers", "direct", durable=True, arguments=DEDUPLICATION)
channel.queue_declare("transfers", durable=True)
channel.queue_bind("transfers", "transfers", "transfers")
channel.confirm_delivery()


def publish(transfer: str, amount: int) -> None:
    headers = {"x-deduplication-header": transfer}
    properties = pika.BasicProperties(delivery_mode=2, message_id=transfer, headers=headers)
    channel.basic_publish("transfers", "transfers", str(amount), properties)


publish("transfer-1", 100)
publish("transfer-1", 100)  # a retry: the first confirm was lost on its way
publish("transfer-2", 50)
waiting = channel.queue_declare("transfers", passive=True).method.message_count
print(f"published 3 times, {waiting} messages wait")

books = sqlite3.connect(":memory:")
books.executescript(
    "create table done (id primary key); create table account (balance); insert into account values (0);"
)


def book(transfer: str, amount: int) -> bool:
    """Effect and id in one transaction. False: it had been booked before."""
    with books:
        if books.execute("insert or ignore into done values (?)", (transfer,)).rowcount == 0:
            return False
        books.execute("update account set balance = balance + ?", (amount,))
    return True


def consumer(*, dies: bool) -> None:
    other = pika.BlockingConnection(URL)
    inbox = other.channel()
    for method, properties, body in inbox.consume("transfers", inactivity_timeout=1):
        if method is None:
            break
        new = book(properties.message_id, int(body))
        print(f"{properties.message_id}: {'booked' if new else 'was booked before'}")
        if dies:
            break  # after the effect, before the acknowledgement
        inbox.basic_ack(method.delivery_tag)
    other.close()


consumer(dies=True)
consumer(dies=False)
print(f"the balance is {books.execute('select balance from account').fetchone()[0]}")
channel.queue_delete("transfers")
channel.exchange_delete("transfers")
connection.close()
