"""Every key of rabbitmq.conf that is understood, one row each. A $word in a name stands for any one part.

effect False: the key is accepted, because configurations of RabbitMQ carry it, and changes nothing in this version;
the broker says so at its start. reloadable: a running broker can take a new value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watership.model.users import ALGORITHMS, DEFAULT_ALGORITHM

from .values import Reader, address, choice, flag, integer, ip, listing, number, size, text


@dataclass(frozen=True)
class Key:
    name: str
    read: Reader
    default: Any = None
    doc: str = ""
    reloadable: bool = False
    effect: bool = True


def inert(*names: str) -> tuple[Key, ...]:
    """Keys that RabbitMQ's configurations carry and that change nothing here."""
    return tuple(Key(name, text, doc="accepted, no effect yet", effect=False) for name in names)


VALIDATORS = (
    "rabbit_credential_validator_accept_everything",
    "rabbit_credential_validator_min_password_length",
    "rabbit_credential_validator_password_regexp",
)
KEYS: tuple[Key, ...] = (
    Key("listeners.tcp", choice("none"), doc="none: no plain AMQP listener at all"),
    Key("listeners.tcp.$name", address, ("127.0.0.1", 5672), "address of a plain AMQP listener"),
    Key("listeners.ssl", choice("none"), doc="none: no AMQPS listener"),
    Key("listeners.ssl.$name", address, doc="address of an AMQPS listener; needs ssl_options"),
    Key(
        "ssl_options.cacertfile", text, doc="PEM file with the authorities that client certificates are checked against"
    ),
    Key("ssl_options.certfile", text, doc="PEM file with the server's certificate and its chain", reloadable=True),
    Key("ssl_options.keyfile", text, doc="PEM file with the server's private key", reloadable=True),
    Key("ssl_options.password", text, doc="password of the private key"),
    Key("ssl_options.verify", choice("verify_none", "verify_peer"), "verify_none", "ask clients for a certificate"),
    Key("ssl_options.fail_if_no_peer_cert", flag, False, "refuse clients without a certificate"),
    Key("ssl_options.versions.$n", choice("tlsv1.2", "tlsv1.3"), doc="TLS versions that are offered"),
    Key("ssl_options.ciphers.$n", text, doc="TLS 1.2 ciphers that are offered, by OpenSSL's names"),
    Key("management.tcp.port", integer(0, 65535), 15672, "port of the management API"),
    Key("management.tcp.ip", ip, "127.0.0.1", "address of the management API"),
    Key("management.ssl.port", integer(0, 65535), doc="port of the management API over TLS"),
    Key("management.ssl.ip", ip, "127.0.0.1", "address of the management API over TLS"),
    Key("management.ssl.cacertfile", text),
    Key("management.ssl.certfile", text),
    Key("management.ssl.keyfile", text),
    Key("prometheus.tcp.port", integer(0, 65535), 15692, "port of metrics and probes"),
    Key("prometheus.tcp.ip", ip, "127.0.0.1", "address of metrics and probes"),
    Key("auth_mechanisms.$n", choice("PLAIN", "AMQPLAIN"), doc="mechanisms offered; default PLAIN and AMQPLAIN"),
    Key("default_user", text, "guest", "user that an empty broker is given", reloadable=True),
    Key("default_pass", text, "guest", "the password of that user", reloadable=True),
    Key(
        "default_user_follows",
        flag,
        False,
        "true: the default user is put right at each start and reload, not only in an empty broker",
    ),
    Key("default_vhost", text, "/", "vhost that an empty broker is given"),
    Key("default_user_tags.$tag", flag, doc="tags of the default user; default administrator"),
    Key("default_permissions.configure", text, ".*"),
    Key("default_permissions.write", text, ".*"),
    Key("default_permissions.read", text, ".*"),
    Key("loopback_users", choice("none"), doc="none: every user may connect from anywhere", reloadable=True),
    Key(
        "loopback_users.$user",
        flag,
        doc="users that may connect from this machine only; default guest",
        reloadable=True,
    ),
    Key("heartbeat", integer(0, 65535), 60, "seconds; proposed to clients, 0 for none", reloadable=True),
    Key("frame_max", integer(8192, 2**31), 131072, "largest frame in octets"),
    Key("channel_max", integer(0, 65535), 2047, "channels of a connection; 0 for 65535"),
    Key("max_message_size", integer(0, 536870912), 16777216, "largest message body in octets"),
    Key("handshake_timeout", integer(1), 10000, "milliseconds for the AMQP handshake", reloadable=True),
    Key("default_consumer_prefetch", integer(0, 65535), 0, "prefetch of consumers that ask for none", reloadable=True),
    Key("cluster_name", text, doc="name of the cluster, shown to clients"),
    Key("durability", choice("fsync", "os"), "fsync", "fsync: a confirm waits for the disk; os: for the page cache"),
    Key("tcp_listen_options.backlog", integer(1), 128),
    Key("tcp_listen_options.nodelay", flag, True),
    Key("log.console", flag, True, "log to standard error"),
    Key(
        "log.console.level",
        choice("debug", "info", "warning", "error", "critical", "none"),
        "info",
        "log level",
        reloadable=True,
    ),
    Key(
        "log.level",
        choice("debug", "info", "warning", "error", "critical", "none"),
        doc="log level of everything",
        reloadable=True,
    ),
    Key(
        "vm_memory_high_watermark.relative",
        number,
        0.6,
        "share of the memory beyond which publishers are blocked",
        reloadable=True,
    ),
    Key("vm_memory_high_watermark.absolute", size, doc="the same in bytes; before the relative one", reloadable=True),
    Key("total_memory_available_override_value", size, doc="bytes of memory there are; default: found out"),
    Key(
        "disk_free_limit.absolute",
        size,
        50_000_000,
        "free bytes of the disk below which publishers are blocked",
        reloadable=True,
    ),
    Key(
        "disk_free_limit.relative",
        number,
        doc="the same as a share of the memory; before the absolute one",
        reloadable=True,
    ),
    Key(
        "consumer_timeout",
        integer(1),
        1_800_000,
        "milliseconds that a consumer may keep a message unacknowledged",
        reloadable=True,
    ),
    Key("collect_statistics_interval", integer(100), 5000, "milliseconds between two samples of the statistics"),
    Key("connection_max", integer(0), doc="AMQP connections of this node; default: any number"),
    Key("cluster_formation.target_cluster_size_hint", integer(1), 1, "nodes that a health check waits for"),
    Key("login_throttle.failures", integer(1), 20, "failed logins of a user from one address before it has to wait"),
    Key("login_throttle.seconds", integer(0), 30, "seconds that such failures count; 0: nobody waits"),
    Key("credential_validator.validation_backend", choice(*VALIDATORS), VALIDATORS[0], "what new passwords must be"),
    Key("credential_validator.min_length", integer(0), 8, "characters that the minimum length validator asks for"),
    Key("credential_validator.regexp", text, "", "what the regexp validator asks for"),
    Key("password_hashing_module", choice(*ALGORITHMS), DEFAULT_ALGORITHM, "how new passwords are kept"),
    Key("load_definitions", text, doc="definitions.json to import at the start"),
    Key("default_queue_type", choice("classic", "quorum"), effect=False),
    Key("cluster_tags.$tag", text, effect=False),
    Key("management_agent.disable_metrics_collector", flag, effect=False),
    Key("management.load_definitions", text, doc="the older name of load_definitions"),
    Key("auth_backends.$n", listing, effect=False),
    *inert("num_acceptors.tcp", "num_acceptors.ssl", "reverse_dns_lookups", "ssl_options.depth"),
    *inert("ssl_options.honor_cipher_order", "ssl_options.honor_ecc_order", "ssl_options.client_renegotiation"),
    *inert("ssl_options.secure_renegotiate", "ssl_options.reuse_sessions", "ssl_options.bypass_pem_cache"),
    *inert("ssl_handshake_timeout", "initial_frame_max", "session_max_per_connection", "link_max_per_session"),
    *inert("tcp_listen_options.sndbuf", "tcp_listen_options.recbuf", "tcp_listen_options.keepalive"),
    *inert("tcp_listen_options.linger.on", "tcp_listen_options.linger.timeout"),
    *inert("cluster_formation.peer_discovery_backend", "cluster_formation.classic_config.nodes.$n"),
    *inert("cluster_formation.k8s.host", "cluster_partition_handling"),
    *inert("cluster_formation.node_cleanup.only_log_warning", "queue_leader_locator", "queue_master_locator"),
    *inert(
        "vm_memory_high_watermark_paging_ratio",
        "net_ticktime",
        "raft.wal_max_size_bytes",
    ),
    *inert(
        "log.file", "log.file.level", "log.dir", "log.console.formatter", "log.connection.level", "log.channel.level"
    ),
    *inert(
        "prometheus.return_per_object_metrics", "management.path_prefix", "management.rates_mode", "ssl_cert_login_from"
    ),
    *inert("deprecated_features.permit.$feature", "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration"),
)
