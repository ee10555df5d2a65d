"""What all routes have in common: methods, headers, other origins, prefixes, and the API's description of itself."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
from base64 import b64encode
from collections.abc import Iterator

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.broker.process import Broker
from tests.broker.site import RECORDED, Answer

from watership.admin.api import VERBS
from watership.admin.bodies import BODIES

LOGIN = "Basic " + b64encode(b"guest:guest").decode()
ORIGIN = "https://ui.example"
CONFIGURATION = f"""
management.path_prefix = /broker
management.cors.allow_origins.1 = {ORIGIN}
management.cors.max_age = 77
management.disable_stats = true
management.restrictions.operator_policy_changes.disabled = true
"""


class Served:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.management, timeout=20)
        headers = {"Authorization": LOGIN} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        octets = response.read()
        connection.close()
        found = {k.lower(): v for k, v in response.getheaders()}
        text = gzip.decompress(octets) if found.get("content-encoding") == "gzip" else octets
        return Answer(response.status, found, text.decode())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Below a prefix, for pages of one origin, without statistics."""
    broker = Broker(tmp_path_factory.mktemp("conventions"), CONFIGURATION)
    broker.start()
    yield Served(broker)
    broker.end(signal.SIGTERM)


@pytest.fixture
def plain(broker: Broker) -> Served:
    return Served(broker)


@pytest.mark.parametrize("path", sorted(p for p in RECORDED["allow"] if "{" not in p.replace("{vhost}", "")))
def test_every_answer_says_what_may_be_asked(plain: Served, path: str) -> None:
    """HEAD is allowed wherever GET is; RabbitMQ forgot it on some."""
    answer = plain.ask("OPTIONS", path.replace("{vhost}", "%2F"))
    assert (answer.status, answer.text) == (200, "")
    recorded = [m for m in RECORDED["allow"][path].split(", ") if m != "HEAD"]
    assert [m for m in answer.headers["allow"].split(", ") if m != "HEAD"] == recorded


def test_head_is_get_without_a_body(plain: Served) -> None:
    got, head = plain.ask("GET", "/api/whoami"), plain.ask("HEAD", "/api/whoami")
    assert (head.status, head.text) == (200, "")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert plain.ask("HEAD", "/api/queues/%2F/nope").status == 404


def test_wrong_verbs_have_no_body(plain: Served) -> None:
    for method, path in (("PATCH", "/api/queues/%2F/q"), ("DELETE", "/api/overview"), ("PUT", "/api/queues/%2F")):
        answer = plain.ask(method, path, {})
        assert (answer.status, answer.text) == (405, "")
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("accepted", "status"),
    [("*/*", 200), ("application/*", 200), ("text/html, application/json;q=0.9", 200), ("text/html", 406)],
)
def test_what_a_client_accepts(plain: Served, accepted: str, status: int) -> None:
    answer = plain.ask("GET", "/api/overview", Accept=accepted)
    assert answer.status == status
    assert bool(answer.text) == (status == 200)


def test_long_answers_are_compressed_for_those_who_take_it(plain: Served) -> None:
    answer = plain.ask("GET", "/api/feature-flags", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) > 10


def test_caches_and_scripts(plain: Served) -> None:
    for path, cached in (("/api/overview", "no-cache"), ("/api/nope", "public, max-age=0, must-revalidate")):
        headers = plain.ask("GET", path).headers
        assert headers["cache-control"] == cached
        assert headers["content-security-policy"] == "script-src 'self'; object-src 'self'"
        assert "access-control-allow-origin" not in headers


def test_pages_of_allowed_origins_may_use_the_api(served: Served) -> None:
    answer = served.ask(
        "OPTIONS", "/broker/api/queues/%2F/q", Origin=ORIGIN, Access_Control_Request_Headers="authorization"
    )
    allowed = {k: v for k, v in answer.headers.items() if k.startswith("access-control")}
    assert allowed == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "HEAD, GET, PUT, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization",
        "access-control-max-age": "77",
    }
    assert served.ask("GET", "/broker/api/whoami", Origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    other = served.ask("GET", "/broker/api/whoami", Origin="https://fox.example")
    assert "access-control-allow-origin" not in other.headers


def test_everything_is_below_the_prefix(served: Served) -> None:
    assert served.ask("GET", "/api/whoami").status == 404
    assert served.ask("GET", "/broker/api/whoami").body["name"] == "guest"
    redirected = served.ask("GET", "/broker/api")
    assert (redirected.status, redirected.headers["location"]) == (301, "/broker/api/index.html")
    assert "/broker/api/openapi.json" in served.ask("GET", "/broker/api/index.html").text
    assert served.ask("GET", "/broker/api/openapi.json").body["servers"] == [{"url": "/broker"}]


def test_the_configuration_leaves_statistics_out_and_fixes_operator_policies(served: Served) -> None:
    served.ask("PUT", "/broker/api/queues/%2F/q", {"durable": True})
    assert "messages" not in served.ask("GET", "/broker/api/queues").body[0]
    assert served.ask("GET", "/broker/api/queues?disable_stats=false").body[0]["messages"] == 0
    overview = served.ask("GET", "/broker/api/overview").body
    assert (overview["disable_stats"], overview["is_op_policy_updating_enabled"]) == (True, False)
    body = {"pattern": "^q", "definition": {"max-length": 1}}
    assert served.ask("PUT", "/broker/api/operator-policies/%2F/p", body).status == 405


# The API's description


def test_the_description_is_openapi_and_has_every_verb(plain: Served) -> None:
    document = plain.ask("GET", "/api/openapi.json", Authorization="").body
    OpenAPIV31SpecValidator(document).validate()
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert described == {(v.method, f"/api{v.path}") for v in VERBS}
    declared = document["paths"]["/api/queues/{vhost}/{queue}"]["put"]
    assert set(declared["requestBody"]["content"]["application/json"]["schema"]["properties"]) == {
        *("durable", "auto_delete", "arguments")
    }


def test_bodies_are_of_verbs_that_take_them() -> None:
    assert {v.name for v in VERBS if v.body} >= BODIES.keys()
    undescribed = {v.name for v in VERBS if v.body} - BODIES.keys()
    assert undescribed == {
        "post_definitions",
        "post_vhost_definitions",
        "post_all_configuration",
        "enable_feature_flag",
        "rebalance_queues",
    }


def test_every_verb_says_what_it_does(plain: Served) -> None:
    page = plain.ask("GET", "/api/index.html").text
    for verb in VERBS:
        assert verb.doc, verb.name
        assert f"/api{verb.path}" in page
