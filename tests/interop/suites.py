"""The clients whose own test suites a broker has to pass: which part of each, and how it finds the broker."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """environment and certificates: {host} is the broker's address, {certificates} the folder with a CA, a server's
    and a client's certificate. certificates: where the suite wants a copy of which file.
    """

    name: str  # of the distribution
    paths: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    configuration: str = ""  # further lines of rabbitmq.conf


PYAMQP = {"RABBITMQ_HOST": "{host}", "RABBITMQ_5672_TCP": "5672", "RABBITMQ_5671_TCP": "5671"}

SUITES = (
    Suite(
        "amqp",
        ("t/integration/test_rmq.py",),
        PYAMQP,
        {
            "t/certs/ca_certificate.pem": "ca.pem",
            "t/certs/client_certificate.pem": "client.pem",
            "t/certs/client_key.pem": "client.key",
            "t/certs/client_certificate_broken.pem": "client.key",
            "t/certs/client_key_broken.pem": "client.pem",
        },
    ),
    Suite("kombu", ("t/integration/test_py_amqp.py",), PYAMQP),
    Suite(
        "aiormq",
        ("tests",),
        {},
        {
            "tests/certs/ca.pem": "ca.pem",
            "tests/certs/client.pem": "client.pem",
            "tests/certs/client.key": "client.key",
        },
        options=("-k", "not named and not client"),  # a fourth of the time for the same on plain TCP and on TLS
        configuration="max_message_size = 134217728\n",  # as its own broker's configuration says
    ),
    Suite(
        "aio-pika",
        ("tests",),
        {"INTEROP_DOCKER": "1"},
        options=("-k", "not robust"),  # most of it runs twice, with a connection that comes back and one that does not
        configuration="max_message_size = 134217728\n",
    ),
    Suite(
        "amqpstorm",
        ("amqpstorm/tests/functional",),
        {
            "AMQP_HOST": "{host}",
            "AMQP_USERNAME": "guest",
            "AMQP_PASSWORD": "guest",
            "AMQP_URI": "amqp://guest:guest@{host}:5672/%2F",
            "AMQP_HTTP_URL": "http://{host}:15672",
            "AMQP_SSL_URI": "amqps://guest:guest@{host}:5671/%2F",
            "AMQP_SSL_HOST": "{host}",
            "AMQP_CAFILE": "{certificates}/ca.pem",
            "AMQP_CERTFILE": "{certificates}/client.pem",
            "AMQP_KEYFILE": "{certificates}/client.key",
        },
    ),
    Suite(
        "rabbitpy",
        ("tests/test_integration.py", "tests/integration"),
        {"RABBITMQ_URL": "amqp://guest:guest@{host}:5672/%2f", "MANAGEMENT_URL": "http://{host}:15672/%2f"},
    ),
)
