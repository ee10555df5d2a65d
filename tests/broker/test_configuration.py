"""Keys of rabbitmq.conf, by what clients and operators see of them."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
from tests.broker.process import Broker, NotStarted

from watership.server.proxy import SIGNATURE, header

LINES = """
default_queue_type = quorum
default_users.tenant.vhost_pattern = ^tenant
default_users.tenant.password = carrot
default_users.tenant.tags = monitoring
default_users.tenant.read = ^r
default_limits.vhosts.few.pattern = ^tenant
default_limits.vhosts.few.max_queues = 2
default_policies.operator.short.vhost_pattern = ^tenant
default_policies.operator.short.queue_pattern = ^q
default_policies.operator.short.max_length = 9
default_policies.operator.short.expires = 1h
cluster_tags.region = eu
node_tags.rack = 7
server_properties.motto = dig
product.version = 4.2.99
vhost_max = 4
cluster_queue_limit = 5
cluster_exchange_limit = 25
channel_max_per_node = 3
consumer_max_per_channel = 2
message_interceptors.incoming.set_header_timestamp.overwrite = false
message_interceptors.incoming.set_header_routing_node.overwrite = true
tcp_listen_options.keepalive = true
tcp_listen_options.sndbuf = 65536
tcp_listen_options.linger.on = true
tcp_listen_options.linger.timeout = 1
nodename = hazel
log.file = broker.log
log.dir = {folder}/logs
log.file.formatter = json
log.console.level = none
motd_file = {folder}/motd
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("configured")
    (folder / "motd").write_text("mind the cat\n")
    made = Broker(folder, LINES.format(folder=folder))
    made.start()
    yield made
    made.end(signal.SIGTERM)


@pytest.fixture
def tenant(broker: Broker) -> Iterator[str]:
    broker.admin("PUT", "/vhosts/tenant-1", {})
    yield "tenant-1"
    broker.admin("DELETE", "/vhosts/tenant-1")


def test_new_vhosts_get_users_limits_and_operator_policies(broker: Broker, tenant: str):
    rights = {"user": "tenant", "vhost": tenant, "configure": ".*", "write": ".*", "read": "^r"}
    assert broker.admin("GET", f"/permissions/{tenant}/tenant") == rights
    assert broker.admin("GET", "/users/tenant")["tags"] == ["monitoring"]
    assert broker.admin("GET", f"/vhost-limits/{tenant}") == [{"vhost": tenant, "value": {"max-queues": 2}}]
    (policy,) = broker.admin("GET", f"/operator-policies/{tenant}")
    assert (policy["name"], policy["pattern"]) == ("short", "^q")
    assert policy["definition"] == {"max-length": 9, "expires": 3_600_000}
    broker.connect("tenant", "carrot", virtual_host=tenant).close()


def test_queues_are_of_the_default_type_where_they_can(broker: Broker, tenant: str):
    assert broker.admin("GET", f"/vhosts/{tenant}")["default_queue_type"] == "quorum"
    channel = broker.connect("tenant", "carrot", virtual_host=tenant).channel()
    channel.queue_declare("q", durable=True)
    channel.queue_declare("q", durable=True)
    channel.queue_declare("x", exclusive=True)
    types = {q["name"]: q["type"] for q in broker.admin("GET", f"/queues/{tenant}")}
    assert types == {"q": "quorum", "x": "classic"}
    channel.connection.close()


def test_tags_properties_and_names_are_shown(broker: Broker):
    overview = broker.admin("GET", "/overview")
    assert (overview["cluster_tags"], overview["node_tags"]) == ({"region": "eu"}, {"rack": "7"})
    assert (overview["product_version"], overview["default_queue_type"]) == ("4.2.99", "quorum")
    assert overview["node"] == f"hazel@{socket.gethostname()}"
    connection = broker.connect()
    properties = connection._impl.server_properties
    assert (properties["motto"], properties["version"]) == ("dig", "4.2.99")
    connection.close()


def test_messages_are_stamped_and_keep_what_they_had(broker: Broker):
    channel = broker.connect().channel()
    channel.queue_declare("stamped", exclusive=True)
    before = int(time.time() * 1000)
    channel.basic_publish("", "stamped", b"one", pika.BasicProperties(headers={"mine": 1, "x-routed-by": "else"}))
    given = pika.BasicProperties(headers={"timestamp_in_ms": 5}, timestamp=5)
    channel.basic_publish("amq.direct", "nowhere", b"lost")
    channel.basic_publish("", "stamped", b"two", given)
    first, second = (channel.basic_get("stamped", auto_ack=True) for _ in range(2))
    node = f"hazel@{socket.gethostname()}"
    headers = first[1].headers
    assert (headers["mine"], headers["x-routed-by"], first[2]) == (1, node, b"one")
    assert before <= headers["timestamp_in_ms"] <= time.time() * 1000
    assert first[1].timestamp == headers["timestamp_in_ms"] // 1000
    assert (second[1].headers["timestamp_in_ms"], second[1].timestamp, second[2]) == (5, 5, b"two")
    channel.connection.close()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises((pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker)) as caught:
        call()
    return str(caught.value)


def test_limits_of_node_and_cluster(broker: Broker):
    connection = broker.connect()
    channels = [connection.channel() for _ in range(3)]
    assert "has reached the maximum allowed limit of (3)" in refused(connection.channel)
    channel = broker.connect().channel()
    channel.queue_declare("c", exclusive=True)
    for _ in range(2):
        channel.basic_consume("c", lambda *_: None)
    text = "reached maximum (2) of consumers per channel"
    assert text in refused(lambda: channel.basic_consume("c", lambda *_: None))
    channel = broker.connect().channel()
    for n in range(5):
        channel.queue_declare(f"q{n}", exclusive=True)
    assert "cannot declare queue 'q5': queue limit in cluster (5) is reached" in refused(
        lambda: channel.queue_declare("q5", exclusive=True)
    )
    channel = channel.connection.channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="exchange limit of 25 is reached"):
        for n in range(25):
            channel.exchange_declare(f"x{n}", auto_delete=True)
    channel.connection.close()
    for exchange in broker.admin("GET", "/exchanges/%2F"):
        if exchange["name"].startswith("x"):
            broker.admin("DELETE", f"/exchanges/%2F/{exchange['name']}")
    for n in range(3):
        broker.admin("PUT", f"/vhosts/v{n}", {})
    with pytest.raises(AssertionError, match=r"400: .*vhost limit of 4 is reached"):
        broker.admin("PUT", "/vhosts/v3", {})
    for n in range(3):
        broker.admin("DELETE", f"/vhosts/v{n}")
    assert len(channels) == 3


def test_log_file_is_json_with_the_events_of_connections_and_can_be_rotated(broker: Broker):
    file = broker.folder / "logs" / "broker.log"

    def lines_once_closed() -> list[str]:
        """The log, with the end of a connection that is made and closed now in it."""
        before = file.read_text().count('"event": "closed"')
        broker.connect().close()
        deadline = time.monotonic() + 60
        while file.read_text().count('"event": "closed"') == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return file.read_text().splitlines()

    lines = [json.loads(line) for line in lines_once_closed()]
    assert {"time", "level", "msg", "domain", "pid"} <= set(lines[0])
    assert broker.said() == ""
    broker.admin("POST", "/logs/rotate")
    assert (file.parent / "broker.log.1").exists()
    assert json.loads(lines_once_closed()[0])["time"] > lines[-1]["time"]


def test_effective_configuration_tells_no_secret(broker: Broker):
    request = broker.text("/config/effective")
    assert "nodename = hazel" in request
    assert "default_pass = ***" in request
    assert "guest" not in request.replace("default_user = guest", "").replace("anonymous_login_user = guest", "")


def test_first_start_says_how_to_log_in_and_no_password(tmp_path: Path):
    (tmp_path / "motd").write_text("mind the cat\n")
    made = Broker(tmp_path, f"motd_file = {tmp_path}/motd\ndefault_user = fiver\ndefault_pass = s3cret\n")
    made.start()
    made.end(signal.SIGTERM)
    said = "\n".join(made.printed)
    assert "mind the cat" in said
    assert f"http://127.0.0.1:{made.management}/api" in said
    assert "user 'fiver' logs in with default_pass" in said
    assert "s3cret" not in said + made.said()
    made.start()
    made.end(signal.SIGTERM)
    assert "first start" not in "\n".join(made.printed)


def test_default_listens_on_loopback_alone(tmp_path: Path):
    made = Broker(tmp_path)
    path = tmp_path / "rabbitmq.conf"
    kept = [line for line in path.read_text().splitlines() if ".ip" not in line]
    path.write_text("\n".join(kept) + "\n")
    made.start()
    addresses = {listener["ip_address"] for listener in made.admin("GET", "/overview")["listeners"]}
    made.end()
    assert addresses == {"127.0.0.1"}


def second(client: tuple[str, int], server: tuple[str, int], command: int = 1) -> bytes:
    """A version 2 header."""
    addresses = b"".join(ipaddress.ip_address(host).packed for host, _ in (client, server))
    ends = addresses + struct.pack("!HH", client[1], server[1])
    family = 0x11 if len(ends) == 12 else 0x21
    return SIGNATURE + bytes((0x20 | command, family)) + struct.pack("!H", len(ends)) + ends


ENDS = (("203.0.113.7", 4000), ("198.51.100.1", 5672))
V6 = (("2001:db8::1", 4000), ("2001:db8::2", 5672))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"PROXY TCP4 203.0.113.7 198.51.100.1 4000 5672\r\nAMQP", (47, ENDS)),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 4000 5672\r\n", (46, V6)),
        (b"PROXY UNKNOWN\r\nAMQP", (15, None)),
        (b"PROXY UNK", None),
        (b"PR", None),
        (b"", None),
        (second(*ENDS), (28, ENDS)),
        (second(*ENDS)[:20], None),
        (second(*ENDS)[:5], None),
        (second(*V6), (52, V6)),
        (second(*ENDS, command=0), (28, None)),
    ],
)
def test_proxy_headers_are_read(data: bytes, found: object):
    assert header(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"PROXY TCP4 a b c d\r\n",
        b"PROXY TCP5 \r\n",
        b"PROXY " + b"x" * 200,
        second(*ENDS, command=2),
    ],
)
def test_what_is_no_proxy_header_is_refused(data: bytes):
    with pytest.raises(ValueError):
        header(data)


def test_connections_have_the_address_that_the_proxy_tells(tmp_path: Path):
    made = Broker(tmp_path, "proxy_protocol = true\nloopback_users = none\n")
    made.start()
    with socket.create_connection(("127.0.0.1", made.port), 10) as raw:
        raw.settimeout(10)
        raw.sendall(b"PROXY TCP4 203.0.113.7 198.51.100.1 4000 5672\r\nAMQP\x00\x00\x09\x01")
        assert raw.recv(1) == b"\x01"
    with socket.create_connection(("127.0.0.1", made.port), 10) as raw:
        raw.settimeout(10)
        raw.sendall(b"AMQP\x00\x00\x09\x01")
        with contextlib.suppress(ConnectionResetError):
            assert raw.recv(1) == b""
    said = made.said()
    made.end()
    assert "203.0.113.7:4000 -> 198.51.100.1:5672" in said
    assert "no PROXY header; closing" in said


def test_a_file_that_cannot_be_logged_to_stops_the_start(tmp_path: Path):
    made = Broker(tmp_path, f"log.file = x\nlog.dir = {tmp_path}/rabbitmq.conf\n")
    with pytest.raises(NotStarted, match=r"rabbitmq\.conf"):
        made.start()
