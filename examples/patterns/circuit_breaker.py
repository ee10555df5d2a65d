"""Circuit breaker: a consumer whose downstream keeps failing stops taking messages, tries a single one after a while,
and goes on when that one succeeds. Nothing is lost and nothing spins: the messages wait in the queue.
"""

import os
import time

import pika

THRESHOLD = 3  # failures in a row that open the circuit
PAUSE = 0.3  # seconds until a trial; a real service would wait longer
OUTAGE = 5  # the downstream fails this often, then works again


class Downstream:
    def __init__(self) -> None:
        self.calls = 0

    def bill(self, _customer: str) -> None:
        self.calls += 1
        if self.calls <= OUTAGE:
            raise ConnectionError("the bank does not answer")


class Breaker:
    """closed: consuming. open: no consumer. half open: one message, to see."""

    def __init__(self, channel, downstream: Downstream) -> None:
        self.channel = channel
        self.downstream = downstream
        self.failures = 0
        self.done = 0

    def handle(self, method, body) -> bool:
        try:
            self.downstream.bill(body.decode())
        except ConnectionError:
            self.channel.basic_nack(method.delivery_tag, requeue=True)  # back to its place in the queue
            self.failures += 1
            return False
        self.channel.basic_ack(method.delivery_tag)
        self.failures = 0
        self.done += 1
        return True

    def closed(self) -> None:
        print(f"closed: consuming, {self.done} billed so far")
        self.channel.basic_qos(prefetch_count=1)  # few messages in hand when the circuit opens
        for method, _, body in self.channel.consume("bills", inactivity_timeout=1):
            if method is None or (not self.handle(method, body) and self.failures >= THRESHOLD):
                break
        self.channel.cancel()  # what was delivered meanwhile goes back too

    def half_open(self) -> bool:
        method, _, body = self.channel.basic_get("bills")
        return method is None or self.handle(method, body)

    def run(self) -> None:
        while True:
            self.closed()
            if self.failures < THRESHOLD:
                return
            print(f"open: {self.failures} failures in a row")
            time.sleep(PAUSE)
            while not self.half_open():
                print("half open: the trial failed")
                time.sleep(PAUSE)
            print("half open: the trial succeeded")


connection = pika.BlockingConnection(
    pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
)
channel = connection.channel()
channel.queue_declare("bills", durable=True)
channel.confirm_delivery()
for customer in range(10):
    channel.basic_publish("", "bills", f"customer {customer}", pika.BasicProperties(delivery_mode=2))
breaker = Breaker(channel, Downstream())
breaker.run()
print(f"{breaker.done} billed in all")
channel.queue_delete("bills")
connection.close()
