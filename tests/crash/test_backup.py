"""Copies made while messages flow: a broker started on one has all that was confirmed before it was asked for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.broker.process import Broker
from tests.crash.cycles import Life
from tests.crash.ledger import Ledger
from tests.crash.load import DEAD, PERSISTENT

COPIES = 3


def backup(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watership", "backup", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_copy_made_under_load_has_all_that_was_confirmed_before(tmp_path: Path, faults, context):
    life = Life(tmp_path, faults, context, seed=7)
    life.broker.start()
    life.check()
    clients = life.clients(share=1.0)
    for client in clients:
        client.start()
    known: list[dict[str, Ledger]] = []
    for number in range(COPIES):
        time.sleep(0.5)
        before = {n: (set(k.confirmed), set(k.settled)) for n, k in life.ledgers.items()}
        done = backup(tmp_path / f"copy-{number}" / "data", "--data", str(tmp_path / "data"))
        assert done.returncode == 0, done.stderr
        assert "holds all that was confirmed up to mark" in done.stdout
        known.append(
            {
                n: Ledger(n, ordered=n != DEAD, attempted=set(k.attempted), confirmed=c, acked=set(k.acked), settled=s)
                for (n, k), (c, s) in zip(life.ledgers.items(), before.values(), strict=True)
            }
        )
    life.broker.end()
    for client in clients:
        client.join(20)
    life.broker.start()
    life.check()
    life.broker.end()
    for number in range(COPIES):
        copied = Life(tmp_path / f"copy-{number}", faults, context, seed=7)
        copied.ledgers = known[number]
        copied.broker.start()
        copied.check()
        copied.broker.end()
        assert copied.messages, "the copy is empty"


@pytest.fixture
def filled(broker: Broker) -> Broker:
    broker.start()
    channel = broker.connect().channel()
    channel.confirm_delivery()
    channel.queue_declare("q", durable=True)
    channel.basic_publish("", "q", b"m", PERSISTENT)
    return broker


def test_a_copy_is_had_from_elsewhere_by_an_administrator_only(filled: Broker, tmp_path: Path):
    url = ("--url", f"http://127.0.0.1:{filled.management}")
    filled.admin("PUT", "/users/watcher", {"password": "secret", "tags": "monitoring"})
    refused = backup(tmp_path / "none", *url, "--username", "watcher", "--password", "secret")
    assert refused.returncode == 1
    assert "there is no backup" in refused.stderr
    assert backup(tmp_path / "copy" / "data", *url).returncode == 0
    again = backup(tmp_path / "copy" / "data", *url)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    restored = Broker(tmp_path / "copy")
    restored.start()
    assert restored.connect().channel().basic_get("q")[2] == b"m"
    assert [user["name"] for user in restored.admin("GET", "/users")] == ["guest", "watcher"]
    restored.end()


def test_a_broker_that_dies_in_the_middle_leaves_nothing_that_looks_like_a_backup(filled: Broker, tmp_path: Path):
    channel = filled.connect().channel()
    channel.confirm_delivery()
    for _ in range(30):
        channel.basic_publish("", "q", bytes(1 << 20), PERSISTENT)
    command = [sys.executable, "-m", "watership", "backup", str(tmp_path / "copy"), "--data", str(tmp_path / "data")]
    copying = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "copy").glob("*.wal")) and copying.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    filled.end()
    _, said = copying.communicate(timeout=60)
    if copying.returncode == 0:
        pytest.skip("the copy was quicker than the kill")
    assert "is not complete" in said
    assert not (tmp_path / "copy" / "format").exists()
