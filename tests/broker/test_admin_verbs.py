"""Every verb of the admin protocol, done in a broker here and over HTTP in a broker process: with the same results."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.broker.process import Broker as BrokerProcess
from tests.broker.stories import HASH, STORIES, Step

from watership.admin.api import BY_NAME, AdminError
from watership.admin.client import Client
from watership.admin.local import LocalAdmin
from watership.broker import Broker
from watership.config import Address, load

# These differ between any two brokers, or from one moment to the next; of get_node the name is one of them.
VOLATILE = {"listeners", "contexts", "os_pid", "fd_used", "mem_used", "uptime", "disk_free", "db_dir", "memory"}
VOLATILE |= {
    "revision",
    "id",
    "proc_used",
    "context_switches",
    "gc_num",
    "io_sync_count",
    "io_write_count",
    "io_write_bytes",
}
VOLATILE |= {"config_files", "log_files"}
# Of these only the form is compared: they tell of the broker's own ports and of who logged in.
UNLIKE = {"get_effective_config", "list_attempts", "list_attempts_by_source"}


def comparable(result: Any, key: str = "") -> Any:
    if isinstance(result, dict):
        return {k: comparable(v, k) for k, v in result.items() if k not in VOLATILE}
    if isinstance(result, list):
        return [comparable(item) for item in result if not is_cluster_id(item)]
    if isinstance(result, tuple):
        return tuple(comparable(item) for item in result)
    return "salted" if key in ("password_hash", "ok") and result not in ("", HASH) else result


def is_cluster_id(item: Any) -> bool:
    """A broker gets it when it starts to listen, and the one here does not."""
    return isinstance(item, dict) and item.get("name") == "internal_cluster_id"


async def outcome(admin: Any, step: Step) -> tuple[Any, ...]:
    verb, arguments, options = step
    try:
        done = getattr(admin, verb)(*arguments, **options)
        result = await (anext(done) if BY_NAME[verb].feed else done)
        if verb == "backup":
            return "result", await contents(result)
        return "result", type(result) if verb in UNLIKE else result
    except AdminError as error:
        reason = error.reason.partition("there are")[0]  # ports differ
        return "refused", error.status, error.error, reason


async def contents(backup: Any) -> list[str]:
    """The names of the files in it."""
    octets = b"".join([piece async for piece in backup])
    await backup.close()
    with tarfile.open(fileobj=io.BytesIO(octets)) as tar:
        return tar.getnames()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalAdmin]:
    folder = tmp_path / "local"
    folder.mkdir()
    broker = Broker.open(load(), folder, asyncio.get_running_loop())
    broker.listening = [("amqp", Address("127.0.0.1", 1))]
    yield LocalAdmin(broker, broker.metadata.users["guest"])
    broker.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.end()


@pytest.mark.parametrize("story", STORIES)
async def test_verb_does_the_same_here_and_over_http(story: str, local: LocalAdmin, process: BrokerProcess) -> None:
    async with Client(f"http://127.0.0.1:{process.management}", "guest", "guest") as client:
        for step in STORIES[story]:
            here, there = await outcome(local, step), await outcome(client, step)
            assert comparable(there) == comparable(here), step
            assert there[0] == "result" or there[3], f"{step} is refused without a reason"


def test_stories_leave_no_verb_out() -> None:
    told = {verb for story in STORIES.values() for verb, _, _ in story}
    assert told == set(BY_NAME)
