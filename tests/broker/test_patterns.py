"""The programs of examples/patterns do what their page says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.broker.process import Broker

PATTERNS = Path(__file__).parents[2] / "examples" / "patterns"


def url(broker: Broker, vhost: str) -> dict[str, str]:
    return {**os.environ, "AMQP_URL": f"amqp://guest:guest@127.0.0.1:{broker.port}/{vhost}"}


def said(name: str, environment: dict[str, str]) -> list[str]:
    command = [sys.executable, PATTERNS / f"{name}.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


SAID = {
    "publish_subscribe": ["alice reads: the broker is up", "bob reads: the broker is up"],
    "topics": [
        "kitchen: hourly.temperature.kitchen",
        "alarms: alarm.smoke.kitchen",
        "everything: hourly.temperature.kitchen, hourly.temperature.cellar, alarm.smoke.kitchen",
    ],
    "request_reply": ["2 squared is 4", "3 squared is 9", "12 squared is 144"],
    "circuit_breaker": [
        "closed: consuming, 0 billed so far",
        "open: 3 failures in a row",
        "half open: the trial failed",
        "half open: the trial failed",
        "half open: the trial succeeded",
        "closed: consuming, 1 billed so far",
        "10 billed in all",
    ],
    "at_most_once": [
        "first took reading 0 and died",
        "second used reading 1",
        "second used reading 2",
        "second used reading 3",
    ],
    "at_least_once": [
        "payment 2 came back: there is no such queue",
        "first took payment 0 and died",
        "second booked payment 0 again",
        "second booked payment 1",
    ],
    "effectively_once": [
        "published 3 times, 2 messages wait",
        "transfer-1: booked",
        "transfer-1: was booked before",
        "transfer-2: booked",
        "the balance is 150",
    ],
}


@pytest.mark.parametrize("name", SAID)
def test_pattern(name: str, broker: Broker, vhost: str):
    lines = said(name, url(broker, vhost))
    # pika gives everything that was prefetched back when a consumer dies: the flag depends on what was
    assert [re.sub(r"payment 1 again", "payment 1", line) for line in lines] == SAID[name]
    assert broker.admin("GET", f"/queues/{vhost}") == []


def test_a_busy_worker_is_left_alone(broker: Broker, vhost: str):
    lines = said("work_queue", url(broker, vhost))
    (long,) = [line for line in lines if "archive" in line]
    worker = long.partition(":")[0]
    others = [line for line in lines if "resize" in line]
    assert len(others) == 3
    assert not [line for line in others if line.startswith(worker)]


def test_what_fails_is_tried_again_later_and_later(broker: Broker, vhost: str):
    lines = said("retry_with_backoff", url(broker, vhost))
    retried = ["orders.retry.100", "orders.retry.200", "orders.retry.400", "orders.parked"]
    assert lines[-1] == "1 parked"
    assert [line for line in lines if line.startswith("order 1")] == [
        "order 1, attempt 1: failed, goes to orders.retry.100",
        "order 1, attempt 2: failed, goes to orders.retry.200",
        "order 1, attempt 3: shipped",
    ]
    assert [line for line in lines if line.startswith("order 2")] == [
        f"order 2, attempt {attempt}: failed, goes to {queue}" for attempt, queue in enumerate(retried, 1)
    ]


def test_programs_outlive_a_restart_of_the_broker(tmp_path: Path):
    broker = Broker(tmp_path)
    broker.start()
    command = [sys.executable, PATTERNS / "reconnect.py", "15"]
    program = subprocess.Popen(command, env=url(broker, "%2F"), stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    lines: list[str] = []
    for line in program.stdout:
        lines.append(line.strip())
        if lines[-1] == "confirmed 5":
            broker.end(signal.SIGKILL)
            broker.start()
    assert program.wait(30) == 0
    program.stdout.close()
    broker.end()
    assert lines[-1] == "15 of 15 arrived"
    assert [line for line in lines if line.startswith("confirmed")] == [f"confirmed {n}" for n in range(15)]
    assert {"the publisher lost its connection", "the consumer lost its connection"} & set(lines)


def test_every_program_is_on_the_page():
    programs = {path.name for path in PATTERNS.glob("*.py")}
    page = (PATTERNS / "README.md").read_text()
    assert set(re.findall(r"\]\((\w+\.py)\)", page)) == programs
    tested = {*SAID, "work_queue", "retry_with_backoff", "reconnect"}
    assert {f"{name}.py" for name in tested} == programs
