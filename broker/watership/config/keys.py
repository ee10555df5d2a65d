"""Every key of rabbitmq.conf that is understood, one row each. A $word in a name stands for any one part.

effect False: the key is accepted, because configurations of RabbitMQ carry it, and changes nothing in this version;
the broker says so at its start. reloadable: a running broker can take a new value.
"""

from __future__ import annotations

from watership.model.users import ALGORITHMS, DEFAULT_ALGORITHM

from . import logs, tls
from .key import Key
from .values import address, choice, flag, integer, ip, listing, number, size, text


def inert(*names: str) -> tuple[Key, ...]:
    """Keys that RabbitMQ's configurations carry and that change nothing here."""
    return tuple(Key(name, text, doc="accepted, no effect yet", effect=False) for name in names)


VALIDATORS = (
    "rabbit_credential_validator_accept_everything",
    "rabbit_credential_validator_min_password_length",
    "rabbit_credential_validator_password_regexp",
)
BACKENDS = ("local_filesystem", "rabbit_definitions_import_local_filesystem")
HASHES = ("md5", "sha", "sha224", "sha256", "sha384", "sha512")
KEYS: tuple[Key, ...] = (
    Key("listeners.tcp", choice("none"), doc="none: no plain AMQP listener at all"),
    Key("listeners.tcp.$name", address, ("127.0.0.1", 5672), "address of a plain AMQP listener"),
    Key("listeners.ssl", choice("none"), doc="none: no AMQPS listener"),
    Key("listeners.ssl.$name", address, doc="address of an AMQPS listener; needs ssl_options"),
    *tls.keys(tls.AMQP),
    Key("management.tcp.port", integer(0, 65535), 15672, "port of the management API"),
    Key("management.tcp.ip", ip, "127.0.0.1", "address of the management API"),
    Key("management.ssl.port", integer(0, 65535), doc="port of the management API over TLS"),
    Key("management.ssl.ip", ip, "127.0.0.1", "address of the management API over TLS"),
    *tls.keys(tls.MANAGEMENT),
    Key("management.path_prefix", text, "", "what stands before /api, such as /broker"),
    Key("management.cors.allow_origins.$n", text, doc="web pages that may use the API; * for any"),
    Key("management.cors.max_age", integer(0), 1800, "seconds that browsers remember what is allowed"),
    Key("management.csp.policy", text, "script-src 'self'; object-src 'self'", "Content-Security-Policy"),
    Key("management.hsts.policy", text, doc="Strict-Transport-Security; over TLS only"),
    Key("management.disable_stats", flag, False, "listings and objects without statistics"),
    Key("management.enable_queue_totals", flag, False, "message counts of queues all the same"),
    Key("management.restrictions.operator_policy_changes.disabled", flag, False, "operator policies stay as they are"),
    Key("prometheus.tcp.port", integer(0, 65535), 15692, "port of metrics and probes"),
    Key("prometheus.tcp.ip", ip, "127.0.0.1", "address of metrics and probes"),
    Key("prometheus.ssl.port", integer(0, 65535), doc="port of metrics and probes over TLS"),
    Key("prometheus.ssl.ip", ip, "127.0.0.1", "address of metrics and probes over TLS"),
    *tls.keys(tls.PROMETHEUS),
    Key(
        "auth_mechanisms.$n",
        choice("PLAIN", "AMQPLAIN", "ANONYMOUS", "EXTERNAL"),
        doc="mechanisms offered; default PLAIN, AMQPLAIN and ANONYMOUS. EXTERNAL is offered over TLS alone",
    ),
    Key("anonymous_login_user", text, "guest", "who ANONYMOUS logs in; none: nobody"),
    Key("anonymous_login_pass", text, "guest", "the password of that user"),
    Key(
        "ssl_cert_login_from",
        choice("distinguished_name", "common_name", "subject_alternative_name"),
        "distinguished_name",
        "what of a certificate is the user's name (EXTERNAL)",
    ),
    Key("ssl_cert_login_san_type", choice("dns", "ip", "email", "uri", "other_name"), "dns", "which alternative names"),
    Key("ssl_cert_login_san_index", integer(0, 255), 0, "which of those, from 0"),
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
    Key(
        "raft.wal_max_size_bytes", integer(1 << 16), 1 << 26, "octets of one file of the log; it keeps about four spare"
    ),
    Key("durability", choice("fsync", "os"), "fsync", "fsync: a confirm waits for the disk; os: for the page cache"),
    Key("tcp_listen_options.backlog", integer(1), 128),
    Key("tcp_listen_options.nodelay", flag, True),
    *logs.KEYS,
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
    Key("load_definitions", text, doc="definitions.json, or a folder of such files, to import at the start"),
    Key("definitions.import_backend", choice(*BACKENDS), BACKENDS[0], "where definitions are imported from"),
    Key("definitions.local.path", text, doc="the same as load_definitions"),
    Key("definitions.skip_if_unchanged", flag, False, "import only what was not imported before"),
    Key("definitions.hashing.algorithm", choice(*HASHES), "sha256", "how that is told"),
    Key("default_queue_type", choice("classic", "quorum"), effect=False),
    Key("cluster_tags.$tag", text, effect=False),
    Key("management_agent.disable_metrics_collector", flag, effect=False),
    Key("management.load_definitions", text, doc="the older name of load_definitions"),
    Key("auth_backends.$n", listing, effect=False),
    *inert("num_acceptors.tcp", "num_acceptors.ssl", "reverse_dns_lookups"),
    *inert(
        "ssl_options.bypass_pem_cache",
        "ssl_handshake_timeout",
        "initial_frame_max",
        "session_max_per_connection",
        "link_max_per_session",
    ),
    *inert("tcp_listen_options.sndbuf", "tcp_listen_options.recbuf", "tcp_listen_options.keepalive"),
    *inert("tcp_listen_options.linger.on", "tcp_listen_options.linger.timeout"),
    *inert("cluster_formation.peer_discovery_backend", "cluster_formation.classic_config.nodes.$n"),
    *inert("cluster_formation.k8s.host", "cluster_partition_handling"),
    *inert("cluster_formation.node_cleanup.only_log_warning", "queue_leader_locator", "queue_master_locator"),
    *inert(
        "vm_memory_high_watermark_paging_ratio",
        "net_ticktime",
    ),
    *inert("prometheus.return_per_object_metrics", "management.rates_mode"),
    *inert("deprecated_features.permit.$feature", "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration"),
)
