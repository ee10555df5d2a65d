"""The management API as curl and RabbitMQ's tools see it: status codes, bodies, headers, names in paths."""

from __future__ import annotations

import base64
import http.client
import json
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pika
import pytest
from tests.broker.process import Broker
from tests.broker.site import Answer

GUEST = ("guest", "guest")
MISSING = {"error": "Object Not Found", "reason": "Not Found"}


Ask = Callable[..., Answer]


@pytest.fixture
def ask(broker: Broker) -> Ask:
    """ask("GET", "/api/overview"): the path goes out as it stands."""

    def ask(
        method: str, path: str, body: object = None, *, user: tuple[str, str] | None = GUEST, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", broker.management, timeout=10)
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        payload = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request(method, path, payload, {k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
        connection.close()
        return answer

    return ask


@pytest.fixture
def user(ask: Ask, vhost: str) -> Callable[[str], tuple[str, str]]:
    """user(TAG): credentials of a new user with that tag and all permissions in the test's vhost."""

    def make(tag: str) -> tuple[str, str]:
        name = f"{vhost}-{tag or 'untagged'}"
        ask("PUT", f"/api/users/{name}", {"password": "pw", "tags": tag})
        ask("PUT", f"/api/permissions/{vhost}/{name}", {"configure": ".*", "write": ".*", "read": ".*"})
        return name, "pw"

    return make


# Four kinds of no


def test_without_credentials_the_answer_asks_for_them(ask: Ask) -> None:
    answer = ask("GET", "/api/overview", user=None)
    assert (answer.status, answer.text) == (401, "")
    assert answer.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic Z3Vlc3Q=", "Bearer x", "Basic /w==", ""])
def test_credentials_that_are_none(ask: Ask, header: str) -> None:
    assert ask("GET", "/api/overview", user=None, Authorization=header).status == 401


@pytest.mark.parametrize("wrong", [("guest", "x"), ("nobody", "guest"), ("guest", "")])
def test_wrong_credentials(ask: Ask, wrong: tuple[str, str]) -> None:
    answer = ask("GET", "/api/overview", user=wrong)
    assert (answer.status, answer.body) == (401, {"error": "not_authorized", "reason": "Not_Authorized"})
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("tag", "path", "reason"),
    [
        ("", "overview", "Not management user"),
        ("management", "users", "Not administrator user"),
        ("monitoring", "definitions", "Not administrator user"),
        ("policymaker", "nodes", "Not monitor user"),
    ],
)
def test_wrong_tag(ask: Ask, user: Callable[[str], tuple[str, str]], tag: str, path: str, reason: str) -> None:
    answer = ask("GET", f"/api/{path}", user=user(tag))
    assert (answer.status, answer.body) == (401, {"error": "not_authorised", "reason": reason})


def test_no_permission_is_said_in_the_brokers_words(ask: Ask, vhost: str, user: Callable[..., tuple[str, str]]) -> None:
    name, password = user("management")
    ask("PUT", f"/api/permissions/{vhost}/{name}", {"configure": "^mine$", "write": "", "read": ""})
    answer = ask("PUT", f"/api/queues/{vhost}/yours", {}, user=(name, password))
    reason = f"configure access to queue 'yours' in vhost '{vhost}' refused for user '{name}'"
    assert (answer.status, answer.body) == (401, {"error": "not_authorised", "reason": reason})
    assert ask("PUT", f"/api/queues/{vhost}/mine", {}, user=(name, password)).status == 201


def test_a_vhost_without_permission_does_not_show(ask: Ask, user: Callable[[str], tuple[str, str]]) -> None:
    stranger = user("management")
    assert ask("GET", "/api/queues/%2F", user=stranger).body == {"error": "not_found", "reason": "Not Found"}
    assert ask("PUT", "/api/queues/%2F/q", {}, user=stranger).status == 404
    assert {v["name"] for v in ask("GET", "/api/vhosts", user=stranger).body} == {
        stranger[0].removesuffix("-management")
    }


@pytest.mark.parametrize("path", ["/api/version", "/api/health/checks/is-in-service"])
def test_some_questions_need_no_login(ask: Ask, path: str) -> None:
    assert ask("GET", path, user=None).status == 200


# Paths and verbs


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/api/health/checks/nope", "/api/queues/a/b/c/d"])
def test_an_unknown_path_is_missing_before_anyone_asks_who_you_are(ask: Ask, path: str) -> None:
    answer = ask("GET", path, user=None)
    assert (answer.status, answer.body) == (404, MISSING)


def test_a_wrong_verb_is_told_the_right_ones(ask: Ask) -> None:
    answer = ask("POST", "/api/queues/%2F/q", {})
    assert (answer.status, answer.text) == (405, "")
    assert answer.headers["allow"] == "HEAD, GET, PUT, DELETE, OPTIONS"


def test_head_and_a_trailing_slash(ask: Ask) -> None:
    head = ask("HEAD", "/api/overview")
    assert (head.status, head.text) == (200, "")
    assert ask("GET", "/api/queues/").status == 200


@pytest.mark.parametrize("name", ["a/b", "100%", "%2F", "a b+c", "ü~#?&=", ".", "..", "a%2Fb", "'\"<>"])
def test_any_name_can_stand_in_a_path(ask: Ask, vhost: str, name: str) -> None:
    path = f"/api/queues/{vhost}/{quote(name, safe='')}"
    assert ask("PUT", path, {}).status == 201
    assert ask("GET", path).body["name"] == name
    assert [q["name"] for q in ask("GET", f"/api/queues/{vhost}").body] == [name]
    assert ask("DELETE", path).status == 204
    assert ask("DELETE", path).body == MISSING


def test_the_default_vhost_is_a_slash_escaped_in_either_case(ask: Ask) -> None:
    for slash in ("%2F", "%2f"):
        assert ask("GET", f"/api/permissions/{slash}/guest").body["vhost"] == "/"


# Writing


def test_new_is_201_and_known_is_204(ask: Ask, vhost: str) -> None:
    for path, body in {
        f"/api/exchanges/{vhost}/x": {"type": "topic", "durable": "true"},
        f"/api/queues/{vhost}/q": {"durable": True},
    }.items():
        assert [ask("PUT", path, body).status for _ in range(2)] == [201, 204]
    assert ask("GET", f"/api/exchanges/{vhost}/x").body["durable"] is True


def test_flags_are_false_unless_given(ask: Ask, vhost: str) -> None:
    """As an empty body declares a transient queue, it contradicts a durable one."""
    ask("PUT", f"/api/queues/{vhost}/q", {"durable": True})
    answer = ask("PUT", f"/api/queues/{vhost}/q")
    reason = f"inequivalent arg 'durable' for queue 'q' in vhost '{vhost}': received 'false' but current is 'true'"
    assert (answer.status, answer.body) == (400, {"error": "bad_request", "reason": reason})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "not_json"),
        ("[1]", "not_json"),
        ('"x"', "invalid payload"),
        (b"\xff\xfe", "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"durable": 1}', "not_boolean"),
        ('{"arguments": "x"}', "arguments must be an object"),
        ('{"arguments": {"\\ud800": 1}}', "not_json"),
    ],
)
def test_a_body_that_makes_no_sense(ask: Ask, vhost: str, body: str | bytes, reason: str) -> None:
    answer = ask("PUT", f"/api/queues/{vhost}/q", body)
    assert (answer.status, answer.body["error"]) == (400, "bad_request")
    assert reason in answer.body["reason"]


@pytest.mark.parametrize("depth", [100, 300, 600, 900])
def test_nested_arguments_are_kept_or_refused(ask: Ask, vhost: str, depth: int) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    made = ask("PUT", f"/api/queues/{vhost}/q", f'{{"durable": true, "arguments": {nested}}}')
    assert made.status in (201, 400)
    assert ask("GET", f"/api/queues/{vhost}/q").status == (200 if made.status == 201 else 404)


def test_a_routing_key_that_no_frame_can_carry(ask: Ask, vhost: str) -> None:
    ask("PUT", f"/api/queues/{vhost}/q", {})
    body = {"routing_key": "é" * 128, "payload": ""}
    for path in (f"bindings/{vhost}/e/amq.direct/q/q", f"exchanges/{vhost}/amq.direct/publish"):
        answer = ask("POST", f"/api/{path}", body)
        assert answer.status == 400
        assert answer.body["reason"].startswith("routing key name is longer than 255 octets")


def test_a_write_is_answered_when_it_survives(ask: Ask, vhost: str, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    broker.admin("PUT", "/queues/%2F/kept", {"durable": True})
    broker.admin("PUT", "/users/kept", {"password": "p", "tags": ""})
    broker.admin("POST", "/exchanges/%2F/amq.default/publish", {**MESSAGE, "routing_key": "kept"})
    broker.end(signal.SIGKILL)
    broker.start()
    assert broker.admin("GET", "/queues/%2F/kept")["messages"] == 1
    assert broker.admin("GET", "/users/kept")["name"] == "kept"
    broker.end()


MESSAGE = {"properties": {"delivery_mode": 2, "headers": {"n": 1}}, "payload": "x", "payload_encoding": "string"}


def test_a_published_message_is_delivered_as_it_was_given(
    ask: Ask, vhost: str, channel: pika.adapters.blocking_connection.BlockingChannel
) -> None:
    ask("PUT", f"/api/queues/{vhost}/q", {"durable": True})
    publish = {
        **MESSAGE,
        "routing_key": "q",
        "payload": base64.b64encode(b"\0\xff").decode(),
        "payload_encoding": "base64",
    }
    assert ask("POST", f"/api/exchanges/{vhost}/amq.default/publish", publish).body == {"routed": True}
    assert ask("POST", f"/api/exchanges/{vhost}/amq.fanout/publish", publish).body == {"routed": False}
    method, properties, body = channel.basic_get("q", auto_ack=True)
    assert (method.exchange, method.routing_key, body) == ("", "q", b"\0\xff")
    assert (properties.delivery_mode, properties.headers) == (2, {"n": 1})


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, "q/~"),
        ({"routing_key": "k"}, "q/k"),
        ({"routing_key": "~"}, "q/%257E"),
        ({"routing_key": "a/b ~%#é"}, "q/a%252Fb%2B%257E%2525%2523%25C3%25A9"),
    ],
)
def test_a_binding_is_found_where_its_location_says(ask: Ask, vhost: str, body: dict[str, str], location: str) -> None:
    ask("PUT", f"/api/queues/{vhost}/q", {})
    made = ask("POST", f"/api/bindings/{vhost}/e/amq.direct/q/q", body)
    assert (made.status, made.headers["location"]) == (201, location)
    path = f"/api/bindings/{vhost}/e/amq.direct/q/{location}"
    assert ask("GET", path).body["routing_key"] == body.get("routing_key", "")
    assert ask("DELETE", path).status == 204
    assert ask("GET", path).status == 404


def test_pages_and_columns(ask: Ask, vhost: str) -> None:
    for number in range(5):
        ask("PUT", f"/api/queues/{vhost}/q{number}", {})
    page = ask("GET", f"/api/queues/{vhost}?page=2&page_size=2&sort=name&columns=name").body
    assert page["items"] == [{"name": "q2"}, {"name": "q3"}]
    assert ask("GET", f"/api/queues/{vhost}?page=0").body["error"] == "invalid_pagination_parameters"


# Connections


def test_connections_channels_and_consumers(
    ask: Ask, vhost: str, connect: Callable[..., pika.BlockingConnection]
) -> None:
    channel = connect(client_properties={"connection_name": "reader"}).channel()
    channel.queue_declare("q")
    channel.basic_consume("q", lambda *_: None, consumer_tag="tag")
    (connection,) = ask("GET", f"/api/vhosts/{vhost}/connections").body
    assert (connection["user"], connection["user_provided_name"], connection["channels"]) == ("guest", "reader", 1)
    path = f"/api/connections/{quote(connection['name'])}"
    assert ask("GET", path).body["name"] == connection["name"]
    assert [c["number"] for c in ask("GET", f"{path}/channels").body] == [1]
    (consumer,) = ask("GET", f"/api/consumers/{vhost}").body
    assert (consumer["consumer_tag"], consumer["queue"]["name"]) == ("tag", "q")
    assert ask("GET", f"/api/queues/{vhost}/q").body["consumer_details"] == [consumer]


def test_a_closed_connection_hears_the_reason(
    ask: Ask, vhost: str, connect: Callable[..., pika.BlockingConnection]
) -> None:
    connection = connect()
    (described,) = ask("GET", f"/api/vhosts/{vhost}/connections").body
    assert ask("DELETE", f"/api/connections/{quote(described['name'])}", X_Reason="spring").status == 204
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.process_data_events(time_limit=5)
    assert (closed.value.reply_code, closed.value.reply_text) == (320, "CONNECTION_FORCED - spring")


def test_anothers_connection_is_not_shown(
    ask: Ask, vhost: str, user: Callable[[str], tuple[str, str]], connect: Callable[..., pika.BlockingConnection]
) -> None:
    connect()
    (described,) = ask("GET", f"/api/vhosts/{vhost}/connections").body
    stranger, path = user("management"), f"/api/connections/{quote(described['name'])}"
    assert ask("GET", "/api/connections", user=stranger).body == []
    assert ask("GET", path, user=stranger).status == 401
    assert ask("DELETE", path, user=stranger).status == 401
    assert ask("GET", path).status == 200


def test_the_default_exchange_may_have_no_name_in_a_path(ask: Ask, vhost: str) -> None:
    """So does rabbitmqadmin ask for it."""
    ask("PUT", f"/api/queues/{vhost}/q", {})
    body = {"routing_key": "q", "payload": "x", "payload_encoding": "string", "properties": {}}
    assert ask("POST", f"/api/exchanges/{vhost}//publish", body).body == {"routed": True}
    assert isinstance(ask("GET", f"/api/exchanges/{vhost}/").body, list)


def test_an_exchange_counts_what_it_takes_and_gives(ask: Ask, vhost: str, channel: pika.channel.Channel) -> None:
    channel.exchange_declare("x", "topic")
    path = f"/api/exchanges/{vhost}/x"
    assert "message_stats" not in ask("GET", path).body
    for queue in ("one", "two"):
        channel.queue_declare(queue)
        channel.queue_bind(queue, "x", "a.*")
    channel.confirm_delivery()
    for key in ("a.1", "a.2", "nowhere", "a.1"):
        channel.basic_publish("x", key, b"")
    channel.basic_publish("x", "a.1", b"", pika.BasicProperties(headers={"CC": ["nowhere"]}))
    ask(
        "POST", f"{path}/publish", {"routing_key": "a.b", "payload": "", "payload_encoding": "string", "properties": {}}
    )
    counted = ask("GET", path).body["message_stats"]
    assert (counted["publish_in"], counted["publish_out"]) == (6, 10)
    assert set(counted) == {"publish_in", "publish_in_details", "publish_out", "publish_out_details"}
