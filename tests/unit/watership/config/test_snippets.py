"""Pieces of rabbitmq.conf as RabbitMQ's users have them, and what becomes of each.

Drawn from RabbitMQ's own tables of configurations (config_schema_SUITE_data/*.snippets of its plugins) in our words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watership.config import Address, Config, ConfigError, load, parse
from watership.config.parser import row_of


def config(text: str, **environment: str) -> Config:
    return Config.of(parse(text, environment=environment))


# Lines, and keys with the values that they have then.
VALUES: list[tuple[str, dict[str, Any]]] = [
    ("disk_free_limit.relative = 1.0\ndisk_free_limit.absolute = 50000", {"disk_free_limit.absolute": 50000}),
    (
        "disk_free_limit.absolute = 50000\ndisk_free_limit.relative = 1.0",
        {"disk_free_limit.absolute": 50000, "disk_free_limit.relative": None},
    ),
    ("disk_free_limit.relative = 1.0", {"disk_free_limit.relative": 1.0}),
    ("disk_free_limit.absolute = 2GB", {"disk_free_limit.absolute": 2 * 10**9}),
    ("disk_free_limit.absolute = 2GiB", {"disk_free_limit.absolute": 2 * 2**30}),
    ("disk_free_limit.absolute = 2T", {"disk_free_limit.absolute": 2 * 2**40}),
    ("disk_free_limit.absolute = 2PB", {"disk_free_limit.absolute": 2 * 10**15}),
    ("vm_memory_high_watermark_paging_ratio = 0.75", {"vm_memory_high_watermark_paging_ratio": 0.75}),
    ("vm_memory_high_watermark.absolute = 1024MB", {"vm_memory_high_watermark.absolute": 1024 * 10**6}),
    ("total_memory_available_override_value = 1024MiB", {"total_memory_available_override_value": 2**30}),
    ("default_user = guest\ndefault_pass = 'a%%b12:12323'", {"default_pass": "a%%b12:12323"}),
    ("default_pass = 'K9#mL2vX@8nQ4wR7$pE6'", {"default_pass": "K9#mL2vX@8nQ4wR7$pE6"}),
    ("anonymous_login_user = none", {"anonymous_login_user": "none"}),
    ("channel_max = 16", {"channel_max": 16}),
    ("channel_max_per_node = 16", {"channel_max_per_node": 16}),
    ("channel_max_per_node = infinity", {"channel_max_per_node": None}),
    ("consumer_max_per_channel = 16", {"consumer_max_per_channel": 16}),
    ("vhost_max = 3\ncluster_queue_limit = 4", {"vhost_max": 3, "cluster_queue_limit": 4}),
    ("max_message_size = 131072", {"max_message_size": 131072}),
    (
        "tcp_listen_options.linger.on = true\ntcp_listen_options.linger.timeout = 100",
        {"tcp_listen_options.linger.timeout": 100},
    ),
    ("tcp_listen_options.sndbuf = 196608\ntcp_listen_options.recbuf = 196608", {"tcp_listen_options.recbuf": 196608}),
    (
        "password_hashing_module = rabbit_password_hashing_sha512",
        {"password_hashing_module": "rabbit_password_hashing_sha512"},
    ),
    ("ssl_cert_login_from = common_name", {"ssl_cert_login_from": "common_name"}),
    ("proxy_protocol = true", {"proxy_protocol": True}),
    ("consumer_timeout = 20000", {"consumer_timeout": 20000}),
    (
        "definitions.import_backend = local_filesystem\ndefinitions.local.path = /d.json",
        {"definitions.local.path": "/d.json"},
    ),
    ("credential_validator.regexp = ^abc\\d+", {"credential_validator.regexp": "^abc\\d+"}),
    ("log.file = rabbit.log\nlog.dir = /var/log", {"log.file": "rabbit.log", "log.dir": "/var/log"}),
    ("log.file = false", {"log.file": "false"}),
    ("log.console.formatter = json\nlog.connection.level = debug", {"log.console.formatter": "json"}),
    ("log.default.level = error", {"log.default.level": "error"}),
    ("product.name = Hare\nproduct.version = 9", {"product.name": "Hare", "product.version": "9"}),
    ("prometheus.return_per_object_metrics = true", {"prometheus.return_per_object_metrics": True}),
    ("management.path_prefix = /broker", {"management.path_prefix": "/broker"}),
    ("default_queue_type = quorum", {"default_queue_type": "quorum"}),
    ("auth_backends.1 = internal\nauth_backends.2.authn = rabbit_auth_backend_internal", {}),
    ("heartbeat = 5 # seconds", {"heartbeat": 5}),
]


@pytest.mark.parametrize(("lines", "values"), VALUES)
def test_lines_mean_what_they_mean_to_rabbitmq(lines: str, values: dict[str, Any]):
    made = config(lines)
    assert {key: made[key] for key in values} == values
    assert made.warnings == ()


ADDRESSES = [
    ("5673", Address("", 5673)),
    ("192.168.1.99:5672", Address("192.168.1.99", 5672)),
    ("::1:5672", Address("::1", 5672)),
    (":::5672", Address("::", 5672)),
    ("[::1]:5672", Address("::1", 5672)),
    ("fe80::2acf:e9ff:fe17:f97b:5672", Address("fe80::2acf:e9ff:fe17:f97b", 5672)),
]


@pytest.mark.parametrize(("written", "address"), ADDRESSES)
def test_addresses_in_all_of_rabbitmqs_forms(written: str, address: Address):
    assert config(f"listeners.tcp.1 = {written}").tcp == (address,)


# Accepted as they are; each is named at the start of the broker.
WITHOUT_EFFECT = """
num_acceptors.ssl = 1
socket_writer.gc_threshold = off
distribution.listener.interface = ::1
distribution.listener.port_range.min = 25679
cluster_formation.peer_discovery_backend = k8s
cluster_formation.classic_config.nodes.peer1 = rabbit@hostname1
cluster_formation.k8s.host = kubernetes.default
cluster_formation.k8s.address_type = hostname
cluster_formation.node_type = disc
cluster_formation.registration.enabled = false
cluster_formation.discovery_retry_limit = unlimited
cluster_formation.aws.instance_tags.region = us-east-1
cluster_partition_handling = pause_if_all_down
cluster_partition_handling.pause_if_all_down.recover = ignore
cluster_partition_handling.pause_if_all_down.nodes.1 = rabbit@myhost1
tcp_listen_options.exit_on_close = false
vm_memory_calculation_strategy = rss
memory_monitor_interval = 5000
ranch_connection_max = infinity
session_max_per_connection = 65000
link_max_per_session = 4200000000
ssl_handshake_timeout = 10000
ssl_allow_poodle_attack = true
ssl_options.bypass_pem_cache = true
background_gc_enabled = true
delegate_count = 64
net_ticktime = 20
message_store_shutdown_timeout = 600000
mnesia_table_loading_retry_timeout = 45000
raft.data_dir = /data/rabbitmq/raft/log
raft.segment_max_entries = 32768
raft.adaptive_failure_detector.poll_interval = 10000
classic_queue.default_version = 2
quorum_queue.initial_cluster_size = 3
quorum_queue.commands_soft_limit = 32
quorum_queue.continuous_membership_reconciliation.enabled = true
runtime_parameters.limits.shovel = 1
stream.replication.port_range.min = 4000
stream.read_ahead = 8KiB
stream.data_dir = /data/rabbitmq/stream
stream.listeners.tcp.1 = 5552
log.syslog = true
log.syslog.transport = udp
log.exchange.level = info
log.federation.level = debug
log.console.formatter.time_format = epoch_usecs
log.file.rotation.date = $D0
auth_oauth2.resource_server_id = rabbit
auth_oauth2.signing_keys.a.b = key.pem
auth_ldap.servers.1 = ldap.example
auth_cache.cached_backend = ldap
collect_statistics = fine
management.rates_mode = basic
management.http_log_dir = /var/log
management.tcp.idle_timeout = 120000
prometheus.tcp.request_timeout = 120000
management.oauth_enabled = false
reverse_dns_lookups = true
queue_leader_locator = balanced
"""


@pytest.mark.parametrize("line", WITHOUT_EFFECT.strip().splitlines())
def test_what_has_no_meaning_here_is_accepted_and_named(line: str):
    (warning,) = config(line).warnings
    assert warning == f"rabbitmq.conf:1: {line.split(maxsplit=1)[0]} is accepted and has no effect in this version"


REFUSED = [
    ("auth_backends.1 = ldap", "expected internal: users of LDAP, OAuth 2 or HTTP backends cannot log in here"),
    ("auth_backends.1.authn = rabbit_auth_backend_http", "expected internal"),
    ("default_pass = encrypted:GhC4J5lh2DUkbdyKO0aMI8aYJ54mwe4e", "RabbitMQ's encrypted values cannot be read here"),
    ("classic_queue.default_version = 3", "expected one of 1, 2"),
    ("definitions.import_backend = https", "definitions.https.url must say where they are"),
    ("message_interceptors.outgoing.timestamp.enabled = true", "expected false"),
    ("channel_max_per_node = many", "expected a whole number, or infinity"),
    ("net_ticktime = soon", "expected a whole number of at least 0"),
    ("default_limits.vhosts.a.pattern = (", "expected a regular expression"),
    ("default_policies.operator.a.expires = later", "expected milliseconds, or a time such as 90s, 5m, 1h, 2d"),
    ("default_user = $(NOT_SET)", "expected the environment variable NOT_SET to be set"),
    ("default_pass = $(NOT_SET)", "default_pass = ***: expected the environment variable NOT_SET"),
    ("product.nam = x", "did you mean 'product.name'?"),
    ("include nowhere.conf", "there is no file nowhere.conf"),
    ("listeners.tcp.1 = 1:2:3", "expected a port such as 5672"),
    ("proxy_protocol = true\nlisteners.ssl.1 = 5671", "proxy_protocol is for plain listeners"),
]


@pytest.mark.parametrize(("lines", "sentence"), REFUSED)
def test_what_cannot_be_honoured_is_refused_with_a_sentence(lines: str, sentence: str):
    with pytest.raises(ConfigError) as caught:
        config(lines)
    assert sentence in str(caught.value)


def test_environment_stands_in_for_parts_of_values():
    made = config("default_user = $(WHO)\ndefault_pass = '$(SECRET)-x'\n", WHO="fiver", SECRET="s # t")
    assert (made["default_user"], made["default_pass"]) == ("fiver", "s # t-x")


def test_variables_of_rabbitmqs_image_win_over_files(tmp_path: Path):
    (tmp_path / "a.conf").write_text("default_user = file\ndefault_vhost = file\n")
    environment = {"RABBITMQ_DEFAULT_USER": "hazel", "RABBITMQ_NODENAME": "rabbit@burrow", "RABBITMQ_DEFAULT_PASS": ""}
    made = load(tmp_path, environment=environment)
    assert (made["default_user"], made["default_vhost"], made["nodename"]) == ("hazel", "file", "rabbit@burrow")
    assert made["default_pass"] == "guest"


def test_numbered_keys_are_sorted_as_numbers():
    ciphers = "".join(f"ssl_options.ciphers.{n} = C{n}\n" for n in (10, 9, 1, 2))
    made = config(f"ssl_options.certfile = c\nssl_options.keyfile = k\n{ciphers}")
    assert made.tls is not None
    assert made.tls.ciphers == ("C1", "C2", "C9", "C10")


def test_files_are_included_in_the_order_of_their_names(tmp_path: Path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "20.conf").write_text("heartbeat = 2\nbogus = 1\n")
    (tmp_path / "conf.d" / "10.conf").write_text("heartbeat = 1\n")
    main = tmp_path / "rabbitmq.conf"
    main.write_text("include conf.d/1*.conf\nframe_max = 8192\n")
    assert (load(main)["heartbeat"], load(main)["frame_max"]) == (1, 8192)
    main.write_text("include conf.d/*.conf\n")
    with pytest.raises(ConfigError, match=r"20\.conf:2: unknown key 'bogus'"):
        load(main)
    main.write_text("include rabbitmq.conf\n")
    with pytest.raises(ConfigError, match="includes itself"):
        load(main)


def test_what_new_vhosts_are_given_is_put_together_by_id():
    made = config(
        "default_users.a.vhost_pattern = banana\ndefault_users.a.tags = administrator,operator\n"
        "default_users.a.password = SECRET\ndefault_users.a.read = ^r\n"
        "default_limits.vhosts.b.pattern = .*\ndefault_limits.vhosts.b.max_queues = 10\n"
        "default_policies.operator.c.expires = 1h\ndefault_policies.operator.c.queue_pattern = apple\n"
        "default_policies.operator.c.vhost_pattern = banana\ndefault_policies.operator.c.apply_to = quorum_queues\n"
    ).vhost_defaults
    (user,) = made.users_of("bananas")
    assert (user.name, user.tags, user.configure, user.read) == ("a", ("administrator", "operator"), ".*", "^r")
    assert made.users_of("apple") == made.policies_of("apple") == []
    assert made.limits_of("apple") == {"max-queues": 10}
    (policy,) = made.policies_of("banana")
    assert (policy.queues, policy.kind, policy.definition) == ("apple", "quorum_queues", {"expires": 3_600_000})


def test_tags_and_server_properties():
    made = config("cluster_tags.region = eu\nnode_tags.rack = 7\nserver_properties.motto = dig\n")
    assert (made.cluster_tags, made.node_tags, made.server_properties) == (
        {"region": "eu"},
        {"rack": "7"},
        {"motto": "dig"},
    )


# One key of each family that RabbitMQ's users set; values do not matter here.
MUST = """
listeners.tcp.default listeners.ssl.x num_acceptors.tcp handshake_timeout reverse_dns_lookups loopback_users.u
ssl_options.cacertfile ssl_options.certfile ssl_options.keyfile ssl_options.password ssl_options.verify
ssl_options.depth ssl_options.fail_if_no_peer_cert ssl_options.versions.1 ssl_options.ciphers.1
ssl_options.honor_cipher_order ssl_options.honor_ecc_order ssl_options.client_renegotiation
ssl_options.secure_renegotiate ssl_options.dh ssl_options.dhfile ssl_options.reuse_sessions
ssl_options.bypass_pem_cache auth_mechanisms.1 auth_backends.1 auth_backends.1.authn auth_backends.1.authz
auth_cache.cached_backend auth_http.user_path auth_oauth2.issuer ssl_cert_login_from ssl_handshake_timeout
password_hashing_module default_user default_pass default_vhost default_user_tags.t
default_permissions.configure default_users.u.tags anonymous_login_user anonymous_login_pass heartbeat
frame_max initial_frame_max channel_max session_max_per_connection link_max_per_session max_message_size
consumer_timeout default_consumer_prefetch tcp_listen_options.backlog tcp_listen_options.nodelay
tcp_listen_options.sndbuf tcp_listen_options.recbuf tcp_listen_options.keepalive tcp_listen_options.linger.on
vm_memory_high_watermark.relative vm_memory_high_watermark.absolute disk_free_limit.relative
disk_free_limit.absolute total_memory_available_override_value cluster_formation.peer_discovery_backend
cluster_formation.classic_config.nodes.1 cluster_formation.dns.hostname cluster_formation.k8s.host
cluster_formation.etcd.endpoints.1 cluster_formation.consul.host cluster_formation.aws.region
cluster_formation.target_cluster_size_hint cluster_formation.discovery_retry_limit
cluster_formation.discovery_retry_interval cluster_formation.node_cleanup.interval cluster_name
cluster_partition_handling cluster_tags.t node_tags.t net_ticktime quorum_queue.initial_cluster_size
quorum_queue.continuous_membership_reconciliation.enabled quorum_queue.commands_soft_limit
quorum_queue.property_equivalence.relaxed_checks_on_redeclaration stream.initial_cluster_size
stream.listeners.tcp.1 stream.replication.address_family raft.segment_max_entries raft.wal_max_size_bytes
raft.wal_max_batch_size raft.data_dir classic_queue.default_version default_queue_type
queue_types.stream.enabled default_policies.operator.p.expires default_limits.vhosts.l.max_queues
load_definitions definitions.import_backend log.dir log.file log.file.level log.console log.console.level
log.syslog log.exchange log.connection.level collect_statistics collect_statistics_interval
management.tcp.port management.ssl.port management.path_prefix management.load_definitions
management.rates_mode management.disable_stats management.http_log_dir management.cors.allow_origins.1
management.csp.policy management.hsts.policy management.session_timeout management.login_session_timeout
management.oauth_enabled management_agent.disable_metrics_collector prometheus.path prometheus.tcp.port
prometheus.ssl.port prometheus.return_per_object_metrics proxy_protocol deprecated_features.permit.global_qos
message_interceptors.incoming.set_header_timestamp.overwrite product.name motd_file
config_entry_decoder.passphrase
"""


@pytest.mark.parametrize("key", MUST.split())
def test_keys_of_rabbitmqs_users_are_known(key: str):
    assert row_of(key) is not None
