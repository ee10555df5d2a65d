"""Request/reply with direct reply-to: the answer comes back without a queue of its own for answers."""

import os
import threading
import uuid

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
REPLIES = "amq.rabbitmq.reply-to"  # no queue: a name for "the consumer on this channel"


def serve(ready: threading.Event, requests: int) -> None:
    connection = pika.BlockingConnection(URL)
    channel = connection.channel()
    channel.queue_declare("squares", exclusive=True)
    ready.set()
    for method, properties, body in channel.consume("squares"):
        answer = str(int(body) ** 2)
        same = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish("", properties.reply_to, answer, same)
        channel.basic_ack(method.delivery_tag)
        if method.delivery_tag == requests:
            break
    connection.close()


class Client:
    def __init__(self) -> None:
        self.connection = pika.BlockingConnection(URL)
        self.channel = self.connection.channel()
        self.channel.basic_consume(REPLIES, self.on_reply, auto_ack=True)  # before the first request, and auto_ack
        self.answers: dict[str, bytes] = {}

    def on_reply(self, _channel, _method, properties, body) -> None:
        self.answers[properties.correlation_id] = body

    def ask(self, number: int, timeout: float = 5) -> int:
        question = uuid.uuid4().hex
        properties = pika.BasicProperties(reply_to=REPLIES, correlation_id=question)
        self.channel.basic_publish("", "squares", str(number), properties)
        while question not in self.answers:
            self.connection.process_data_events(time_limit=timeout)
        return int(self.answers.pop(question))


ready = threading.Event()
server = threading.Thread(target=serve, args=(ready, 3))
server.start()
ready.wait()
client = Client()
for number in (2, 3, 12):
    print(f"{number} squared is {client.ask(number)}")
server.join()
client.connection.close()
