"""Changes of files that a running broker takes: certificates, keys of the configuration, the default user."""

import hashlib
import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
import trustme
from tests.broker.process import Broker, free_ports


def until(what: str, holds: Callable[[], bool], broker: Broker) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"{what} not within 30 s:\n{broker.said()}"
        time.sleep(0.1)


def served(port: int) -> str:
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def fingerprint(made: trustme.LeafCert) -> str:
    pem = made.cert_chain_pems[0].bytes().decode()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def logs_in(broker: Broker, user: str, password: str) -> bool:
    try:
        broker.connect(user, password).close()
    except pika.exceptions.AMQPConnectionError:
        return False
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path, "default_user_follows = true\ndefault_user = guest\ndefault_pass = guest\n")
    made.start()
    yield made
    if made.process is not None:
        made.end()


def change(broker: Broker, before: str, after: str) -> None:
    path = broker.folder / "rabbitmq.conf"
    path.write_text(path.read_text().replace(before, after) if before else path.read_text() + after)


def test_renewed_certificate_is_served_on_both_ports_and_connections_stay(tmp_path: Path):
    authority = trustme.CA()
    first, second = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    pem = tmp_path / "server.pem"
    first.private_key_and_cert_chain_pem.write_to_path(str(pem))
    amqps, https = free_ports(2)
    broker = Broker(
        tmp_path,
        f"listeners.ssl.1 = 127.0.0.1:{amqps}\nmanagement.ssl.port = {https}\nmanagement.ssl.ip = 127.0.0.1\n"
        f"ssl_options.certfile = {pem}\nssl_options.keyfile = {pem}\n",
    )
    broker.start()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = pika.SSLOptions(context, "localhost")
    connection = broker.connect(host="localhost", port=amqps, ssl_options=options)
    assert served(amqps) == served(https) == fingerprint(first)
    pem.write_text("no certificate")
    until("the complaint", lambda: "the one before is served further" in broker.said(), broker)
    assert served(amqps) == fingerprint(first)
    second.private_key_and_cert_chain_pem.write_to_path(str(pem))
    until("the new certificate", lambda: served(amqps) == served(https) == fingerprint(second), broker)
    connection.channel().queue_declare("still", exclusive=True)
    broker.end()


def test_reloadable_key_is_taken_and_another_waits_for_a_restart(folder: Broker):
    def heartbeat() -> int:
        connection = folder.connect(heartbeat=None)
        proposed = connection._impl.params.heartbeat
        connection.close()
        return int(proposed)

    assert heartbeat() == 60
    change(folder, "", "heartbeat = 17\nframe_max = 8192\n")
    until("the heartbeat", lambda: heartbeat() == 17, folder)
    assert "a restart is needed for frame_max" in folder.said()


def test_bad_line_is_said_and_changes_nothing(folder: Broker):
    change(folder, "", "heartbeat = 17\nheartbeats = 5\n")
    until("the sentence", lambda: "unknown key 'heartbeats'" in folder.said(), folder)
    assert "the configuration stays as it was" in folder.said()
    assert logs_in(folder, "guest", "guest")


def test_sighup_reloads_at_once(folder: Broker):
    change(folder, "", "default_consumer_prefetch = 7\n")
    assert folder.process is not None
    os.kill(folder.process.pid, signal.SIGHUP)
    until("the new value", lambda: "took a new value of default_consumer_prefetch" in folder.said(), folder)


def test_default_user_follows_the_configuration_while_running_and_after_a_restart(folder: Broker):
    change(folder, "default_pass = guest", "default_pass = another")
    until("the new password", lambda: logs_in(folder, "guest", "another"), folder)
    assert not logs_in(folder, "guest", "guest")
    change(folder, "default_user = guest", "default_user = admin")
    until("the new name", lambda: logs_in(folder, "admin", "another"), folder)
    assert not logs_in(folder, "guest", "another")
    folder.end(signal.SIGTERM)
    change(folder, "default_pass = another", "default_pass = third")
    folder.start()
    assert logs_in(folder, "admin", "third")
