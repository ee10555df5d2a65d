"""What a channel can do beyond publishing and consuming: transactions, direct replies, copies, global prefetch."""

from __future__ import annotations

import time

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker
from tests.broker.test_queue_rules import bodies, declare, get, publish, settle

REPLY_TO = "amq.rabbitmq.reply-to"


# Transactions


def test_a_transaction_is_published_at_its_commit(connect):
    channel = connect().channel()
    declare(channel, "q")
    channel.tx_select()
    publish(channel, "q", b"1", b"2")
    assert channel.queue_declare("q", passive=True).method.message_count == 0
    channel.tx_commit()
    assert channel.queue_declare("q", passive=True).method.message_count == 2
    publish(channel, "q", b"3")
    channel.tx_rollback()
    channel.tx_commit()
    assert channel.queue_declare("q", passive=True).method.message_count == 2


def test_acknowledgements_wait_for_the_commit_too(connect):
    channel = connect().channel()
    declare(channel, "q")
    publish(channel, "q", b"1", b"2")
    channel.tx_select()
    tag = get(channel, "q")[0].delivery_tag
    channel.basic_ack(tag)
    channel.tx_rollback()
    channel.basic_ack(tag)
    channel.tx_commit()
    channel.close()
    assert bodies(connect().channel(), "q") == [b"2"]


def test_unroutable_messages_come_back_before_commit_ok(connect):
    channel = connect().channel()
    returned = []
    channel.add_on_return_callback(lambda _c, method, _p, body: returned.append((method.reply_code, body)))
    channel.tx_select()
    channel.basic_publish("", "nobody", b"m", mandatory=True)
    channel.tx_commit()
    channel.connection.process_data_events(0)
    assert returned == [(312, b"m")]


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (("tx_commit",), "channel is not transactional"),
        (("tx_rollback",), "channel is not transactional"),
        (("tx_select", "confirm_delivery"), "cannot switch from tx to confirm mode"),
        (("confirm_delivery", "tx_select"), "cannot switch from confirm to tx mode"),
    ],
)
def test_transactions_out_of_place_close_the_channel(channel, steps, text):
    with pytest.raises(ChannelClosedByBroker) as closed:
        for step in steps:
            getattr(channel, step)()
    assert closed.value.reply_code == 406
    assert closed.value.reply_text == f"PRECONDITION_FAILED - {text}"


# Direct reply-to


def test_an_answer_comes_straight_back(connect):
    client, server = connect(), connect()
    asking, answering = client.channel(), server.channel()
    declare(answering, "requests")
    answers: list = []
    asking.basic_consume(REPLY_TO, lambda _c, m, p, body: answers.append((body, p.correlation_id, m)), auto_ack=True)
    asking.basic_publish("", "requests", b"question", pika.BasicProperties(reply_to=REPLY_TO, correlation_id="7"))
    _, properties, body = get(answering, "requests", auto_ack=True)
    assert body == b"question"
    assert properties.reply_to.startswith(REPLY_TO + ".")
    assert answering.queue_declare(properties.reply_to, passive=True).method.consumer_count == 1
    answering.basic_publish("", properties.reply_to, b"answer", pika.BasicProperties(correlation_id="7"))
    settle(client, lambda: len(answers) == 1)
    assert answers[0][:2] == (b"answer", "7")
    assert answers[0][2].exchange == ""
    asking.close()
    time.sleep(0.1)
    with pytest.raises(ChannelClosedByBroker) as closed:
        answering.queue_declare(properties.reply_to, passive=True)
    assert closed.value.reply_code == 404


@pytest.mark.parametrize(
    ("auto_ack", "again", "text"),
    [(False, False, "reply consumer cannot acknowledge"), (True, True, "reply consumer already set")],
)
def test_only_one_reply_consumer_that_does_not_acknowledge(channel, auto_ack, again, text):
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.basic_consume(REPLY_TO, lambda *_: None, auto_ack=auto_ack)
        if again:
            channel.basic_consume(REPLY_TO, lambda *_: None, auto_ack=auto_ack)
    assert closed.value.reply_text == f"PRECONDITION_FAILED - {text}"


def test_a_request_needs_a_reply_consumer(channel):
    channel.basic_publish("", "q", b"m", pika.BasicProperties(reply_to=REPLY_TO))
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_declare("q", passive=True)
    assert closed.value.reply_text == "PRECONDITION_FAILED - fast reply consumer does not exist"


# Copies


def test_copies_go_to_further_keys_and_the_blind_ones_are_not_shown(channel):
    for queue in ("a", "b", "c"):
        declare(channel, queue)
    publish(channel, "a", b"m", headers={"CC": ["b"], "BCC": ["c"], "other": 1})
    headers = {queue: get(channel, queue)[1].headers for queue in ("a", "b", "c")}
    assert headers == {queue: {"CC": ["b"], "other": 1} for queue in "abc"}


def test_copies_must_be_a_list(channel):
    publish(channel, "q", b"m", headers={"CC": "b"})
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_declare("q", passive=True)
    assert closed.value.reply_code == 406
    assert "unacceptable_type_in_header" in closed.value.reply_text


# Prefetch and recovery


def test_a_global_prefetch_is_shared_by_the_consumers_of_a_channel(connect):
    connection = connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=3, global_qos=True)
    declare(channel, "q")
    got: list = []
    for _ in range(2):
        channel.basic_consume("q", lambda _c, m, _p, _b: got.append(m.delivery_tag))
    publish(channel, "q", *(b"%d" % i for i in range(6)))
    settle(connection, lambda: len(got) == 3)
    connection.process_data_events(0.1)
    assert len(got) == 3
    channel.basic_ack(got[-1], multiple=True)
    settle(connection, lambda: len(got) == 6)


def test_a_prefetch_of_the_consumer_is_its_own(connect):
    connection = connect()
    channel = connection.channel()
    declare(channel, "q")
    got: list = []
    for count in (1, 2):
        channel.basic_qos(prefetch_count=count)
        channel.basic_consume("q", lambda _c, m, _p, _b: got.append(m.consumer_tag))
    publish(channel, "q", *(b"%d" % i for i in range(6)))
    settle(connection, lambda: len(got) == 3)
    connection.process_data_events(0.1)
    assert sorted(got.count(tag) for tag in set(got)) == [1, 2]


def test_recover_brings_back_what_is_unacknowledged_in_its_order(channel):
    declare(channel, "q")
    publish(channel, "q", b"1", b"2", b"3")
    for _ in range(2):
        get(channel, "q")
    channel.basic_recover(requeue=True)
    again = [get(channel, "q") for _ in range(3)]
    assert [(body, method.redelivered) for method, _, body in again] == [(b"1", True), (b"2", True), (b"3", False)]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (lambda c: c.basic_recover(requeue=False), "NOT_IMPLEMENTED - requeue=false"),
        (lambda c: c.basic_qos(prefetch_size=10), "NOT_IMPLEMENTED - prefetch_size!=0 (10)"),
        (lambda c: c.flow(False), "NOT_IMPLEMENTED - active=false"),
    ],
)
def test_what_rabbitmq_does_not_implement_closes_the_connection(channel, what, text):
    with pytest.raises(ConnectionClosedByBroker) as closed:
        what(channel)
    assert (closed.value.reply_code, closed.value.reply_text) == (540, text)


def test_a_user_id_must_be_the_users_own(channel):
    declare(channel, "q")
    publish(channel, "q", b"mine", user_id="guest")
    assert bodies(channel, "q") == [b"mine"]
    publish(channel, "q", b"theirs", user_id="somebody")
    with pytest.raises(ChannelClosedByBroker) as closed:
        bodies(channel, "q")
    assert closed.value.reply_text == (
        "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'"
    )


def test_delete_ok_comes_before_the_cancel_of_ones_own_consumer(connect):
    connection = connect()
    channel = connection.channel()
    declare(channel, "q")
    frames = []
    channel._impl.add_on_cancel_callback(lambda _frame: frames.append("cancel"))
    channel.basic_consume("q", lambda *_: None)
    channel._impl.callbacks.add(
        channel.channel_number, pika.spec.Queue.DeleteOk, lambda _frame: frames.append("delete-ok")
    )
    channel.queue_delete("q")
    settle(connection, lambda: len(frames) == 2)
    assert frames == ["delete-ok", "cancel"]


def test_a_consumer_is_told_when_its_queue_goes(connect):
    connection = connect()
    channel = connection.channel()
    declare(channel, "q")
    told = []
    channel.add_on_cancel_callback(lambda frame: told.append(frame.method.consumer_tag))
    tag = channel.basic_consume("q", lambda *_: None)
    connect().channel().queue_delete("q")
    settle(connection, lambda: bool(told))
    assert told == [tag]
