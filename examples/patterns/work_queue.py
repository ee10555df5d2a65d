"""Work queue: tasks are shared out among workers, a worker that is busy gets no further one."""

import os
import threading
import time

import pika

URL = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
TASKS = {"index the archive": 0.6, "resize a.png": 0.02, "resize b.png": 0.02, "resize c.png": 0.02}


def work(name: str) -> None:
    connection = pika.BlockingConnection(URL)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)  # without it the broker deals tasks out in turn, busy or not
    for method, _, body in channel.consume("tasks", inactivity_timeout=1):
        if method is None:
            break
        time.sleep(TASKS[body.decode()])
        print(f"{name}: {body.decode()}", flush=True)
        channel.basic_ack(method.delivery_tag)  # only now may the broker forget it
    connection.close()


connection = pika.BlockingConnection(URL)
channel = connection.channel()
channel.queue_declare("tasks", durable=True)
channel.confirm_delivery()
for task in TASKS:
    channel.basic_publish("", "tasks", task, pika.BasicProperties(delivery_mode=2))

workers = [threading.Thread(target=work, args=(name,)) for name in ("first worker", "second worker")]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
channel.queue_delete("tasks")
connection.close()
