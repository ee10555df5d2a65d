"""Policies, limits and topic permissions: set over HTTP, felt by AMQP clients."""

from __future__ import annotations

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker, ProbableAccessDeniedError
from tests.broker.process import Broker
from tests.broker.test_queue_rules import bodies, declare, eventually_empty, get, publish


def policy(broker: Broker, vhost: str, name: str, pattern: str, definition: dict, **more: object) -> None:
    kind = "operator-policies" if more.pop("operator", False) else "policies"
    broker.admin("PUT", f"/{kind}/{vhost}/{name}", {"pattern": pattern, "definition": definition, **more})


def test_a_policy_applies_to_queues_that_are_there_and_goes_again(broker, vhost, channel):
    channel.confirm_delivery()
    declare(channel, "work.1")
    publish(channel, "work.1", b"1", b"2", b"3")
    policy(broker, vhost, "short", "^work", {"max-length": 1})
    assert bodies(channel, "work.1") == [b"3"]
    assert broker.admin("GET", f"/queues/{vhost}/work.1")["policy"] == "short"
    broker.admin("DELETE", f"/policies/{vhost}/short")
    publish(channel, "work.1", b"4", b"5")
    assert bodies(channel, "work.1") == [b"4", b"5"]


def test_the_highest_priority_wins_and_the_operator_may_only_limit(broker, vhost, channel):
    channel.confirm_delivery()
    policy(broker, vhost, "low", ".*", {"max-length": 1}, priority=1)
    policy(broker, vhost, "high", "^q", {"max-length": 4}, priority=2)
    declare(channel, "q")
    publish(channel, "q", *(b"%d" % i for i in range(6)))
    assert len(bodies(channel, "q")) == 4
    policy(broker, vhost, "op", ".*", {"max-length": 2}, operator=True)
    publish(channel, "q", *(b"%d" % i for i in range(6)))
    assert len(bodies(channel, "q")) == 2
    found = broker.admin("GET", f"/queues/{vhost}/q")
    assert (found["policy"], found["operator_policy"]) == ("high", "op")
    assert found["effective_policy_definition"] == {"max-length": 2}


def test_an_argument_counts_before_a_policy_unless_its_number_is_larger(broker, vhost, channel):
    channel.confirm_delivery()
    policy(broker, vhost, "p", ".*", {"max-length": 3, "overflow": "reject-publish"})
    declare(channel, "q", max_length=5, overflow="drop-head")
    publish(channel, "q", *(b"%d" % i for i in range(6)))
    assert bodies(channel, "q") == [b"3", b"4", b"5"]


def test_dead_letters_and_times_come_from_policies_too(broker, vhost, channel):
    declare(channel, "dead")
    declare(channel, "q")
    policy(
        broker, vhost, "p", "^q$", {"message-ttl": 20, "dead-letter-exchange": "", "dead-letter-routing-key": "dead"}
    )
    publish(channel, "q", b"m")
    eventually_empty(channel, "q")
    assert get(channel, "dead")[1].headers["x-death"][0]["reason"] == "expired"


def test_a_policy_gives_an_exchange_its_alternate(broker, vhost, channel):
    channel.confirm_delivery()
    channel.exchange_declare("last", "fanout")
    channel.exchange_declare("first", "direct")
    declare(channel, "q")
    channel.queue_bind("q", "last")
    policy(broker, vhost, "p", "^first", {"alternate-exchange": "last"}, **{"apply-to": "exchanges"})
    channel.basic_publish("first", "nowhere", b"m")
    assert bodies(channel, "q") == [b"m"]


def test_a_policy_may_mean_one_type_of_queues_only(broker, vhost, channel):
    policy(broker, vhost, "p", ".*", {"max-length": 1}, **{"apply-to": "quorum_queues"})
    declare(channel, "c")
    declare(channel, "q", queue_type="quorum")
    assert broker.admin("GET", f"/queues/{vhost}/q")["policy"] == "p"
    assert broker.admin("GET", f"/queues/{vhost}/c")["policy"] is None


def test_a_vhost_may_hold_only_so_many_queues_and_connections(broker, vhost, connect):
    channel = connect().channel()
    broker.admin("PUT", f"/vhost-limits/{vhost}/max-queues", {"value": 1})
    broker.admin("PUT", f"/vhost-limits/{vhost}/max-connections", {"value": 1})
    channel.queue_declare("one")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_declare("two")
    assert closed.value.reply_code == 406
    assert f"queue limit in vhost '{vhost}' (1) is reached" in closed.value.reply_text
    with pytest.raises(ProbableAccessDeniedError, match=r"\(530\).*connection limit \(1\) is reached"):
        connect()


def test_a_user_may_open_only_so_many_channels(broker, vhost, connect):
    broker.admin("PUT", "/users/few", {"password": "few", "tags": ""})
    broker.admin("PUT", f"/permissions/{vhost}/few", {"configure": ".*", "write": ".*", "read": ".*"})
    broker.admin("PUT", "/user-limits/few/max-channels", {"value": 1})
    connection = connect("few", "few")
    connection.channel()
    with pytest.raises(ConnectionClosedByBroker) as closed:
        connection.channel()
    assert closed.value.reply_code == 530
    broker.admin("DELETE", "/users/few")


def test_topic_permissions_are_about_routing_keys(broker, vhost, connect):
    broker.admin("PUT", "/users/hazel", {"password": "h", "tags": ""})
    broker.admin("PUT", f"/permissions/{vhost}/hazel", {"configure": ".*", "write": ".*", "read": ".*"})
    rule = {"exchange": "amq.topic", "write": "^{username}\\.", "read": "^open\\."}
    broker.admin("PUT", f"/topic-permissions/{vhost}/hazel", rule)
    connection = connect("hazel", "h")
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("amq.topic", "hazel.1", b"m")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.basic_publish("amq.topic", "fiver.1", b"m", pika.BasicProperties())
    assert closed.value.reply_text == (
        f"ACCESS_REFUSED - write access to topic 'fiver.1' in exchange 'amq.topic' in vhost '{vhost}' refused for user "
        "'hazel'"
    )
    channel = connection.channel()
    channel.queue_declare("q")
    channel.queue_bind("q", "amq.topic", "open.#")
    with pytest.raises(ChannelClosedByBroker) as closed:
        channel.queue_bind("q", "amq.topic", "secret.#")
    assert closed.value.reply_code == 403
    broker.admin("DELETE", "/users/hazel")


def test_an_impersonator_may_send_in_the_name_of_others(broker, vhost, connect):
    broker.admin("PUT", "/users/mimic", {"password": "mimic", "tags": "impersonator"})
    broker.admin("PUT", f"/permissions/{vhost}/mimic", {"configure": ".*", "write": ".*", "read": ".*"})
    channel = connect("mimic", "mimic").channel()
    channel.queue_declare("q")
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"", pika.BasicProperties(user_id="somebody"))
    assert channel.basic_get("q")[1].user_id == "somebody"
    broker.admin("DELETE", "/users/mimic")
