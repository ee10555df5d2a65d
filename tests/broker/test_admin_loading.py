"""Where definitions come from at the start, and when they are imported again."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.broker.process import Broker, NotStarted

from watership.admin.loading import digest_of
from watership.config import ConfigError, load

USER = {"name": "guest", "password": "guest", "tags": "administrator"}


def document(*queues: str) -> dict[str, Any]:
    permission = {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [USER],
        "permissions": [permission],
        "queues": [{"name": q, "vhost": "/", "durable": True} for q in queues],
    }


def queues(broker: Broker) -> set[str]:
    broker.start()
    return {q["name"] for q in broker.admin("GET", "/queues")}


@pytest.mark.parametrize("key", ["definitions.local.path", "load_definitions", "management.load_definitions"])
def test_every_name_of_the_path_is_taken(tmp_path: Path, key: str) -> None:
    (tmp_path / "d.json").write_text(json.dumps(document("q")))
    broker = Broker(tmp_path, f"definitions.import_backend = local_filesystem\n{key} = {tmp_path}/d.json\n")
    assert queues(broker) == {"q"}
    broker.end()


def test_what_is_unchanged_is_not_imported_again(tmp_path: Path) -> None:
    """What was deleted since stays deleted; a document that says the same in other words is no other."""
    path = tmp_path / "d.json"
    path.write_text(json.dumps(document("a", "b")))
    broker = Broker(tmp_path, f"load_definitions = {path}\ndefinitions.skip_if_unchanged = true\n")
    assert queues(broker) == {"a", "b"}
    broker.admin("DELETE", "/queues/%2F/a")
    assert "imported_definition_hash_value" not in json.dumps(broker.admin("GET", "/definitions"))
    broker.end()
    path.write_text(json.dumps(document("a", "b"), indent=2, sort_keys=True))
    assert queues(broker) == {"b"}
    broker.end()
    path.write_text(json.dumps(document("a", "b", "c")))
    assert queues(broker) == {"a", "b", "c"}
    broker.end()


@contextmanager
def served(text: bytes, folder: Path) -> Iterator[str]:
    """The address of a document over TLS; its authority is in ca.pem."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/d.json" else 404)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None: ...

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_they_can_be_had_over_https(tmp_path: Path) -> None:
    with served(json.dumps(document("far")).encode(), tmp_path) as address:
        backend = f"definitions.import_backend = https\ndefinitions.https.url = {address}"
        trusted = f"definitions.tls.cacertfile = {tmp_path}/ca.pem\n"
        for lines, sentence in (
            (f"{backend}/d.json\n", "cannot be had: .*CERTIFICATE_VERIFY_FAILED"),
            (f"{backend}/nope.json\n{trusted}", "cannot be had: HTTP Error 404"),
        ):
            with pytest.raises(NotStarted, match=sentence):
                Broker(tmp_path, lines).start()
        broker = Broker(tmp_path, f"{backend}/d.json\n{trusted}")
        assert queues(broker) == {"far"}
        broker.end()


def test_https_needs_an_address(tmp_path: Path) -> None:
    (tmp_path / "rabbitmq.conf").write_text("definitions.import_backend = https\n")
    with pytest.raises(ConfigError, match=r"definitions\.https\.url must say where they are"):
        load(tmp_path / "rabbitmq.conf")


@pytest.mark.parametrize("algorithm", ["md5", "sha", "sha224", "sha256", "sha384", "sha512"])
def test_a_digest_is_of_what_is_said(algorithm: str) -> None:
    digests = {digest_of(d, algorithm) for d in ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, {"a": 1, "b": [3]})}
    assert len(digests) == 2
