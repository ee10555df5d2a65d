"""Topics: subscribers say with patterns what they want; * stands for one word, # for any number."""

import os

import pika

PATTERNS = {"kitchen": "*.temperature.kitchen", "alarms": "alarm.#", "everything": "#"}

connection = pika.BlockingConnection(
    pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
)
channel = connection.channel()
channel.exchange_declare("readings", "topic", auto_delete=True)
queues = {}
for name, pattern in PATTERNS.items():
    queues[name] = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queues[name], "readings", pattern)

channel.confirm_delivery()
for key in ("hourly.temperature.kitchen", "hourly.temperature.cellar", "alarm.smoke.kitchen"):
    channel.basic_publish("readings", key, "21")

for name, queue in queues.items():
    keys = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        keys.append(got[0].routing_key)
    print(f"{name}: {', '.join(keys)}")
connection.close()
