"""The same commands make the same state: from the first on, from a snapshot on, and by their written form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watership.broker.metadata import Metadata, is_durable
from watership.model import commands as c
from watership.model.permissions import Permission, TopicPermission
from watership.model.topology import Binding, Exchange, Queue, Vhost
from watership.model.users import User

vhosts, users, names = st.sampled_from(["/", "v"]), st.sampled_from(["ann", "bob"]), st.sampled_from(["a", "b", "c"])
streams = st.integers(16, 40)
arguments = st.dictionaries(st.sampled_from(["x-max-length", "$odd", "x"]), st.integers(0, 9) | st.binary(), max_size=2)
COMMANDS = st.one_of(
    st.builds(c.PutVhost, st.builds(Vhost, vhosts, description=st.text(max_size=3), tags=st.just(("t",)))),
    st.builds(c.DeleteVhost, vhosts),
    st.builds(c.PutUser, st.builds(User, users, tags=st.sampled_from([(), ("administrator",)]))),
    st.builds(c.DeleteUser, users),
    st.builds(c.PutPermission, st.builds(Permission, users, vhosts, write=names)),
    st.builds(c.DeletePermission, users, vhosts),
    st.builds(
        c.DeclareExchange,
        st.builds(Exchange, vhosts, names, durable=st.booleans(), arguments=arguments, stream=st.just(0) | streams),
    ),
    st.builds(c.DeleteExchange, vhosts, names),
    st.builds(
        c.DeclareQueue,
        st.builds(Queue, vhosts, names, st.booleans(), exclusive=st.booleans(), arguments=arguments, stream=streams),
    ),
    st.builds(c.DeleteQueue, vhosts, names),
    st.builds(
        c.Bind, st.builds(Binding, vhosts, names, names, st.sampled_from(["queue", "exchange"]), arguments=arguments)
    ),
    st.builds(c.Unbind, st.builds(Binding, vhosts, names, names)),
    st.builds(c.SetParameter, names, st.none() | st.integers()),
    st.builds(c.SetVhostParameter, vhosts, st.sampled_from(["policy", "vhost-limits"]), names, st.none() | arguments),
    st.builds(c.PutTopicPermission, st.builds(TopicPermission, users, vhosts, names)),
    st.builds(c.DeleteTopicPermission, users, vhosts, st.none() | names),
)


def is_logged(metadata: Metadata, command: c.Command) -> bool | None:
    """As the broker decides it before it applies a command. None: it refuses the command."""
    vhost = getattr(command, "vhost", None) or getattr(getattr(command, "binding", None), "vhost", None)
    match command:
        case c.DeclareExchange(exchange):
            before = metadata.exchanges.get(exchange.vhost, {}).get(exchange.name)
            return None if before else exchange.durable
        case c.DeclareQueue(queue):
            before = metadata.queues.get(queue.vhost, {}).get(queue.name)
            return None if before else is_durable(queue)
        case c.DeleteExchange(_, name):
            exchange = metadata.exchanges.get(vhost, {}).get(name)
            return exchange.durable if exchange else None
        case c.DeleteQueue(_, name):
            queue = metadata.queues.get(vhost, {}).get(name)
            return is_durable(queue) if queue else None
        case c.Bind(binding) | c.Unbind(binding):
            return metadata.outlives(binding) if vhost in metadata.vhosts else None
    return True


def only_durable(command: c.Command) -> c.Command | None:
    """Streams are for what survives: the broker gives transient objects none."""
    match command:
        case c.DeclareExchange(exchange) if not exchange.durable and exchange.stream:
            return None
        case c.DeclareQueue(queue) if not is_durable(queue):
            return c.DeclareQueue(Queue(queue.vhost, queue.name, queue.durable, queue.exclusive))
    return command


@given(st.lists(COMMANDS, max_size=60), st.integers(0, 60))
def test_replayed_commands_give_the_same_encoded_snapshot(commands: list[c.Command], cut: int):
    live, log = Metadata(), []
    cut_at, snapshot = 0, live.snapshot()
    for number, wanted in enumerate([c.PutVhost(Vhost("/")), *commands]):
        command = only_durable(wanted)
        if command is None or (logged := is_logged(live, command)) is None:
            continue
        live.apply(command)
        if logged:
            log.append(c.encode(command))
        if number == cut:
            cut_at, snapshot = len(log), live.snapshot()
    from_the_first, from_the_snapshot = Metadata(), Metadata()
    from_the_first.recover(None, log)
    from_the_snapshot.recover(snapshot, log[cut_at:])
    assert from_the_first.snapshot() == live.snapshot()
    assert from_the_snapshot.snapshot() == live.snapshot()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"command": "Teleport"}, "the command Teleport of version 1; this program knows version 1"),
        ({"v": 2}, "the command PutVhost of version 2; this program knows version 1"),
        ({"speed": 9}, "the command PutVhost with speed, which this program does not know"),
        (
            {"vhost": {"name": "/", "colour": "red"}},
            "the command PutVhost with colour, which this program does not know",
        ),
    ],
)
@pytest.mark.parametrize("inside", ["a log", "a snapshot"])
def test_commands_of_a_newer_program_are_refused(change: dict[str, object], sentence: str, inside: str):
    command = json.dumps(json.loads(c.encode(c.PutVhost(Vhost("/")))) | change).encode()
    snapshot = json.dumps({"next_stream": 16, "commands": [command.decode()]}).encode()
    with pytest.raises(c.UnknownCommand, match=sentence):
        Metadata().recover(*((None, [command]) if inside == "a log" else (snapshot, [])))


def test_what_version_1_wrote_can_always_be_read():
    log = [
        b'{"command":"PutVhost","v":1,"vhost":{"name":"/","description":"d","tags":["t"]}}',
        b'{"command":"PutUser","v":1,"user":{"name":"guest","password_hash":"h","tags":["administrator"]}}',
        b'{"command":"PutPermission","v":1,"permission":{"user":"guest","vhost":"/","configure":".*"}}',
        b'{"command":"DeclareExchange","v":1,"exchange":{"vhost":"/","name":"e","type":"topic","arguments":{"x":1}}}',
        b'{"command":"DeclareQueue","v":1,"queue":{"vhost":"/","name":"q","arguments":{"x":{"$octets":"AA=="}},"stream":16}}',
        b'{"command":"Bind","v":1,"binding":{"vhost":"/","source":"e","destination":"q","routing_key":"#"}}',
        b'{"command":"SetParameter","v":1,"name":"cluster_name","value":"hares"}',
        b'{"command":"SetVhostParameter","v":1,"vhost":"/","component":"policy","name":"p","value":{"pattern":"^a"}}',
        b'{"command":"PutTopicPermission","v":1,"topic_permission":{"user":"guest","vhost":"/","exchange":"e"}}',
        b'{"command":"DeleteTopicPermission","v":1,"user":"guest","vhost":"/","exchange":null}',
        b'{"command":"DeletePermission","v":1,"user":"guest","vhost":"v"}',
        b'{"command":"Unbind","v":1,"binding":{"vhost":"/","source":"e","destination":"q","routing_key":"a"}}',
        b'{"command":"DeleteQueue","v":1,"vhost":"/","name":"other"}',
        b'{"command":"DeleteExchange","v":1,"vhost":"/","name":"other"}',
        b'{"command":"DeleteUser","v":1,"name":"ann"}',
        b'{"command":"DeleteVhost","v":1,"name":"v"}',
    ]
    metadata = Metadata()
    metadata.recover(None, log)
    assert {json.loads(command)["command"] for command in log} == set(c.KINDS)
    assert metadata.users["guest"].tags == ("administrator",)
    assert metadata.queues["/"]["q"] == Queue("/", "q", arguments={"x": b"\0"}, stream=16)
    assert [b.routing_key for b in metadata.bindings["/"].values()] == ["#"]
    assert metadata.next_stream == 17
