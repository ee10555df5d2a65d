"""Declaring, binding, deleting: what is accepted, and RabbitMQ's words for what is not."""

from __future__ import annotations

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker


def refused(code: int, text: str, vhost: str):
    """The channel is closed with this code and text; 'VHOST' in it stands for the test's own."""
    return pytest.raises(ChannelClosedByBroker, match=rf"\({code}, .*{text.replace('VHOST', vhost)}")


def test_a_queue_is_declared_counted_and_deleted(channel):
    assert channel.queue_declare("q").method.message_count == 0
    channel.basic_publish("", "q", b"1")
    channel.basic_publish("", "q", b"2")
    declared = channel.queue_declare("q", passive=True).method
    assert (declared.queue, declared.message_count, declared.consumer_count) == ("q", 2, 0)
    assert channel.queue_delete("q").method.message_count == 2
    assert channel.queue_delete("q").method.message_count == 0


def test_a_server_named_queue_is_the_channels_last(channel):
    name = channel.queue_declare("", exclusive=True).method.queue
    assert name.startswith("amq.gen-")
    assert len(name) == len("amq.gen-") + 22
    channel.basic_publish("", name, b"x")
    assert channel.basic_get("", auto_ack=True)[2] == b"x"


def test_no_queue_was_declared_before(channel, vhost):
    with refused(404, "NOT_FOUND - no previously declared queue", vhost):
        channel.basic_get("", auto_ack=True)


def test_names_lose_line_ends(channel):
    channel.exchange_declare("a\r\nb")
    channel.exchange_declare("ab", passive=True)


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (
            {"durable": True},
            {},
            "inequivalent arg 'durable' for queue 'q' in vhost 'VHOST': received 'false' but current is 'true'",
        ),
        (
            {},
            {"auto_delete": True},
            "inequivalent arg 'auto_delete' for queue 'q' in vhost 'VHOST': received 'true' but current",
        ),
        (
            {"arguments": {"x-max-length": 10}},
            {},
            "inequivalent arg 'x-max-length' for queue 'q' in vhost 'VHOST': "
            "received none but current is the value '10' of type",
        ),
        (
            {},
            {"arguments": {"x-message-ttl": 5}},
            "inequivalent arg 'x-message-ttl' for queue 'q' in vhost 'VHOST': "
            "received the value '5' of type '.*' but current is none",
        ),
    ],
)
def test_redeclaring_a_queue_differently_is_406(channel, vhost, first, second, text):
    channel.queue_declare("q", **first)
    channel.queue_declare("q", **first)
    with refused(406, f"PRECONDITION_FAILED - {text}", vhost):
        channel.queue_declare("q", **second)


@pytest.mark.parametrize(
    ("argument", "value", "term"),
    [
        ("x-message-ttl", -1, "{value_negative,-1}"),
        ("x-expires", 0, "{value_zero,0}"),
        ("x-max-priority", 300, "{max_value_exceeded,300}"),
        ("x-overflow", "explode", "invalid_overflow"),
        ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
    ],
)
def test_an_illegal_argument_is_406_with_its_term(channel, vhost, argument, value, term):
    text = f"PRECONDITION_FAILED - invalid arg '{argument}' for queue 'q' in vhost 'VHOST': {term}"
    with refused(406, text, vhost):
        channel.queue_declare("q", arguments={argument: value})


def test_what_does_not_exist_is_404_and_names_it(connect, vhost):
    connection = connect()
    for text, act in (
        ("no queue 'q' in vhost 'VHOST'", lambda c: c.queue_declare("q", passive=True)),
        ("no queue 'q' in vhost 'VHOST'", lambda c: c.basic_consume("q", print)),
        ("no queue 'q' in vhost 'VHOST'", lambda c: c.queue_purge("q")),
        ("no exchange 'x' in vhost 'VHOST'", lambda c: c.exchange_declare("x", passive=True)),
        ("no queue 'q' in vhost 'VHOST'", lambda c: c.queue_bind("q", "amq.direct")),
        ("no exchange 'x' in vhost 'VHOST'", lambda c: c.exchange_bind("amq.fanout", "x")),
    ):
        with refused(404, f"NOT_FOUND - {text}", vhost):
            act(connection.channel())


def test_reserved_names_are_403(connect, vhost):
    connection = connect()
    with refused(403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.\\*'", vhost):
        connection.channel().queue_declare("amq.mine")
    with refused(403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.\\*'", vhost):
        connection.channel().exchange_declare("amq.mine")
    with refused(403, "deletion of system exchange 'amq.direct' in vhost 'VHOST' not allowed", vhost):
        connection.channel().exchange_delete("amq.direct")
    with refused(403, "operation not permitted on the default exchange", vhost):
        connection.channel().queue_bind(connection.channel().queue_declare("q").method.queue, "")


def test_redeclaring_an_exchange_differently_is_406(connect, vhost):
    connection = connect()
    connection.channel().exchange_declare("x", "direct")
    with refused(
        406,
        "inequivalent arg 'type' for exchange 'x' in vhost 'VHOST': received 'fanout' but current is 'direct'",
        vhost,
    ):
        connection.channel().exchange_declare("x", "fanout")
    with refused(406, "unknown exchange type 'magic'", vhost):
        connection.channel().exchange_declare("y", "magic")


def test_if_unused_and_if_empty(connect, vhost):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("q")
    channel.exchange_declare("x", "direct")
    channel.queue_bind("q", "x", "k")
    channel.basic_publish("", "q", b"1")
    with refused(406, "queue 'q' in vhost 'VHOST' not empty", vhost):
        connection.channel().queue_delete("q", if_empty=True)
    with refused(406, "exchange 'x' in vhost 'VHOST' in use", vhost):
        connection.channel().exchange_delete("x", if_unused=True)
    channel.basic_consume("q", print)
    with refused(406, "queue 'q' in vhost 'VHOST' in use", vhost):
        connection.channel().queue_delete("q", if_unused=True)


def test_an_exclusive_queue_is_locked_and_goes_with_its_connection(connect, vhost):
    owner, other = connect(), connect()
    owner.channel().queue_declare("mine", exclusive=True)
    with refused(
        405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost 'VHOST'", vhost
    ):
        other.channel().queue_declare("mine", passive=True)
    owner.close()
    with refused(404, "no queue 'mine'", vhost):
        other.channel().queue_declare("mine", passive=True)


@pytest.mark.parametrize("first", [True, False])
def test_exclusive_is_no_other_on_redeclaration(connect, vhost, first):
    """Before any other property is compared, and also on the connection that declared the queue."""
    connection = connect()
    connection.channel().queue_declare("mine", exclusive=first)
    with refused(405, "cannot obtain exclusive access to locked queue 'mine' in vhost 'VHOST'", vhost):
        connection.channel().queue_declare("mine", exclusive=not first, auto_delete=True)


def test_an_exclusive_consumer_is_alone(connect, vhost):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_consume("q", print, exclusive=True)
    with refused(403, "ACCESS_REFUSED - queue 'q' in vhost 'VHOST' in exclusive use", vhost):
        connection.channel().basic_consume("q", print)


def test_auto_delete_goes_with_the_last_user(connect, vhost):
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("x", "fanout", auto_delete=True)
    channel.queue_declare("q", auto_delete=True)
    channel.queue_bind("q", "x")
    tag = channel.basic_consume("q", print)
    channel.basic_cancel(tag)
    with refused(404, "no queue 'q'", vhost):
        connection.channel().queue_declare("q", passive=True)
    with refused(404, "no exchange 'x'", vhost):
        connection.channel().exchange_declare("x", passive=True)


def test_reusing_a_consumer_tag_ends_the_connection(connect):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_consume("q", print, consumer_tag="t")
    method = pika.spec.Basic.Consume(queue="q", consumer_tag="t")
    with pytest.raises(ConnectionClosedByBroker, match=r"\(530, \"NOT_ALLOWED - attempt to reuse consumer tag 't'"):
        channel._impl._send_method(method) or connection.process_data_events(5)


def test_permissions_are_asked_on_every_operation(broker, connect, vhost):
    broker.admin("PUT", "/users/limited", {"password": "secret", "tags": ""})
    broker.admin("PUT", f"/permissions/{vhost}/limited", {"configure": "^mine", "write": "^mine", "read": "^mine"})
    guest = connect().channel()
    guest.queue_declare("mine")
    guest.queue_declare("other")
    connection = connect("limited", "secret")
    connection.channel().queue_declare("mine-too")
    for operation, resource, act in (
        ("configure", "queue 'other-too'", lambda c: c.queue_declare("other-too")),
        ("configure", "exchange 'x'", lambda c: c.exchange_declare("x")),
        ("read", "queue 'other'", lambda c: c.basic_get("other")),
        ("read", "queue 'other'", lambda c: c.basic_consume("other", print)),
        ("read", "exchange 'amq.direct'", lambda c: c.queue_bind("mine", "amq.direct")),
        ("write", "queue 'other'", lambda c: c.queue_bind("other", "mine")),
        ("read", "queue 'other'", lambda c: c.queue_purge("other")),
        ("configure", "queue 'other'", lambda c: c.queue_delete("other")),
        ("write", "exchange 'amq.default'", lambda c: c.confirm_delivery() or c.basic_publish("", "mine", b"")),
    ):
        text = f"ACCESS_REFUSED - {operation} access to {resource} in vhost 'VHOST' refused for user 'limited'"
        with refused(403, text, vhost):
            act(connection.channel())


def test_a_permission_withdrawn_stops_the_next_publish(broker, connect, vhost):
    broker.admin("PUT", "/users/leaving", {"password": "secret", "tags": ""})
    broker.admin("PUT", f"/permissions/{vhost}/leaving", {"configure": ".*", "write": ".*", "read": ".*"})
    channel = connect("leaving", "secret").channel()
    channel.confirm_delivery()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"1")
    broker.admin("PUT", f"/permissions/{vhost}/leaving", {"configure": ".*", "write": "^$", "read": ".*"})
    with refused(403, "write access to exchange 'amq.direct'", vhost):
        channel.basic_publish("amq.direct", "q", b"1")
