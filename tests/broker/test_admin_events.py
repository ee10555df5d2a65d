"""Watching over HTTP what changes in a broker, with our client and with whatever speaks server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.broker.process import Broker

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client
from watership.broker.changes import KEPT, AlarmsChanged, Changes

ALL = {"configure": ".*", "write": ".*", "read": ".*"}


@pytest.fixture
async def client(broker: Broker) -> AsyncIterator[Client]:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as client:
        yield client


async def taken(changes: AsyncIterator[Any], count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        return [await anext(changes) for _ in range(count)]


async def test_everything_declared_changed_and_deleted_is_told_in_its_order(client: Client, vhost: str) -> None:
    changes = client.watch()
    [started] = await taken(changes, 1)
    assert started["event"] == "started"
    await client.put_queue(vhost, "q", {"durable": True, "arguments": {"x-max-length": 5}})
    await client.put_exchange(vhost, "x", {"type": "topic", "durable": True})
    await client.post_binding(vhost, "x", "q", "q", {"routing_key": "k"})
    await client.put_policy(vhost, "p", {"pattern": "^q", "definition": {"max-length": 3}})
    await client.put_policy(vhost, "p", {"pattern": "^q", "definition": {"max-length": 4}})
    await client.put_user(f"{vhost}-u", {"password": "secret", "tags": ""})
    await client.put_permission(vhost, f"{vhost}-u", ALL)
    await client.delete_queue(vhost, "q")
    await client.delete_user(f"{vhost}-u")
    told = await taken(changes, 9)
    assert [(t["event"], t.get("vhost"), t.get("name")) for t in told] == [
        ("queue.created", vhost, "q"),
        ("exchange.created", vhost, "x"),
        ("binding.created", vhost, None),
        ("policy.created", vhost, "p"),
        ("policy.changed", vhost, "p"),
        ("user.created", None, f"{vhost}-u"),
        ("permission.created", vhost, None),
        ("queue.deleted", vhost, "q"),
        ("user.deleted", None, f"{vhost}-u"),
    ]
    assert told[0]["arguments"] == {"x-max-length": 5}
    assert "secret" not in json.dumps(told)
    assert "password_hash" not in told[5]
    await changes.aclose()


async def test_a_snapshot_and_what_came_after_it_leave_nothing_out(client: Client, vhost: str) -> None:
    snapshot = await client.snapshot_vhost(vhost)
    assert [v["name"] for v in snapshot["vhosts"]] == [vhost]
    await client.put_queue(vhost, "one", {})
    await client.put_queue(vhost, "two", {})
    changes = client.watch(snapshot["revision"])
    started, one, two = await taken(changes, 3)
    assert (started["event"], started["id"]) == ("started", snapshot["revision"])
    assert [one["name"], two["name"]] == ["one", "two"]
    await changes.aclose()
    again = client.watch(one["id"])
    assert [t.get("name") for t in await taken(again, 2)] == [None, "two"]
    await again.aclose()


async def test_connections_are_told_as_they_come_and_go(client: Client, broker: Broker, vhost: str) -> None:
    changes = client.watch()
    await taken(changes, 1)
    connection = await asyncio.to_thread(
        broker.connect, virtual_host=vhost, client_properties={"connection_name": "hazel"}
    )
    await asyncio.to_thread(connection.close)
    opened, closed = await taken(changes, 2)
    assert (opened["event"], opened["user_provided_name"], opened["vhost"]) == ("connection.created", "hazel", vhost)
    assert (closed["event"], closed["name"]) == ("connection.closed", opened["name"])
    await changes.aclose()


async def test_a_user_is_told_what_the_user_may_see(client: Client, vhost: str) -> None:
    name = f"{vhost}-narrow"
    await client.put_user(name, {"password": "p", "tags": "management"})
    await client.put_permission(vhost, name, ALL)
    async with Client(client.url, name, "p") as narrow:
        changes = narrow.watch()
        await taken(changes, 1)
        await client.put_queue("/", f"unseen-{vhost}", {})
        await client.put_user(f"{name}-other", {"password": "p", "tags": ""})
        await client.put_queue(vhost, "seen", {})
        [seen] = await taken(changes, 1)
        assert (seen["event"], seen["name"]) == ("queue.created", "seen")
        await changes.aclose()
    async with Client(client.url, name, "p") as narrow:
        changes = narrow.watch()
        await taken(changes, 1)
        await client.put_user(name, {"tags": ""})
        with pytest.raises(Unreachable, match="ended the events"):
            await taken(changes, 1)
    async with Client(client.url, name, "p") as untagged:
        with pytest.raises(AdminError, match="Not management user"):
            await anext(untagged.watch())
    for gone in (name, f"{name}-other"):
        await client.delete_user(gone)
    await client.delete_queue("/", f"unseen-{vhost}")


async def test_a_place_that_nobody_knows_is_told_as_missed(client: Client) -> None:
    for place in ("another-run-5", "nonsense", (await client.snapshot())["revision"] + "99"):
        changes = client.watch(place)
        [first] = await taken(changes, 1)
        assert first["event"] == "missed"
        await changes.aclose()


def test_it_is_server_sent_events_on_the_wire(broker: Broker, vhost: str) -> None:
    login = "Basic " + b64encode(b"guest:guest").decode()
    revision = broker.admin("GET", "/snapshot")["revision"]
    broker.admin("PUT", f"/queues/{vhost}/q", {})
    connection = http.client.HTTPConnection("127.0.0.1", broker.management, timeout=20)
    connection.request("GET", "/api/events", headers={"Authorization": login, "Last-Event-ID": revision})
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream"
    lines = [answer.readline().decode().rstrip() for _ in range(8)]
    assert lines[:2] == [f"id: {revision}", "event: started"]
    assert lines[5] == "event: queue.created"
    assert json.loads(lines[6].removeprefix("data: "))["name"] == "q"
    connection.close()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("slow"))
    made.start()
    yield made
    if made.process is not None:
        made.end()


async def test_a_watcher_that_does_not_read_is_told_so_and_the_end_is_unreachable(other: Broker) -> None:
    """It has opened, and reads on only after more has changed than is kept for it."""
    async with Client(f"http://127.0.0.1:{other.management}", "guest", "guest", timeout=60) as client:
        changes = client.watch()
        await taken(changes, 1)
        value = [{"name": "note", "value": "n" * 2000}] * 400
        for _ in range(KEPT // 400 + 15):
            await client.post_definitions({"global_parameters": value})
        events = []
        while "missed" not in events:
            events += [t["event"] for t in await taken(changes, 1)]
        assert len(events) < KEPT
        await client.put_queue("/", "q", {})
        [last] = await taken(changes, 1)
        assert (last["event"], last["name"]) == ("queue.created", "q")
        await asyncio.to_thread(other.end)
        with pytest.raises(Unreachable):
            await taken(changes, 1)


# The ring


def test_the_ring_keeps_the_latest_and_knows_what_it_has_forgotten() -> None:
    changes = Changes(lambda: 0.0, "run", kept=3)
    first = changes.revision
    assert changes.number(first) == 0
    for name in "abcde":
        changes.add(AlarmsChanged((name,)))
    assert changes.number(first) is None
    assert [c.what.resources[0] for c in changes.since(2, 9)] == ["c", "d", "e"]
    assert [c.what.resources[0] for c in changes.since(3, 1)] == ["d"]
    assert changes.number("run-5") == 5
    assert [changes.number(p) for p in ("run-6", "run-1", "walk-5", "", "run-x")] == [None] * 5


async def test_who_waits_no_more_leaves_nothing_behind() -> None:
    changes = Changes(lambda: 0.0, "run")
    assert not await changes.wait(0, 0.001)
    waiting = asyncio.ensure_future(changes.wait(0, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert not changes.waiting
    changes.add(AlarmsChanged(()))
    assert await changes.wait(0, 60)
