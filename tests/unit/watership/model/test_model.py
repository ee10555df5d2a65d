"""The nouns: RabbitMQ's words for what is wrong, passwords, permissions, commands."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watership.broker.metadata import Metadata
from watership.model import commands as c
from watership.model.arguments import check_queue, inequivalent, inequivalent_property
from watership.model.errors import BY_CODE, PreconditionFailed, from_code
from watership.model.permissions import Permission, check_expressions
from watership.model.topology import Binding, Exchange, Queue, Vhost
from watership.model.users import User, hash_password, parse_tags, verify


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"x-message-ttl": -1}, "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-1}"),
        ({"x-expires": 0}, "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}"),
        ({"x-expires": 10**12}, "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_too_large,1000000000000}"),
        (
            {"x-max-length": "5"},
            "invalid arg 'x-max-length' for queue 'q' in vhost '/': \"expected integer, got longstr\"",
        ),
        ({"x-max-priority": 256}, "invalid arg 'x-max-priority' for queue 'q' in vhost '/': {max_value_exceeded,256}"),
        ({"x-overflow": "explode"}, "invalid arg 'x-overflow' for queue 'q' in vhost '/': invalid_overflow"),
        (
            {"x-queue-type": "odd"},
            "invalid arg 'x-queue-type' for queue 'q' in vhost '/': \"unsupported queue type 'odd'\"",
        ),
        (
            {"x-dead-letter-routing-key": "k"},
            "invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': routing_key_but_no_dlx_defined",
        ),
        (
            {"x-queue-type": "quorum", "x-max-priority": 5},
            "invalid arg 'x-max-priority' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue",
        ),
    ],
)
def test_bad_arguments_get_rabbitmqs_terms(arguments, text):
    with pytest.raises(PreconditionFailed) as caught:
        check_queue("q", "/", arguments)
    assert caught.value.reply_text == f"PRECONDITION_FAILED - {text}"


def test_unknown_and_legal_arguments_are_accepted():
    check_queue("q", "/", {"x-made-up": 1, "x-message-ttl": 0, "x-max-priority": 255, "x-dead-letter-exchange": ""})


@pytest.mark.parametrize(
    ("current", "received", "text"),
    [
        ({"a": 10}, {}, "received none but current is the value '10' of type 'signedint'"),
        ({}, {"a": "x"}, "received the value 'x' of type 'longstr' but current is none"),
        (
            {"a": 1},
            {"a": True},
            "received 'true' but current is '1'",
        ),
        ({"a": 1}, {"a": 1, "ignored": 2}, None),
    ],
)
def test_inequivalent_arguments_are_compared_by_value_and_type(current, received, text):
    found = inequivalent("queue 'q' in vhost '/'", current, received, ["a"])
    assert found == (text and f"inequivalent arg 'a' for queue 'q' in vhost '/': {text}")


def test_inequivalent_properties_are_printed_as_rabbitmq_does():
    text = inequivalent_property("queue 'q' in vhost '/'", "durable", current=True, received=False)
    assert text == "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'"


def test_reply_text_fits_a_short_string():
    assert len(PreconditionFailed("ü" * 300).reply_text.encode()) <= 255


@pytest.mark.parametrize("code", BY_CODE)
def test_codes_make_their_errors(code):
    assert from_code(code, "x").code == code


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_passwords_open_only_their_user(algorithm):
    name = f"rabbit_password_hashing_{algorithm}"
    user = User("u", hash_password("right", b"salt", name), name)
    assert verify(user, "right")
    assert not verify(user, "wrong")


@pytest.mark.parametrize("stored", ["", "not base64!", "c2FsdA=="])
def test_unusable_hash_opens_for_nobody(stored):
    assert not verify(User("u", stored), "")


def test_blank_password_opens_nothing():
    assert not verify(User("u", hash_password("", b"salt")), "")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool"),
        (1, "signedint"),
        (2**40, "long"),
        (1.5, "double"),
        ("a", "longstr"),
        ([], "array"),
        ({}, "table"),
        (None, "void"),
        (Decimal(1), "decimal"),
        (datetime(2026, 1, 1, tzinfo=UTC), "timestamp"),
    ],
)
def test_types_have_amqps_names(value, name):
    with pytest.raises(PreconditionFailed) as caught:
        check_queue("q", "/", {"x-overflow" if name != "longstr" else "x-single-active-consumer": value})
    assert str(caught.value).endswith(f"{{unacceptable_type,{name}}}")


def test_known_hash_of_rabbitmqs_documentation():
    """Salt 908DC60A, password test12: the worked example of RabbitMQ's password guide."""
    assert hash_password("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.mark.parametrize(("tags", "parsed"), [("a, b", ("a", "b")), (["a"], ("a",)), ("", ()), (None, ())])
def test_tags_come_as_list_or_text(tags, parsed):
    assert parse_tags(tags) == parsed


@pytest.mark.parametrize(
    ("expression", "name", "allowed"),
    [
        ("", "q", False),
        ("", "", False),
        (".*", "q", True),
        ("^a", "ba", False),
        ("a", "ba", True),
        ("default", "", True),
    ],
)
def test_permissions_search_their_expression(expression, name, allowed):
    assert Permission("u", "/", read=expression).allows("read", name) is allowed


def test_bad_expression_is_said():
    assert check_expressions(read="(", write=".*") == (
        "read is not a regular expression: missing ), unterminated subpattern at position 0 in '('"
    )


@pytest.mark.parametrize(
    ("binding", "key"),
    [
        (Binding("/", "x", "q"), "~"),
        (Binding("/", "x", "q", routing_key="a.b"), "a.b"),
        (Binding("/", "x", "q", routing_key="a/b~"), "a%2Fb%7E"),
    ],
)
def test_properties_keys_are_rabbitmqs(binding, key):
    assert binding.properties_key == key


COMMANDS = [
    c.PutVhost(Vhost("/", tags=("a",))),
    c.PutUser(User("u", "hash", tags=("administrator",))),
    c.PutPermission(Permission("u", "/", "", ".*", "x")),
    c.DeclareExchange(Exchange("/", "x", "topic")),
    c.DeclareQueue(Queue("/", "q", arguments={"x-max-length": 5, "x-octets": b"\xff"}, stream=17)),
    c.Bind(Binding("/", "x", "q", "queue", "k", {"a": [1, None]})),
    c.SetParameter("cluster_name", "n"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda k: type(k).__name__)
def test_commands_come_back_from_the_log(command):
    assert c.decode(c.encode(command)) == command


NAMES = st.sampled_from(["a", "$octets", "$timestamp", "$decimal", "$table", "command", "tags"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_whatever_a_client_names_its_arguments_they_come_back(arguments):
    """A binding that comes back otherwise cannot be unbound; one that does not come back stops the broker's start."""
    binding = Binding("/", "x", "q", arguments=arguments)
    again = c.decode(c.encode(c.Bind(binding)))
    assert again == c.Bind(binding)
    assert again.binding.key == binding.key


@pytest.mark.parametrize("value", [5, [1], {"a": 1}, None])
def test_objects_that_only_look_like_octets_are_left_alone(value):
    queue = {"vhost": "/", "name": "q", "arguments": {"t": {"$octets": value}}}
    command = c.decode(json.dumps({"command": "DeclareQueue", "v": 1, "queue": queue}).encode())
    assert command.queue.arguments == queue["arguments"]


def test_newer_command_is_refused_with_a_sentence():
    with pytest.raises(c.UnknownCommand, match="this program knows version 1"):
        c.decode(b'{"command": "PutVhost", "v": 2, "vhost": {"name": "/"}}')


def test_snapshot_makes_the_same_metadata_again():
    state = Metadata()
    for command in COMMANDS:
        state.apply(command)
    again = Metadata()
    again.restore(state.snapshot())
    assert vars(again) == vars(state)


def test_deleting_takes_what_depends_on_it_along():
    state = Metadata()
    for command in COMMANDS:
        state.apply(command)
    state.apply(c.DeleteQueue("/", "q"))
    assert state.bindings["/"] == {}
    state.apply(c.DeleteUser("u"))
    assert state.permissions == {}
    state.apply(c.DeleteVhost("/"))
    assert (state.exchanges, state.queues, state.bindings) == ({}, {}, {})
    state.apply(c.DeclareQueue(Queue("/", "late")))
    assert state.queues == {}
