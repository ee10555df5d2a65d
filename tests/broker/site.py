"""The topology that api.json was recorded with, in a broker of ours: two vhosts, a user per tag, traffic."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pika
from tests.broker.process import Broker

RECORDED = json.loads((Path(__file__).parent / "rabbitmq/api.json").read_text())
ALL = {"configure": ".*", "write": ".*", "read": ".*"}
TAGS = ("administrator", "monitoring", "policymaker", "management", "impersonator", "untagged")
PASSWORD = "pw-s"
HASH = "fFzUPeG9Jq6yM2QyMnJDP3bvq7dYfNC3Hq2Gz8Q2kUFE7FOm"
TOPOLOGY: list[tuple[str, str, Any]] = [
    ("PUT", "/vhosts/s-a", {}),
    ("PUT", "/vhosts/s-b", {"description": "other", "tags": "a,b"}),
    ("PUT", "/vhost-limits/s-b/max-queues", {"value": 50}),
    ("PUT", "/users/s-lonely", {"password": PASSWORD, "tags": "management"}),
    ("PUT", "/users/s-wrong", {"password": "another", "tags": "administrator"}),
    ("PUT", "/users/s-hashed", {"password_hash": HASH, "tags": ""}),
    *(("PUT", f"/users/s-{tag}", {"password": PASSWORD, "tags": tag.replace("untagged", "")}) for tag in TAGS),
    *(("PUT", f"/permissions/s-a/s-{tag}", ALL) for tag in TAGS),
    *(("PUT", f"/permissions/s-b/s-{tag}", ALL) for tag in TAGS),
    ("PUT", "/users/s-narrow", {"password": PASSWORD, "tags": "management"}),
    ("PUT", "/permissions/s-b/s-narrow", ALL),
    ("PUT", "/queues/s-b/s.other", {"durable": True}),
    ("PUT", "/vhost-limits/s-b/max-connections", {"value": 50}),
    ("PUT", "/user-limits/s-management/max-channels", {"value": 500}),
    ("PUT", "/user-limits/s-management/max-connections", {"value": 500}),
    (
        "PUT",
        "/exchanges/s-a/s.topic",
        {"type": "topic", "durable": True, "arguments": {"alternate-exchange": "s.fanout"}},
    ),
    ("PUT", "/exchanges/s-a/s.fanout", {"type": "fanout", "durable": True}),
    ("PUT", "/topic-permissions/s-a/s-management", {"exchange": "s.topic", "write": ".*", "read": ".*"}),
    ("PUT", "/policies/s-a/s.policy", {"pattern": "^s.policy", "definition": {"max-length": 100}, "priority": 1}),
    ("PUT", "/operator-policies/s-a/s.op", {"pattern": "^s.policy", "definition": {"max-length": 50}}),
    ("PUT", "/global-parameters/s.global", {"value": {"n": 1, "owner": "shapes"}}),
    *(("PUT", f"/queues/s-a/s.{name}", {"durable": True}) for name in ("plain", "policy", "idle")),
    ("PUT", "/queues/s-a/s.quorum", {"durable": True, "arguments": {"x-queue-type": "quorum"}}),
    ("PUT", "/queues/s-a/s.single", {"durable": True, "arguments": {"x-single-active-consumer": True}}),
    ("POST", "/bindings/s-a/e/s.topic/q/s.plain", {"routing_key": "k.#"}),
    ("POST", "/bindings/s-a/e/s.topic/q/s.quorum", {"routing_key": "k.#"}),
    ("POST", "/bindings/s-a/e/s.topic/e/s.fanout", {"routing_key": "e.#"}),
    ("POST", "/bindings/s-a/e/s.fanout/q/s.policy", {}),
]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Site:
    """Requests go over one kept-alive connection for each user."""

    def __init__(self, folder: Path) -> None:
        self.broker = Broker(folder, "collect_statistics_interval = 300\nssl_options.verify = verify_none\n")
        self.broker.start()
        self.clients: dict[str, http.client.HTTPConnection] = {}
        for step in TOPOLOGY:
            assert self.admin(*step).status in (201, 204), step
        self.ending = threading.Event()
        self.amqp = self.broker.connect(virtual_host="s-a", client_properties={"connection_name": "s-main"})
        self.traffic = threading.Thread(target=self.publish)
        self.channel = self.amqp.channel()
        self.prepare()
        self.traffic.start()
        self.names = self.placeholders()

    def prepare(self) -> None:
        channel = self.channel
        channel.basic_qos(prefetch_count=5)
        for queue in ("s.plain", "s.quorum", "s.single"):
            channel.basic_consume(queue, lambda c, m, _p, _b: c.basic_ack(m.delivery_tag), consumer_tag=f"tag {queue}")
        channel.queue_declare("s.exclusive", exclusive=True)
        channel.basic_get("s.idle")
        channel.basic_publish("", "s.idle", b"")
        channel.confirm_delivery()

    def publish(self) -> None:
        while not self.ending.is_set():
            for key in ("k.1", "e.1", "nowhere"):
                self.channel.basic_publish("s.topic", key, b"payload")
            self.channel.basic_publish("s.fanout", "", b"payload")
            self.amqp.process_data_events(0.05)
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.amqp.close()

    def end(self) -> None:
        self.ending.set()
        self.traffic.join(20)
        for client in self.clients.values():
            client.close()
        self.broker.end()

    def placeholders(self) -> dict[str, str]:
        """What {words} in the recorded routes stand for."""
        [connection] = self.wait(lambda: self.admin("GET", "/connections").body)
        self.wait(lambda: self.admin("GET", "/queues/s-a/s.plain").body["messages_details"]["rate"] is not None)
        node = self.admin("GET", "/overview").body["node"]
        names = {"vhost": "s-a", "other": "s-b", "queue": "s.plain", "quorum": "s.quorum", "exchange": "s.topic"}
        names |= {"user": "s-management", "policy": "s.policy", "oppolicy": "s.op", "global": "s.global"}
        names |= {"component": "operator_policy", "parameter": "s.op", "password": "secret", "node": node}
        names |= {"connection": connection["name"], "channel": connection["name"] + " (1)"}
        return names | {"port": str(self.broker.port), "admin": "s-administrator"}

    def wait(self, found: Any) -> Any:
        deadline = time.monotonic() + 20
        while not (value := found()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return value

    def path(self, recorded: str) -> str:
        for word, name in self.names.items():
            recorded = recorded.replace(f"{{{word}}}", quote(name, safe=""))
        return recorded

    def admin(self, method: str, path: str, body: Any = None) -> Answer:
        return self.ask("guest", method, f"/api{path}", body)

    def ask(self, user: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """user: guest, one of TAGS, lonely, wrong, or "no credentials". path goes out as it stands."""
        client = self.clients.setdefault(
            user, http.client.HTTPConnection("127.0.0.1", self.broker.management, timeout=20)
        )
        if user != "no credentials":
            login = "guest:guest" if user == "guest" else f"s-{user}:{PASSWORD}"
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        client.request(method, path, body if body is None else json.dumps(body), headers)
        response = client.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
