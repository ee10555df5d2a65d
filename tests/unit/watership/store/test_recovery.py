"""What was confirmed is there again, what was settled is not, and a damaged log is told apart from a torn one."""

import logging
from pathlib import Path

import pytest

from watership.kernel import Consumer
from watership.store import DirectoryInUse, Log, NewerFormat, RecoveryError, StoreError


async def test_confirmed_messages_come_back_in_order_and_marked_redelivered(node):
    one = node(2, 3)
    await one.publish(2, b"a", b"b")
    await one.publish(3, b"x" * 300_000)
    await one.publish(2, b"c")
    one.stop()
    two = node(2, 3)
    assert two.restored == {2: 3, 3: 1}
    Consumer(two.channel, two.queues[2], b"c", no_ack=True)
    assert [(d.body, d.redelivered) for d in await two.peer.deliveries()] == [(b"a", True), (b"b", True), (b"c", True)]
    assert await two.drain(3) == [b"x" * 300_000]


async def test_settled_messages_do_not_come_back(node):
    one = node(2)
    await one.publish(2, *(b"%d" % number for number in range(100)))
    await one.take(2, 100, no_ack=False)
    for tag in range(1, 101, 2):
        one.channel.settle(tag)
    one.stop()
    two = node(2)
    assert await two.drain(2) == [b"%d" % number for number in range(1, 100, 2)]
    two.stop()
    assert node(2).restored == {2: 0}


async def test_indices_go_on_after_a_restart(node):
    for round_ in range(4):
        here = node(2)
        assert here.restored == {2: min(round_, 1)}
        await here.publish(2, b"%d" % round_)
        assert await here.take(2, 1) == [b"%d" % max(round_ - 1, 0)]
        if round_ == 0:
            await here.publish(2, b"0")
        here.stop()


async def test_transient_messages_and_purged_ones_do_not_come_back(node):
    one = node(2, 3)
    await one.publish(2, b"transient", mode=1)
    await one.publish(2, b"persistent")
    await one.publish(3, *[b"purged"] * 1000)
    one.queues[3].purge()
    one.stop()
    two = node(2, 3)
    assert two.restored == {2: 1, 3: 0}
    assert await two.drain(2) == [b"persistent"]


async def test_a_deleted_queue_leaves_nothing(node):
    one = node(2)
    await one.publish(2, b"a", b"b")
    one.queues[2].close()
    one.stop()
    assert node(2).restored == {2: 0}


async def test_metadata_comes_back_in_order(node):
    one = node()
    one.journal.command(b"1")
    one.journal.command(b"2")
    one.stop()
    two = node()
    assert (two.snapshot, two.commands) == (None, [b"1", b"2"])


async def test_a_torn_end_is_cut_and_writing_goes_on_there(node, tmp_path: Path):
    one = node(2)
    await one.publish(2, b"first")
    await one.publish(2, b"second")
    end = one.journal.synced
    one.stop()
    (path,) = (tmp_path / "data").glob("*.wal")
    with path.open("r+b") as file:
        file.seek(end - 8)
        file.write(b"\xff" * 8)
    two = node(2)
    assert two.restored == {2: 1}
    await two.publish(2, b"third")
    two.stop()
    assert await node(2).drain(2) == [b"first", b"third"]


@pytest.mark.parametrize("offset", [0, 4, 8, 16, 32, 36, 40, 60])
async def test_damage_in_front_of_a_later_commit_refuses_with_file_and_offset(node, tmp_path: Path, offset: int):
    one = node(2)
    await one.publish(2, b"first")
    second = one.journal.synced
    await one.publish(2, b"second")
    await one.publish(2, b"third")
    one.stop()
    (path,) = (tmp_path / "data").glob("*.wal")
    with path.open("r+b") as file:
        file.seek(second + offset)
        octet = file.read(1)
        file.seek(second + offset)
        file.write(bytes([octet[0] ^ 0x40]))
    with pytest.raises(
        RecoveryError, match=f"{path.name}: damaged at offset {second}, though what was written after it"
    ):
        node(2)


async def test_damage_or_a_hole_in_an_older_file_refuses(node, tmp_path: Path):
    one = node(2, file_size=4096)
    for number in range(10):
        await one.publish(2, b"%d" % number * 2000)
    one.stop()
    paths = sorted((tmp_path / "data").glob("*.wal"))
    kept = paths[1].read_bytes()
    paths[1].write_bytes(kept[:100])
    with pytest.raises(RecoveryError, match=f"{paths[1].name}: damaged at offset 0, or"):
        node(2)
    paths[1].unlink()
    with pytest.raises(RecoveryError, match="or the file behind it is missing"):
        node(2)
    paths[1].write_bytes(kept)
    assert node(2).restored == {2: 10}


async def test_a_long_recovery_says_how_far_it_is(node, caplog: pytest.LogCaptureFixture, monkeypatch):
    one = node(2, file_size=1 << 20)
    for _ in range(4):
        await one.publish(2, bytes(1 << 20))
    one.stop()
    monkeypatch.setattr("watership.store.log.PATIENCE", 0)
    with caplog.at_level(logging.INFO, "watership.store"):
        node(2)
    assert [m.partition(" of ")[0] for m in caplog.messages] == [f"reading the log: {n}" for n in range(4)]


async def test_a_second_process_is_refused_in_a_sentence(node, tmp_path: Path):
    node()
    with pytest.raises(DirectoryInUse, match=r"is in use by another broker \(process \d+\): stop it"):
        Log(tmp_path / "data")


async def test_a_newer_format_is_refused(node, tmp_path: Path):
    node().stop()
    (tmp_path / "data" / "format").write_text("watership log format 99\n")
    with pytest.raises(NewerFormat, match="written in format 99 by a newer version; this one reads up to format 2"):
        node()
    (tmp_path / "data" / "format").write_text("shopping list")
    with pytest.raises(StoreError, match="is not a format of ours"):
        node()
    (tmp_path / "data" / "format").unlink()
    (tmp_path / "data" / "00000000000000000000.wal").write_text("")
    with pytest.raises(StoreError, match="holds log files but no file 'format'"):
        node()


def test_a_directory_that_cannot_be_made_is_said_so(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot use .*/file as data directory"):
        Log(tmp_path / "file")
