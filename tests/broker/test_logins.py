"""Logins that fail: how they are slowed down and counted, and what new passwords have to be."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pika
import pytest
from tests.broker.process import Broker

Start = Callable[[str], Broker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Broker] = []

    def start(configuration: str) -> Broker:
        started.append(Broker(tmp_path, configuration))
        started[-1].start()
        return started[-1]

    yield start
    for broker in started:
        broker.end()


def whoami(broker: Broker, user: str, password: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{broker.management}/api/whoami")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_who_fails_too_often_has_to_wait_and_nobody_else(start: Start) -> None:
    broker = start("login_throttle.failures = 3\nlogin_throttle.seconds = 600\n")
    broker.admin("PUT", "/users/carrot", {"password": "p", "tags": "management"})
    assert whoami(broker, "carrot", "p") == 200
    assert [whoami(broker, "carrot", "wrong") for _ in range(3)] == [401] * 3
    assert whoami(broker, "carrot", "p") == 401, "the right password has to wait as well"
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        broker.connect("carrot", "p")
    assert whoami(broker, "guest", "guest") == 200
    assert "'carrot' from 127.0.0.1: failed to log in too often" in broker.said()


def test_the_right_password_forgets_failures(start: Start) -> None:
    broker = start("login_throttle.failures = 3\nlogin_throttle.seconds = 600\n")
    for _ in range(3):
        assert [whoami(broker, "guest", "wrong") for _ in range(2)] == [401] * 2
        assert whoami(broker, "guest", "guest") == 200


def test_attempts_are_counted_by_protocol_and_source(start: Start) -> None:
    broker = start("")
    node = broker.admin("GET", "/overview")["node"]
    broker.admin("DELETE", f"/auth/attempts/{node}")
    whoami(broker, "guest", "wrong")
    broker.connect()
    by_protocol = {a["protocol"]: a for a in broker.admin("GET", f"/auth/attempts/{node}")}
    assert by_protocol["http"]["auth_attempts_failed"] == 1
    assert by_protocol["amqp091"]["auth_attempts_succeeded"] == 1
    by_source = broker.admin("GET", f"/auth/attempts/{node}/source")
    assert {(a["protocol"], a["remote_address"], a["username"]) for a in by_source} == {
        ("http", "127.0.0.1", "guest"),
        ("amqp091", "127.0.0.1", "guest"),
    }


@pytest.mark.parametrize(
    ("rule", "bad", "good", "reason"),
    [
        ("min_password_length\ncredential_validator.min_length = 6", "short", "longer", "required password length: 6"),
        ("password_regexp\ncredential_validator.regexp = ^[a-z]+$", "B4d", "good", "does not match the validator"),
    ],
)
def test_new_passwords_obey_the_validator(start: Start, rule: str, bad: str, good: str, reason: str) -> None:
    broker = start(f"credential_validator.validation_backend = rabbit_credential_validator_{rule}\n")
    with pytest.raises(AssertionError, match=reason):
        broker.admin("PUT", "/users/u", {"password": bad, "tags": ""})
    with pytest.raises(AssertionError, match=reason):
        broker.admin("POST", "/definitions", {"users": [{"name": "u", "password": bad, "tags": ""}]})
    assert "u" not in [user["name"] for user in broker.admin("GET", "/users")]
    broker.admin("PUT", "/users/u", {"password": good, "tags": ""})


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_passwords_are_kept_as_configured(start: Start, algorithm: str) -> None:
    broker = start(f"password_hashing_module = rabbit_password_hashing_{algorithm}\n")
    broker.admin("PUT", "/users/u", {"password": "p", "tags": "management"})
    kept = broker.admin("GET", "/users/u")
    assert kept["hashing_algorithm"] == f"rabbit_password_hashing_{algorithm}"
    assert whoami(broker, "u", "p") == 200
    exported = json.dumps(broker.admin("GET", "/definitions")["users"])
    broker.admin("DELETE", "/users/u")
    broker.admin("POST", "/definitions", {"users": json.loads(exported)})
    assert whoami(broker, "u", "p") == 200
