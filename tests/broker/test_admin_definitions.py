"""Definitions: what can be imported is, what cannot be is refused whole and in a sentence."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.broker.process import Broker as BrokerProcess
from tests.broker.process import NotStarted

from watership.admin.api import AdminError
from watership.admin.client import Client
from watership.admin.local import LocalAdmin
from watership.broker import Broker
from watership.config import load

# As RabbitMQ 4 writes them: with sections that have no meaning here yet
EXPORTED = {
    "rabbit_version": "4.1.0",
    "rabbitmq_version": "4.1.0",
    "product_name": "RabbitMQ",
    "rabbitmq_definition_format": "cluster",
    "original_cluster_name": "rabbit@host",
    "explanation": "Definitions of cluster 'rabbit@host'",
    "users": [
        {
            "name": "svc",
            "password_hash": "fFzUPeG9Jq6yM2QyMnJDP3bvq7dYfNC3Hq2Gz8Q2kUFE7FOm",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["management"],
            "limits": {},
        }
    ],
    "vhosts": [
        {
            "name": "shop",
            "limits": [],
            "metadata": {"description": "all orders", "tags": ["eu"], "default_queue_type": "classic"},
        }
    ],
    "permissions": [{"user": "svc", "vhost": "shop", "configure": "", "write": "^orders", "read": ".*"}],
    "topic_permissions": [],
    "parameters": [],
    "global_parameters": [{"name": "cluster_name", "value": "rabbit@host"}],
    "policies": [],
    "exchanges": [
        {
            "name": "orders",
            "vhost": "shop",
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        }
    ],
    "queues": [
        {
            "name": "orders.eu",
            "vhost": "shop",
            "type": "classic",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "classic", "x-max-length": 1000},
        }
    ],
    "bindings": [
        {
            "source": "orders",
            "vhost": "shop",
            "destination": "orders.eu",
            "destination_type": "queue",
            "routing_key": "eu.#",
            "arguments": {},
        }
    ],
}


@asynccontextmanager
async def administrator() -> AsyncIterator[LocalAdmin]:
    """guest, in an empty broker."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker.open(load(), Path(folder), asyncio.get_running_loop())
        yield LocalAdmin(broker, broker.metadata.users["guest"])
        broker.close()


async def test_an_export_of_rabbitmq_is_imported() -> None:
    async with administrator() as admin:
        await admin.post_definitions(EXPORTED)
        assert (await admin.get_vhost("shop"))["description"] == "all orders"
        queue = await admin.get_queue("shop", "orders.eu")
        assert (queue["durable"], queue["arguments"]) == (True, {"x-queue-type": "classic", "x-max-length": 1000})
        (binding,) = await admin.list_bindings_between("shop", "orders", "q", "orders.eu")
        assert binding["routing_key"] == "eu.#"
        assert await admin.get_permission("shop", "svc") == EXPORTED["permissions"][0]  # type: ignore[index]


async def test_importing_twice_and_exporting_again_gives_the_same() -> None:
    async with administrator() as admin:
        await admin.post_definitions(EXPORTED)
        once = await admin.get_definitions()
        await admin.post_definitions(once)
        assert await admin.get_definitions() == once


async def test_one_vhost_goes_into_another() -> None:
    async with administrator() as admin:
        await admin.post_definitions(EXPORTED)
        await admin.put_vhost("copy", {})
        await admin.post_vhost_definitions("copy", await admin.get_vhost_definitions("shop"))
        source, copy = await admin.get_vhost_definitions("shop"), await admin.get_vhost_definitions("copy")
        for section in ("exchanges", "queues", "bindings"):
            assert copy[section] == source[section]


async def test_a_queue_that_is_there_stays_as_it_is() -> None:
    async with administrator() as admin:
        await admin.put_queue("/", "q", {"durable": True})
        await admin.post_definitions(
            {"queues": [{"name": "q", "vhost": "/", "durable": False, "arguments": {"x-expires": 1}}]}
        )
        assert (await admin.get_queue("/", "q"))["arguments"] == {"x-queue-type": "classic"}


NOBODY = {"user": "nobody", "vhost": "/", "write": "", "read": ""}
BAD_MATCH = {"source": "amq.headers", "vhost": "/", "destination": "amq.fanout", "destination_type": "exchange"}


@pytest.mark.parametrize(
    ("section", "item", "reason"),
    [
        ("queues", {"name": "q"}, "queues: vhost missing in {'name': 'q'}"),
        ("queues", {"name": 1, "vhost": "/"}, "queues: name must be a string"),
        ("queues", {"name": "q", "vhost": "nope"}, "queues: vhost 'nope' does not exist"),
        (
            "queues",
            {"name": "q", "vhost": "/", "arguments": {"x-max-length": -1}},
            "queues: invalid arg 'x-max-length'",
        ),
        ("queues", {"name": "q", "vhost": "/", "type": "stream"}, "queues: queue type 'stream' of queue 'q'"),
        ("queues", {"name": "q" * 300, "vhost": "/"}, "queues: queue name is longer than 255 octets"),
        ("exchanges", {"name": "x", "vhost": "/", "type": "odd"}, "exchanges: unknown exchange type 'odd'"),
        ("bindings", {"source": "amq.topic", "vhost": "/", "destination": "q"}, "bindings: no queue 'q' in vhost '/'"),
        ("bindings", {"source": "x", "vhost": "/", "destination": "q"}, "bindings: no queue 'q' in vhost '/'"),
        (
            "permissions",
            {"user": "guest", "vhost": "/", "configure": "[", "write": "", "read": ""},
            "permissions: conf",
        ),
        (
            "permissions",
            {"user": "carrot", "vhost": "/", "configure": "", "write": "", "read": ""},
            "user 'carrot' does",
        ),
        ("users", {"name": "u", "tags": {"a": 1}}, "users: tags must be a string or a list"),
        ("users", {"name": "u", "password": 1}, "users: password must be a string or null"),
        ("users", {"name": "u", "password_hash": "!"}, "users: not_base64"),
        ("users", {"name": "u", "limits": {"max-nope": 1}}, "users: Unrecognised terms"),
        ("vhosts", {"name": "v", "limits": [{"name": "max-queues", "value": "x"}]}, "vhosts: max-queues should be"),
        ("vhosts", {"name": "v", "default_queue_type": "odd"}, "vhosts: odd is not a valid queue type"),
        ("topic_permissions", {**NOBODY, "exchange": "x"}, "topic_permissions: user 'nobody' does not exist"),
        ("bindings", {**BAD_MATCH, "arguments": {"x-match": "most"}}, "bindings: Invalid x-match field value"),
        ("users", "carrot", "users: name missing in carrot"),
        ("vhosts", {"name": "v", "metadata": []}, "vhosts: metadata must be an object"),
        ("vhosts", {"name": "v", "metadata": {"description": 1}}, "vhosts: description must be a string"),
    ],
)
async def test_what_cannot_be_imported_changes_nothing(section: str, item: Any, reason: str) -> None:
    good = {"vhosts": [{"name": "first"}], "users": [{"name": "first", "tags": []}]}
    document = {**good, section: [*good.get(section, []), item]}
    async with administrator() as admin:
        before = await admin.snapshot()
        with pytest.raises(AdminError) as refused:
            await admin.post_definitions(document)
        assert refused.value.status == 400
        assert reason in refused.value.reason
        assert await admin.snapshot() == before


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.sampled_from(["", "/", "q", "guest", "exchange", "direct", "["]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x-max-length", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
SECTIONS = [name for name, items in EXPORTED.items() if isinstance(items, list) and items]
FIELDS = sorted({field for section in SECTIONS for item in EXPORTED[section] for field in item} | {"password"})  # type: ignore[attr-defined]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A good document with a few things changed."""
    document = json.loads(json.dumps(EXPORTED))
    for _ in range(draw(st.integers(0, 2))):
        (item,) = document[draw(st.sampled_from(SECTIONS))]
        item[draw(st.sampled_from(FIELDS))] = draw(VALUES)
    for section in draw(st.sets(st.sampled_from(SECTIONS), max_size=2)):
        document[section] = draw(st.just([]) | VALUES)
    return document  # type: ignore[no-any-return]


@settings(max_examples=60, deadline=None)
@given(st.lists(documents(), min_size=10, max_size=10))
def test_no_document_breaks_the_broker(documents: list[dict[str, Any]]) -> None:
    """It is imported, or refused with a reason and nothing changed; what is there afterwards can be shown."""

    async def post(admin: LocalAdmin, document: dict[str, Any]) -> None:
        before = json.dumps(await admin.get_definitions())
        try:
            await admin.post_definitions(document)
        except AdminError as error:
            refused = error
        else:
            return
        assert (refused.status, bool(refused.reason)) == (400, True)
        assert json.dumps(await admin.get_definitions()) == before

    async def post_all() -> None:
        async with administrator() as admin:
            for document in documents:
                await post(admin, document)
            json.dumps(await admin.snapshot())

    asyncio.run(post_all())


NAMES = st.text("abc/.~#%é ", min_size=1, max_size=6)


@st.composite
def topologies(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that are right, in the forms that RabbitMQ has had over the years."""
    vhosts = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
    users = draw(st.lists(NAMES, max_size=2, unique=True))
    own = {"vhost": draw(st.sampled_from(vhosts))}
    queues, exchanges = (draw(st.lists(NAMES, max_size=3, unique=True)) for _ in range(2))
    kinds = st.sampled_from(["direct", "topic", "fanout", "headers"])
    limits = draw(st.sampled_from([{}, {"max-queues": 9}, []]) | st.just([{"name": "max-queues", "value": 9}]))
    tags = draw(st.sampled_from(["", "a,b", [], ["administrator"]]))
    lengths = st.fixed_dictionaries({}, optional={"x-max-length": st.integers(0, 9), "x-queue-type": st.just("quorum")})
    policy = {**own, "name": "p", "pattern": ".*", "definition": {"max-length": draw(st.integers(0, 9))}}
    parameter = {**own, "component": "operator_policy", "name": "o", "value": dict(policy)}
    return {
        "vhosts": [{"name": v, "limits": limits, "metadata": {"protected_from_deletion": True}} for v in vhosts],
        "users": [{"name": u, "tags": tags, **draw(st.sampled_from([{}, {"password": "p"}]))} for u in users],
        "permissions": [{**own, "user": u, "configure": "", "write": "^a", "read": ".*"} for u in users],
        "topic_permissions": [{**own, "user": u, "exchange": "amq.topic", "write": "", "read": ""} for u in users],
        "policies": draw(st.sampled_from([[], [policy]])),
        "parameters": draw(st.sampled_from([[], [parameter]])),
        "global_parameters": draw(st.sampled_from([[], [{"name": "g", "value": {"a": [1, None]}}]])),
        "queues": [{**own, "name": q, "durable": True, "arguments": draw(lengths)} for q in queues],
        "exchanges": [{**own, "name": x, "type": draw(kinds)} for x in exchanges],
        "bindings": [
            {**own, "source": x, "destination": q, "routing_key": draw(NAMES), "arguments": draw(lengths)}
            for x in exchanges
            for q in queues
        ],
    }


def unordered(document: dict[str, Any]) -> dict[str, Any]:
    return {k: sorted(v, key=json.dumps) if isinstance(v, list) else v for k, v in document.items()}


@settings(max_examples=25, deadline=None)
@given(topologies())
def test_what_is_exported_makes_the_same_broker_again(document: dict[str, Any]) -> None:
    async def copied() -> None:
        async with administrator() as first, administrator() as second:
            await first.post_definitions(document)
            once = await first.get_definitions()
            await second.post_definitions(json.loads(json.dumps(once)))
            assert unordered(await second.get_definitions()) == unordered(once)
            for section in ("queues", "exchanges", "bindings"):
                assert len(once[section]) == len(document[section])  # type: ignore[arg-type]

    asyncio.run(copied())


def test_definitions_are_loaded_at_the_start_and_survive(tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.json"
    guest = {"name": "guest", "password": "guest", "tags": "administrator"}
    definitions.write_text(json.dumps({**EXPORTED, "users": [guest]} | {"permissions": [], "topic_permissions": []}))
    broker = BrokerProcess(tmp_path, f"load_definitions = {definitions}\n")
    for _ in range(2):
        broker.start()
        assert broker.admin("GET", "/queues/shop/orders.eu")["durable"] is True
        broker.end(signal.SIGKILL)


@pytest.mark.parametrize(
    ("definitions", "users", "vhosts"),
    [
        ({"users": [{"name": "hazel", "password": "p", "tags": "administrator"}]}, ["hazel"], ["/"]),
        ({"vhosts": [{"name": "warren"}]}, ["guest"], ["warren"]),
        (
            {
                "users": [{"name": "hazel", "password": "p", "tags": "administrator"}],
                "vhosts": [{"name": "warren"}],
                "permissions": [{"user": "hazel", "vhost": "warren", "configure": "", "write": "", "read": ""}],
            },
            ["hazel"],
            ["warren"],
        ),
        (
            {
                "02-permissions.json": {
                    "vhosts": [{"name": "warren"}],
                    "permissions": [{"user": "hazel", "vhost": "warren", "configure": "", "write": "", "read": ""}],
                },
                "01-users.json": {"users": [{"name": "hazel", "password": "p", "tags": "administrator"}]},
            },
            ["hazel"],
            ["warren"],
        ),
    ],
    ids=["users", "vhosts", "both", "a folder of files"],
)
async def test_loaded_definitions_take_the_place_of_the_default_user_and_vhost(
    tmp_path: Path, definitions: dict[str, Any], users: list[str], vhosts: list[str]
) -> None:
    given = tmp_path / "definitions.json"
    if "01-users.json" in definitions:
        given.mkdir()
        for name, document in definitions.items():
            (given / name).write_text(json.dumps(document))
    else:
        given.write_text(json.dumps(definitions))
    broker = BrokerProcess(tmp_path, f"load_definitions = {given}\n")
    for _ in range(2):  # and a restart does not bring them
        broker.start()
        name, password = ("hazel", "p") if users == ["hazel"] else ("guest", "guest")
        async with Client(f"http://127.0.0.1:{broker.management}", name, password) as client:
            assert [u["name"] for u in await client.list_users()] == users
            assert [v["name"] for v in await client.list_vhosts()] == vhosts
        broker.end()


def test_definitions_that_are_refused_at_the_start_leave_nothing(tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps({"users": [{"name": "hazel", "tags": ""}], "queues": [{"name": "q", "vhost": "nope"}]}))
    broker = BrokerProcess(tmp_path, f"load_definitions = {file}\n")
    with pytest.raises(NotStarted, match="queues: vhost 'nope' does not exist"):
        broker.start()
    file.write_text("{}")
    broker.start()
    assert [u["name"] for u in broker.admin("GET", "/users")] == ["guest"]
    broker.end()
