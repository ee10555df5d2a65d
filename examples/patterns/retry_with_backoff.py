"""Retry with exponential back-off: what fails waits in a queue whose messages expire back into the work queue, each
time twice as long. What fails too often is parked for a human.
"""

import os

import pika

DELAYS = [100, 200, 400]  # milliseconds; a real service would begin at seconds

connection = pika.BlockingConnection(
    pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
)
channel = connection.channel()
channel.queue_declare("orders", durable=True)
channel.queue_declare("orders.parked", durable=True)
for delay in DELAYS:  # one queue per delay: a queue expires its messages from the head only
    back = {"x-message-ttl": delay, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "orders"}
    channel.queue_declare(f"orders.retry.{delay}", durable=True, arguments=back)
channel.confirm_delivery()


def ship(order: str, attempt: int) -> None:
    """Fails for ever for one order, and two times for another."""
    if order == "order 2" or (order == "order 1" and attempt < 3):
        raise ConnectionError("the warehouse does not answer")


def on_order(method, properties, body) -> str:
    attempt = (properties.headers or {}).get("attempt", 1)
    try:
        ship(body.decode(), attempt)
        outcome = "shipped"
    except ConnectionError:
        again = f"orders.retry.{DELAYS[attempt - 1]}" if attempt <= len(DELAYS) else "orders.parked"
        properties.headers = {"attempt": attempt + 1}  # of our own: x-death of what a client publishes is not continued
        channel.basic_publish("", again, body, properties)  # confirmed before the original is acknowledged
        outcome = f"failed, goes to {again}"
    channel.basic_ack(method.delivery_tag)
    return f"{body.decode()}, attempt {attempt}: {outcome}"


for order in ("order 1", "order 2"):
    channel.basic_publish("", "orders", order, pika.BasicProperties(delivery_mode=2))
for method, properties, body in channel.consume("orders", inactivity_timeout=2):
    if method is None:
        break
    print(on_order(method, properties, body))
channel.cancel()
parked = channel.queue_declare("orders.parked", passive=True).method.message_count
print(f"{parked} parked")
for queue in ("orders", "orders.parked", *(f"orders.retry.{delay}" for delay in DELAYS)):
    channel.queue_delete(queue)
connection.close()
