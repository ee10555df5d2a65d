"""`watership ctl` as people type it, against a broker process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.broker.process import Broker, free_ports

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ctl(broker: Broker) -> Run:
    """ctl("list_queues", "-p", "v"): what it printed and its status."""

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "watership", "ctl", "--url", f"http://127.0.0.1:{broker.management}", *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30)

    return run


def test_a_user_comes_and_goes(ctl: Run, vhost: str) -> None:
    assert ctl("add_user", vhost, stdin="carrot\n").returncode == 0
    assert ctl("add_user", vhost, "x").stderr == f"watership: add_user: user '{vhost}' already exists\n"
    ctl("set_user_tags", vhost, "management,custom")
    assert f"{vhost}\t[management, custom]" in ctl("list_users").stdout.splitlines()
    ctl("set_permissions", "-p", vhost, vhost, "^a", "", ".*")
    assert ctl("-p", vhost, "list_permissions").stdout == (
        f"user\tconfigure\twrite\tread\nguest\t.*\t.*\t.*\n{vhost}\t^a\t\t.*\n"
    )
    assert ctl("list_user_permissions", vhost).stdout.splitlines()[1:] == [f"{vhost}\t^a\t\t.*"]
    assert ctl("authenticate_user", vhost, "carrot").returncode == 0
    ctl("change_password", vhost, "leek")
    assert ctl("authenticate_user", vhost, "carrot").returncode == 1
    assert ctl("authenticate_user", vhost, "leek").returncode == 0
    assert f"{vhost}\t[management, custom]" in ctl("list_users").stdout.splitlines()
    assert ctl("delete_user", vhost).returncode == 0
    assert vhost not in ctl("list_users").stdout


def test_topology_is_listed_with_the_columns_that_are_asked_for(ctl: Run, broker: Broker, vhost: str) -> None:
    broker.admin("PUT", f"/queues/{vhost}/q", {"durable": True, "arguments": {"x-max-length": 5}})
    broker.admin("POST", f"/bindings/{vhost}/e/amq.topic/q/q", {"routing_key": "a.#"})
    assert ctl("list_queues", "-p", vhost).stdout == "name\tmessages\nq\t0\n"
    assert ctl("list_queues", "-p", vhost, "name", "durable", "arguments").stdout.splitlines()[1] == (
        'q\ttrue\t{"x-queue-type": "classic", "x-max-length": 5}'
    )
    assert json.loads(
        ctl("--formatter", "json", "list_queues", "-p", vhost, "name", "message_stats.publish").stdout
    ) == [{"name": "q", "message_stats.publish": 0}]
    assert "amq.topic\tq\tqueue\ta.#" in ctl("list_bindings", "-p", vhost).stdout
    assert "amq.fanout\tfanout" in ctl("list_exchanges", "-p", vhost).stdout
    assert ctl("purge_queue", "-p", vhost, "q").returncode == 0
    assert ctl("delete_queue", "-p", vhost, "q").returncode == 0
    assert ctl("list_queues", "-p", vhost).stdout == "name\tmessages\n"


def test_status_ping_and_checks(ctl: Run) -> None:
    status = ctl("status").stdout
    assert "cluster_name: " in status
    assert "queues: " in status
    assert json.loads(ctl("status", "--formatter", "json").stdout)["product_name"] == "RabbitMQ"
    assert ctl("ping").returncode == 0
    assert ctl("check").stdout.splitlines() == ["check\tstatus", *(f"{name}\tok" for name in CHECKS)]


CHECKS = ("alarms", "virtual_hosts", "is_in_service", "ready")


def test_definitions_pass_through_a_file(ctl: Run, tmp_path: Path, vhost: str) -> None:
    file = tmp_path / "definitions.json"
    assert ctl("export_definitions", str(file)).returncode == 0
    assert vhost in {v["name"] for v in json.loads(file.read_text())["vhosts"]}
    assert ctl("import_definitions", str(file)).returncode == 0
    assert json.loads(ctl("export_definitions").stdout)["rabbitmq_definition_format"] == "cluster"
    assert ctl("import_definitions", stdin="{").stderr.startswith(
        "watership: import_definitions: the definitions are not JSON"
    )
    missing = ctl("import_definitions", str(tmp_path / "nope"))
    assert missing.stderr == f"watership: import_definitions: {tmp_path}/nope: No such file or directory\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("delete_vhost", "nope"), "delete_vhost: Not Found"),
        (("set_permissions", "nobody", "", "", ""), "set_permissions: vhost_or_user_not_found"),
        (("--password", "x", "list_users"), "list_users: Not_Authorized"),
        (("--ca", "/nope", "status"), "status: /nope: No such file or directory"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(ctl: Run, words: tuple[str, ...], sentence: str) -> None:
    refused = ctl(*words)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"watership: {sentence}\n")


def test_nobody_there(ctl: Run) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    refused = ctl("--url", url, "ping")
    assert (refused.returncode, refused.stderr) == (
        1,
        f"watership: ping: {url} cannot be reached: nothing listens there\n",
    )
