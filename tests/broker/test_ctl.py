"""`watership ctl` and RabbitMQ's tools as people and probes call them, against a broker process.

Most run in this process, through the function that the entry points call; one of each kind as a real command.
"""

from __future__ import annotations

import io
import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pika
import pytest
from tests.broker.process import Broker, free_ports

from watership.cli import ctl as tools


@dataclass
class Ended:
    """What a command printed, and its status."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(broker: Broker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """run("rabbitmqctl", "list_queues", "-p", "v"), as the broker's own user on its machine."""
    monkeypatch.setenv("WATERSHIP_DATA", str(broker.folder / "data"))

    def called(tool: str, *words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            status = tools.main(tool, words)
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return called


@pytest.fixture
def ctl(run: Run) -> Run:
    return lambda *words, stdin="": run(tools.CTL, *words, stdin=stdin)


@pytest.fixture
def node(broker: Broker) -> str:
    return str(broker.admin("GET", "/overview")["node"])


def test_entry_points_are_installed_and_need_no_login(broker: Broker):
    folder = Path(sys.executable).parent
    environment = {"WATERSHIP_DATA": str(broker.folder / "data"), "PATH": str(folder)}
    for tool, *words in (
        ("rabbitmq-diagnostics", "-q", "ping"),
        ("rabbitmqctl", "--silent", "list_vhosts"),
        ("rabbitmq-queues", "-q", "rebalance", "all"),
        ("rabbitmq-upgrade", "-q", "await_online_quorum_plus_one", "-t", "5"),
        ("rabbitmq-plugins", "-q", "is_enabled", "rabbitmq_management"),
        ("watership", "ctl", "ping"),
    ):
        done = subprocess.run([folder / tool, *words], env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), (tool, done)


def test_control_socket_is_for_its_user_alone(broker: Broker):
    mode = (broker.folder / "data" / "control").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_a_user_comes_and_goes(run: Run, vhost: str):
    def ctl(*words: str, stdin: str = "") -> Ended:
        return run("rabbitmqctl", *words, stdin=stdin)

    added = ctl("add_user", vhost, stdin="carrot\n")
    assert (added.status, added.out.splitlines()[0]) == (0, f'Adding user "{vhost}" ...')
    again = ctl("-q", "add_user", vhost, "x")
    assert (again.status, again.out, again.err) == (70, "", f'Error:\nUser "{vhost}" already exists\n')
    ctl("set_user_tags", vhost, "management", "custom")
    assert f"{vhost}\t[management, custom]" in ctl("list_users").out.splitlines()
    ctl("set_permissions", "-p", vhost, vhost, "^a", "", ".*")
    listed = ctl("-q", "list_permissions", "-p", vhost)
    assert listed.out == f"user\tconfigure\twrite\tread\nguest\t.*\t.*\t.*\n{vhost}\t^a\t\t.*\n"
    assert ctl("--silent", "list_user_permissions", vhost).out == f"{vhost}\t^a\t\t.*\n"
    assert ctl("authenticate_user", vhost, "carrot").status == 0
    ctl("change_password", vhost, "leek")
    assert ctl("authenticate_user", vhost, "carrot").status == 65
    assert ctl("authenticate_user", vhost, "leek").status == 0
    ctl("set_topic_permissions", "-p", vhost, vhost, "amq.topic", "^w", "^r")
    assert ctl("-s", "list_topic_permissions", "-p", vhost).out == f"{vhost}\tamq.topic\t^w\t^r\n"
    ctl("set_user_limits", vhost, '{"max-connections": 3}')
    assert json.loads(ctl("list_user_limits", "--user", vhost).out) == {"max-connections": 3}
    ctl("clear_user_limits", vhost, "all")
    assert json.loads(ctl("list_user_limits", "--user", vhost).out) == {}
    assert ctl("clear_permissions", "-p", vhost, vhost).status == 0
    assert ctl("delete_user", vhost).status == 0
    gone = ctl("delete_user", vhost)
    assert (gone.status, gone.err) == (67, f'Error:\nUser "{vhost}" does not exist\n')


def test_vhosts_policies_and_parameters(run: Run, vhost: str, broker: Broker):
    def ctl(*words: str) -> Ended:
        return run("rabbitmqctl", "-q", *words)

    name = f"{vhost}-other"
    assert ctl("add_vhost", name, "--description", "d", "--default-queue-type", "quorum").status == 0
    assert ctl("add_vhost", name).status == 70
    shown = json.loads(ctl("list_vhosts", "name", "description", "default_queue_type", "--formatter", "json").out)
    assert {"name": name, "description": "d", "default_queue_type": "quorum"} in shown
    definition = '{"max-length": 5}'
    ctl("set_policy", "-p", name, "--priority", "3", "--apply-to", "queues", "short", "^s", definition)
    assert ctl("-s", "list_policies", "-p", name).out == f"{name}\tshort\t^s\tqueues\t{definition}\t3\n"
    assert ctl("set_policy", "-p", name, "bad", "^s", "{").status == 65
    ctl("set_operator_policy", "-p", name, "cap", ".*", definition)
    assert "cap" in ctl("list_operator_policies", "-p", name).out
    ctl("set_vhost_limits", "-p", name, '{"max-queues": 7}')
    assert json.loads(ctl("list_vhost_limits", "-p", name).out) == {"max-queues": 7}
    ctl("clear_vhost_limits", "-p", name)
    assert json.loads(ctl("list_vhost_limits", "-p", name).out) == {}
    ctl("set_global_parameter", "colour", '"green"')
    assert "colour\tgreen" in ctl("list_global_parameters").out
    ctl("clear_global_parameter", "colour")
    for words in (("clear_policy", "-p", name, "short"), ("delete_vhost", name)):
        assert ctl(*words).status == 0
    assert ctl("delete_vhost", name).err == f"Error:\nVirtual host '{name}' does not exist\n"


def test_topology_is_listed_with_the_columns_that_are_asked_for(run: Run, broker: Broker, vhost: str):
    def ctl(*words: str) -> Ended:
        return run("rabbitmqctl", *words)

    broker.admin("PUT", f"/queues/{vhost}/q", {"durable": True, "arguments": {"x-max-length": 5}})
    broker.admin("POST", f"/bindings/{vhost}/e/amq.topic/q/q", {"routing_key": "a.#"})
    assert ctl("list_queues", "-p", vhost).out == f"Listing queues for vhost {vhost} ...\nname\tmessages\nq\t0\n"
    assert ctl("list_queues", "-q", "-p", vhost, "name", "durable", "arguments").out.splitlines()[1] == (
        'q\ttrue\t{"x-queue-type": "classic", "x-max-length": 5}'
    )
    assert ctl("-q", "list_queues", "name,messages", "--no-table-headers", "-p", vhost).out == "q\t0\n"
    assert ctl("list_queues", "-p", vhost, "--formatter=csv").out == "name,messages\nq,0\n"
    assert json.loads(ctl("list_queues", "-p", vhost, "--formatter", "json", "name", "message_stats.publish").out) == [
        {"name": "q", "message_stats.publish": 0}
    ]
    assert ctl("-q", "list_queues", "-p", vhost, "--formatter", "pretty_table").out.splitlines()[1:4] == [
        "│ name │ messages │",
        "├──────┼──────────┤",
        "│ q    │ 0        │",
    ]
    assert ctl("-s", "list_queues", "-p", vhost, "--offline").out == ""
    assert "amq.topic\texchange\tq\tqueue\ta.#\t{}" in ctl("list_bindings", "-p", vhost).out
    assert "amq.fanout\tfanout" in ctl("list_exchanges", "-p", vhost).out
    assert ctl("purge_queue", "-p", vhost, "q").status == 0
    assert ctl("delete_queue", "-p", vhost, "q", "--if-empty", "--if-unused").status == 0
    assert ctl("delete_queue", "-p", vhost, "q").err == "Error:\nQueue not found\n"


def test_connections_are_listed_and_closed_with_a_reason(run: Run, broker: Broker, vhost: str):
    connection = broker.connect(virtual_host=vhost)
    channel = connection.channel()
    channel.queue_declare("q", exclusive=True)
    channel.basic_consume("q", lambda *_: None)
    consumer = json.loads(run("rabbitmqctl", "list_consumers", "-p", vhost, "--formatter", "json").out)
    assert [(row["queue_name"], row["ack_required"]) for row in consumer] == [("q", True)]
    rows = json.loads(run("rabbitmqctl", "list_connections", "pid", "user", "vhost", "--formatter", "json").out)
    (name,) = [row["pid"] for row in rows if row["vhost"] == vhost]
    assert name in run("rabbitmqctl", "list_channels", "connection").out
    assert run("rabbitmqctl", "close_connection", name, "go home").status == 0
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="go home"):
        connection.process_data_events(10)
    assert run("rabbitmqctl", "close_connection", name, "again").status == 70
    other = broker.connect(virtual_host=vhost)
    assert run("rabbitmqctl", "close_all_connections", "-p", vhost, "bye").status == 0
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="bye"):
        other.process_data_events(10)


PROBES = (
    "ping",
    "check_running",
    "check_local_alarms",
    "check_alarms",
    "check_port_connectivity",
    "check_virtual_hosts",
    "check_certificate_expiration",
    "check_if_metadata_store_is_initialized",
    "check_for_quorum_queues_without_an_elected_leader",
    "status",
    "listeners",
    "cluster_status",
    "memory_breakdown",
    "alarms",
    "server_version",
    "environment",
    "is_running",
    "list_ciphers",
    "report",
)


@pytest.mark.parametrize("name", PROBES)
def test_probes_pass_and_speak_json(name: str, run: Run):
    done = run("rabbitmq-diagnostics", "-q", name)
    assert (done.status, done.err) == (0, "")
    assert done.out
    machine = run("rabbitmq-diagnostics", name, "--formatter", "json")
    assert machine.status == 0
    json.loads(machine.out)


@pytest.mark.parametrize(
    "line",
    [
        "rabbitmqctl await_startup",
        "rabbitmqctl await_startup --timeout 5",
        "rabbitmqctl wait --pid 1 --timeout 5",
        "rabbitmqctl await_online_nodes 1",
        "rabbitmqctl enable_feature_flag all",
        "rabbitmqctl enable_feature_flag --opt-in quorum_queue",
        "rabbitmqctl list_feature_flags name state",
        "rabbitmqctl -n {node} status",
        "rabbitmqctl set_log_level info",
        "rabbitmqctl rotate_logs",
        "rabbitmqctl force_gc",
        "rabbitmqctl trace_on",
        "rabbitmqctl trace_off",
        "rabbitmq-diagnostics log_location",
        "rabbitmq-diagnostics certificates",
        "rabbitmq-diagnostics erlang_version",
        "rabbitmqctl list_unresponsive_queues",
        "rabbitmqctl set_vm_memory_high_watermark 0.9",
        "rabbitmqctl set_vm_memory_high_watermark absolute 100GB",
        "rabbitmqctl set_disk_free_limit 50MB",
        "rabbitmqctl set_disk_free_limit mem_relative 0.0001",
        "rabbitmq-diagnostics check_port_listener {port}",
        "rabbitmq-diagnostics check_protocol_listener amqp",
        "rabbitmq-upgrade --timeout 9 await_online_quorum_plus_one",
        "rabbitmq-upgrade await_online_synchronized_mirror",
        "rabbitmq-upgrade post_upgrade",
        "rabbitmq-queues rebalance all --vhost-pattern .* --queue-pattern .*",
        "rabbitmq-queues rebalance quorum",
        "rabbitmq-queues check_if_node_is_quorum_critical",
        "rabbitmq-queues check_if_node_is_mirror_sync_critical",
        "rabbitmq-queues check_if_new_quorum_queue_replicas_have_finished_initial_sync",
        "rabbitmq-queues grow {node} all",
        "rabbitmq-queues shrink {node}",
        "rabbitmq-plugins list",
        "rabbitmq-plugins list -m",
        "rabbitmq-plugins enable rabbitmq_management rabbitmq_prometheus",
        "rabbitmq-plugins enable --offline rabbitmq_management",
        "rabbitmq-plugins set rabbitmq_peer_discovery_k8s rabbitmq_prometheus rabbitmq_management",
        "rabbitmqctl help list_queues",
        "rabbitmqctl version",
    ],
)
def test_what_operators_and_charts_call_succeeds(line: str, run: Run, broker: Broker, node: str):
    tool, *words = line.format(node=node, port=broker.port).split()
    done = run(tool, *words)
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        ("rabbitmqctl lst_queues", 64, "Did you mean 'list_queues'?"),
        ("rabbitmqctl add_vhost", 64, "not enough arguments: name is missing"),
        ("rabbitmqctl status now", 64, "too many arguments: now"),
        ("rabbitmqctl status --priority 3", 64, "unrecognized arguments"),
        ("rabbitmqctl list_queues -p nope", 65, "Virtual host 'nope' does not exist"),
        ("rabbitmqctl set_permissions nobody a b c", 67, 'User "nobody" does not exist'),
        ("rabbitmqctl -n rabbit@elsewhere status", 69, "the node here is"),
        ("rabbitmqctl join_cluster rabbit@other", 69, "nodes do not join one another yet"),
        ("rabbitmqctl eval node().", 64, "there is no Erlang here"),
        ("rabbitmqctl encode x", 64, "are not encrypted here"),
        ("rabbitmqctl reset", 65, "move its data directory away"),
        ("rabbitmqctl --data /nope status", 69, "no broker runs in /nope"),
        ("rabbitmqctl set_vm_memory_high_watermark lots", 70, "expected a number"),
        ("rabbitmq-diagnostics check_port_listener 1", 69, "No active listener"),
        ("rabbitmq-diagnostics check_protocol_listener mqtt", 69, "No active listener"),
        ("rabbitmq-plugins enable rabbitmq_mqtt", 65, "plugins are not available: rabbitmq_mqtt"),
        ("rabbitmq-plugins disable rabbitmq_management", 69, "cannot be turned off"),
        ("rabbitmq-plugins list_queues", 64, "not found"),
        ("rabbitmq-queues quorum_status nope", 69, "Not Found"),
    ],
)
def test_refusals_have_rabbitmqs_exit_status(line: str, status: int, sentence: str, run: Run):
    tool, *words = line.split()
    done = run(tool, "-q", *words)
    assert (done.status, done.out) == (status, "")
    assert sentence in done.err


def test_a_timeout_is_75(run: Run):
    done = run("rabbitmqctl", "await_online_nodes", "3", "-t", "0.1")
    assert (done.status, done.err) == (75, "Error:\nnodes are missing: 1 of 3 nodes are online\n")


def test_maintenance_closes_clients_and_listeners_and_ends(run: Run, broker: Broker, vhost: str):
    connection = broker.connect(virtual_host=vhost)
    assert run("rabbitmq-upgrade", "drain").status == 0
    try:
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="Node was put into maintenance mode"):
            connection.process_data_events(10)
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            broker.connect()
        failed = run("rabbitmq-diagnostics", "-q", "check_running")
        assert (failed.status, failed.out, failed.err) == (69, "", "Error:\nthis node is in maintenance mode\n")
        assert "Is under maintenance?: true" in run("rabbitmq-diagnostics", "status").out
        assert run("rabbitmq-diagnostics", "check_port_listener", str(broker.port)).status == 69
    finally:
        # A client elsewhere on this machine may have been given the port meanwhile: it is one that is lent to anyone.
        deadline = time.monotonic() + 60
        while (revived := run("rabbitmq-upgrade", "revive")).status:
            assert time.monotonic() < deadline, revived
            time.sleep(0.5)
    broker.connect(virtual_host=vhost).close()
    assert run("rabbitmq-diagnostics", "-q", "check_running").status == 0


def test_alarms_fail_their_checks(run: Run, node: str):
    run("rabbitmqctl", "set_disk_free_limit", "900TB")
    try:
        failed = run("rabbitmq-diagnostics", "-q", "check_local_alarms")
        assert (failed.status, failed.err) == (69, f"Error:\ndisk space alarm on node {node}\n")
        machine = run("rabbitmq-diagnostics", "check_alarms", "--formatter", "json")
        assert (machine.status, json.loads(machine.out)["result"]) == (69, "error")
        assert "Free disk space alarm" in run("rabbitmq-diagnostics", "-q", "alarms").out
    finally:
        run("rabbitmqctl", "set_disk_free_limit", "50MB")
    assert run("rabbitmq-diagnostics", "-q", "check_local_alarms").out == f"Node {node} reported no local alarms\n"


def test_definitions_pass_through_a_file(ctl: Run, tmp_path: Path, vhost: str):
    file = tmp_path / "definitions.json"
    assert ctl("export_definitions", str(file)).status == 0
    assert vhost in {v["name"] for v in json.loads(file.read_text())["vhosts"]}
    assert ctl("import_definitions", str(file)).status == 0
    assert json.loads(ctl("export_definitions").out)["rabbitmq_definition_format"] == "cluster"
    refused = ctl("import_definitions", stdin="{")
    assert refused.status == 65
    assert refused.err.startswith("watership: import_definitions: the definitions are not JSON")
    missing = ctl("import_definitions", str(tmp_path / "nope"))
    assert missing.err == f"watership: import_definitions: {tmp_path}/nope: No such file or directory\n"


def test_own_checks_at_once(ctl: Run):
    names = ("alarms", "virtual_hosts", "is_in_service", "ready")
    assert ctl("check").out.splitlines() == ["check\tstatus", *(f"{name}\tok" for name in names)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--password", "x", "list_users"), "list_users: Not_Authorized"),
        (("--ca", "/nope", "status"), "status: /nope: No such file or directory"),
    ],
)
def test_from_elsewhere_a_login_is_needed(ctl: Run, broker: Broker, words: tuple[str, ...], sentence: str):
    url = f"http://127.0.0.1:{broker.management}"
    assert ctl("--url", url, "list_users").status == 0
    refused = ctl("--url", url, *words)
    assert (refused.status, refused.out, refused.err) == (70, "", f"watership: {sentence}\n")


def test_nobody_there(ctl: Run):
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    refused = ctl("--url", url, "ping")
    assert refused.status == 69
    assert refused.err.endswith(f"{url} cannot be reached: nothing listens there\n")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """In a folder whose name is too long for a socket's."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    made = Broker(folder)
    made.start()
    yield made
    if made.process is not None:
        made.end()


def test_stop_ends_the_process_and_returns_then(own: Broker, run: Run):
    assert own.process is not None
    assert run("rabbitmqctl", "--data", str(own.folder / "data"), "stop").status == 0
    assert own.process.wait(20) == 0
    assert not (own.folder / "data" / "control").exists()
    own.process.communicate()
    own.process = None


def test_a_broker_that_starts_is_waited_for(tmp_path: Path):
    made = Broker(tmp_path)
    command = [Path(sys.executable).parent / "rabbitmqctl", "--data", tmp_path / "data", "await_startup", "-t", "60"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as waiting:
        made.start()
        _, complaint = waiting.communicate(timeout=90)
    made.end()
    assert (waiting.returncode, complaint) == (0, "")


def test_a_killed_broker_leaves_nothing_that_hinders_the_next(own: Broker, run: Run):
    own.end(signal.SIGKILL)
    data = str(own.folder / "data")
    assert run("rabbitmqctl", "--data", data, "status").status == 69
    own.start()
    assert run("rabbitmqctl", "--data", data, "status").status == 0
