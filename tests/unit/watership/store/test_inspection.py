"""A damaged log is told from a torn end, mended without losing more than the damage, and nothing is deleted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watership.cli import main
from watership.model import commands as c
from watership.model.topology import Queue, Vhost
from watership.store import RecoveryError


async def three_commits(node) -> list[int]:
    """Three messages, a commit each; where each commit begins."""
    one = node(2)
    starts = []
    for body in (b"first", b"second", b"third"):
        starts.append(one.journal.synced)
        await one.publish(2, body)
    starts.append(one.journal.synced)
    one.stop()
    return starts


def log_file(folder: Path) -> Path:
    (path,) = (folder / "data").glob("*.wal")
    return path


def overwrite(path: Path, offset: int, octets: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(octets)


async def test_a_whole_log_is_said_to_be_whole(node, tmp_path: Path, capsys):
    await three_commits(node)
    before = log_file(tmp_path).read_bytes()
    for action in ("check", "repair"):
        assert main(["store", action, str(tmp_path / "data")]) == 0
        assert capsys.readouterr().out.startswith("the log is whole")
    assert log_file(tmp_path).read_bytes() == before


async def test_a_torn_end_is_no_damage(node, tmp_path: Path, capsys):
    starts = await three_commits(node)
    overwrite(log_file(tmp_path), starts[3] - 8, b"\xff" * 8)
    assert main(["store", "check", str(tmp_path / "data")]) == 0
    assert "whole" in capsys.readouterr().out


async def test_damage_is_named_and_mended_and_the_rest_comes_back(node, tmp_path: Path, capsys):
    starts = await three_commits(node)
    path = log_file(tmp_path)
    overwrite(path, starts[1] + 45, b"\xff\xff")
    damaged = path.read_bytes()
    with pytest.raises(RecoveryError, match="watership store repair"):
        node(2)
    folder = str(tmp_path / "data")
    assert main(["store", "check", folder]) == 1
    said = capsys.readouterr().out
    assert f"{path}: {starts[2] - starts[1]} octets at offset {starts[1]} cannot be read" in said
    assert path.read_bytes() == damaged, "check changes nothing"
    assert main(["store", "repair", folder]) == 0
    assert (tmp_path / "data" / "aside" / path.name).read_bytes() == damaged
    capsys.readouterr()
    assert main(["store", "check", folder]) == 0
    two = node(2)
    assert await two.drain(2) == [b"first", b"third"]
    await two.publish(2, b"fourth")
    two.stop()
    assert await node(2).drain(2) == [b"fourth"]


async def test_a_missing_file_is_a_hole_that_can_be_bridged(node, tmp_path: Path, capsys):
    one = node(2, file_size=1 << 16)
    for _ in range(6):
        await one.publish(2, bytes(30000))
    one.stop()
    files = sorted((tmp_path / "data").glob("*.wal"))
    assert len(files) >= 3
    files[1].unlink()
    folder = str(tmp_path / "data")
    assert main(["store", "check", folder]) == 1
    assert "is missing" in capsys.readouterr().out
    assert main(["store", "repair", folder]) == 0
    restored = node(2, file_size=1 << 16).restored[2]
    assert 0 < restored < 6


@pytest.mark.parametrize("action", ["check", "repair", "stats"])
def test_another_folder_is_no_data_directory(tmp_path: Path, capsys, action):
    assert main(["store", action, str(tmp_path)]) == 2
    assert "no broker's data directory" in capsys.readouterr().err


async def test_a_directory_in_use_is_left_alone(node, tmp_path: Path, capsys):
    one = node(2)
    await one.publish(2, b"m")
    assert main(["store", "check", str(tmp_path / "data")]) == 2
    assert "in use by another broker" in capsys.readouterr().err


async def test_stats_say_what_is_alive_and_what_it_takes(node, tmp_path: Path, capsys):
    folder = str(tmp_path / "data")
    one = node(16, file_size=1 << 20)
    one.journal.command(c.encode(c.PutVhost(Vhost("/"))))
    one.journal.command(c.encode(c.DeclareQueue(Queue("/", "orders", stream=16))))
    await one.publish(16, *[b"x" * 1000] * 10)
    await one.take(16, 4)
    assert main(["store", "stats", folder]) == 0
    said = capsys.readouterr().out
    assert "a broker runs on it" in said
    one.stop()
    assert main(["store", "stats", folder]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^ +6 messages +6,\d{3} octets  / orders$", said, re.MULTILINE)
    assert re.search(
        r"^log +1,048,576 octets on disk in 1 files, of which 6,\d{3} octets are alive$", said, re.MULTILINE
    )
