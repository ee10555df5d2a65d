"""The admin client against brokers that answer, refuse, speak TLS, or are not there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.broker.process import Broker, free_ports

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client


async def test_it_speaks_any_language(broker: Broker) -> None:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as client:
        assert await client.put_user("haße", {"password": "пароль", "tags": "management"})
    async with Client(f"http://127.0.0.1:{broker.management}", "haße", "пароль") as client:
        assert (await client.whoami())["name"] == "haße"


@pytest.mark.parametrize("name", ["a/b", "100%", "%2F", "a b+c", "ü~#?&=", ".", "..", "{queue}", "'\"<>"])
async def test_any_name_can_be_used(broker: Broker, vhost: str, name: str) -> None:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as client:
        assert await client.put_queue(vhost, name, {"durable": True})
        key = await client.post_binding(vhost, "amq.topic", "q", name, {"routing_key": name})
        assert (await client.get_binding(vhost, "amq.topic", "q", name, key))["routing_key"] == name
        await client.delete_binding(vhost, "amq.topic", "q", name, key)
        assert [q["name"] for q in await client.list_vhost_queues(vhost)] == [name]
        await client.delete_queue(vhost, name)


async def test_a_refusal_carries_status_and_words(broker: Broker) -> None:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "wrong") as client:
        with pytest.raises(AdminError) as refused:
            await client.list_queues()
    assert (refused.value.status, refused.value.error, str(refused.value)) == (401, "not_authorized", "Not_Authorized")


async def test_many_questions_share_a_few_connections(broker: Broker) -> None:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest", connections=2) as client:
        names = {answer["name"] for answer in await asyncio.gather(*(client.whoami() for _ in range(50)))}
        assert names == {"guest"}
        assert client.session is not None


async def test_nobody_listens() -> None:
    (port,) = free_ports(1)
    async with Client(f"http://127.0.0.1:{port}", "guest", "guest") as client:
        with pytest.raises(Unreachable, match=rf"http://127.0.0.1:{port} cannot be reached: nothing listens there"):
            await client.whoami()


async def test_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with Client(f"http://127.0.0.1:{port}", "guest", "guest", timeout=0.2) as client:
            with pytest.raises(Unreachable, match="did not answer whoami within"):
                await client.whoami()


async def test_what_answers_is_no_management_api(broker: Broker) -> None:
    (listener,) = [
        listener
        for listener in broker.admin("GET", "/overview")["listeners"]
        if listener["protocol"] == "http/prometheus"
    ]
    async with Client(f"http://127.0.0.1:{listener['port']}/livez?", "guest", "guest") as client:
        with pytest.raises(Unreachable, match="is no management API"):
            await client.whoami()


def test_an_unknown_verb_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        _ = Client("http://127.0.0.1:1", "guest", "guest").sing


async def test_a_verb_says_what_it_takes(broker: Broker) -> None:
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as client:
        with pytest.raises(TypeError, match="put_queue takes vhost, queue, body"):
            await client.put_queue("/", "q")


async def test_a_broker_that_comes_back_is_reached_again(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    async with Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as client:
        await client.put_queue("/", "kept", {"durable": True})
        broker.end()
        with pytest.raises(Unreachable):
            await client.get_queue("/", "kept")
        broker.start()
        assert (await client.get_queue("/", "kept"))["name"] == "kept"
    broker.end()


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encrypted(tmp_path: Path, authority: trustme.CA) -> Iterator[tuple[Broker, str]]:
    """A broker with a management API over TLS, and its address."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    (port,) = free_ports(1)
    issued.private_key_pem.write_to_path(str(tmp_path / "tls.key"))
    with (tmp_path / "tls.crt").open("wb") as file:
        for part in issued.cert_chain_pems:
            file.write(part.bytes())
    broker = Broker(
        tmp_path,
        f"management.ssl.port = {port}\nmanagement.ssl.ip = 127.0.0.1\n"
        f"management.ssl.certfile = {tmp_path}/tls.crt\nmanagement.ssl.keyfile = {tmp_path}/tls.key\n",
    )
    broker.start()
    yield broker, f"https://127.0.0.1:{port}"
    broker.end()


async def test_tls_with_the_clusters_own_authority(encrypted: tuple[Broker, str], authority: trustme.CA) -> None:
    async with Client(encrypted[1], "guest", "guest", ca=authority.cert_pem.bytes()) as client:
        assert (await client.whoami())["name"] == "guest"
        assert "https" in {listener["protocol"] for listener in (await client.get_overview())["listeners"]}
        assert await client.check_certificate_expiration("1", "days") == {"status": "ok"}
        with pytest.raises(AdminError, match=r"tls\.crt expires on \d{4}-") as failed:
            await client.check_certificate_expiration("1000", "years")
        assert failed.value.status == 503


async def test_tls_of_an_authority_that_is_not_trusted(encrypted: tuple[Broker, str]) -> None:
    async with Client(encrypted[1], "guest", "guest", ca=trustme.CA().cert_pem.bytes()) as client:
        with pytest.raises(Unreachable, match=r"cannot be reached: .*certificate"):
            await client.whoami()


async def test_definitions_go_from_one_broker_to_another(broker: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path)
    other.start()
    broker.admin("PUT", "/vhosts/moved", {"description": "goes along", "tags": "a"})
    broker.admin("PUT", "/queues/moved/q", {"durable": True, "arguments": {"x-max-length": 3}})
    broker.admin("POST", "/bindings/moved/e/amq.topic/q/q", {"routing_key": "a.#", "arguments": {"n": 1}})
    broker.admin("PUT", "/users/mover", {"password": "p", "tags": "management"})
    broker.admin("PUT", "/permissions/moved/mover", {"configure": "", "write": "", "read": ".*"})
    async with (
        Client(f"http://127.0.0.1:{broker.management}", "guest", "guest") as source,
        Client(f"http://127.0.0.1:{other.management}", "guest", "guest") as target,
    ):
        await target.post_definitions(await source.get_definitions())
        for verb, arguments in {
            "get_vhost": ("moved",),
            "get_queue": ("moved", "q"),
            "list_vhost_bindings": ("moved",),
            "get_user": ("mover",),
            "get_permission": ("moved", "mover"),
        }.items():
            assert await getattr(target, verb)(*arguments) == await getattr(source, verb)(*arguments)
    async with Client(f"http://127.0.0.1:{other.management}", "mover", "p") as mover:
        assert [q["name"] for q in await mover.list_queues()] == ["q"]
    broker.admin("DELETE", "/vhosts/moved")
    other.end()
