"""What the command line says before anything runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from watership.broker.logs import OUTPUT
from watership.cli import main
from watership.cli.commands import COMMANDS, commands_of


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What a broker in this process has set up to log to does not outlive its test."""
    yield
    OUTPUT.close()


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Status, standard output, standard error."""
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(["--version"], capsys) == (0, f"watership {version('watership')}\n", "")


@pytest.mark.parametrize("command", ["broker", "dev", "config", "store"])
def test_every_command_is_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, top, _ = said(["--help"], capsys)
    assert status == 0
    assert f"    {command} " in top
    status, own, _ = said([command, "--help"], capsys)
    assert status == 0
    assert f"usage: watership {command}" in own


@pytest.mark.parametrize("command", commands_of("watership ctl"))
def test_every_ctl_command_is_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(["ctl", command, "--help"], capsys)
    assert status == 0
    assert COMMANDS[command].help[1:] in " ".join(out.split())
    assert f"  {command} " in said(["ctl", "--help"], capsys)[1]


def test_a_good_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text("listeners.tcp.1 = 127.0.0.1:5672\nnet_ticktime = 60\n")
    status, out, err = said(["config", "check", str(file)], capsys)
    assert (status, out) == (0, "the configuration is good\n")
    assert "net_ticktime" in err


@pytest.mark.parametrize("words", [["config", "check"], ["broker", "--config"]])
def test_a_wrong_key_is_named_with_file_line_and_the_nearest_one(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text("# a comment\nheartbeet = 5\n")
    status, out, err = said([*words, str(file)], capsys)
    assert (status, out) == (1, "")
    assert f"{file}:2: unknown key 'heartbeet'; did you mean 'heartbeat'?" in err


def test_every_key_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said(["config", "keys"], capsys)
    assert status == 0
    assert "management.tcp.port: port of the management API (default 15672)" in out.splitlines()


@pytest.mark.parametrize("taken", ["listeners.tcp.1", "management.tcp.port"])
def test_a_busy_port_is_a_sentence_with_what_to_do(
    taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as free:
        port = other.getsockname()[1]
        ports = dict.fromkeys(("listeners.tcp.1", "management.tcp.port", "prometheus.tcp.port"), free.getsockname()[1])
        free.close()
        ports[taken] = port
        file = tmp_path / "rabbitmq.conf"
        file.write_text("".join(f"{key} = {value}\n" for key, value in ports.items()))
        status, out, err = said(["broker", "--config", str(file), "--data", str(tmp_path / "data")], capsys)
    assert (status, out) == (1, "")
    assert f":{port}: the port is taken; stop what listens there" in err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "does not hold a JSON object"),
        ('{"queues": [{"name": "q", "vhost": "nope"}]}', "queues: vhost 'nope' does not exist"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_definitions_that_cannot_be_loaded_stop_the_start(
    text: str | None, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    definitions, file = tmp_path / "definitions.json", tmp_path / "rabbitmq.conf"
    if text is not None:
        definitions.write_text(text)
    file.write_text(f"load_definitions = {definitions}\n")
    status, out, err = said(["broker", "--config", str(file), "--data", str(tmp_path / "data")], capsys)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"watership: load_definitions: {definitions}")
    assert sentence in err
