"""rabbitmq.conf: what is read, and what is said about what cannot be."""

from pathlib import Path

import pytest

from watership.config import KEYS, Address, Config, ConfigError, load, parse


def config(text: str) -> Config:
    return Config.of(parse(text))


def test_defaults_listen_on_loopback_only():
    made = config("")
    assert made.tcp == (Address("127.0.0.1", 5672),)
    assert (made.management.host, made.prometheus.host) == ("127.0.0.1", "127.0.0.1")
    assert made.mechanisms == ("PLAIN", "AMQPLAIN", "ANONYMOUS")
    assert made.loopback_users == frozenset({"guest"})
    assert made.default_user_tags == ("administrator",)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("listeners.tcp.default = 5672", Address("", 5672)),
        ("listeners.tcp.1 = 10.0.0.1:5000", Address("10.0.0.1", 5000)),
        ("listeners.tcp.any = [::1]:5000", Address("::1", 5000)),
    ],
)
def test_addresses(line, address):
    assert config(line).tcp == (address,)


def test_later_lines_win_and_values_may_be_quoted():
    text = "heartbeat = 5\n# comment\n\nheartbeat = 7 # seconds\ndefault_pass = 'a # b'\n"
    made = config(text)
    assert (made["heartbeat"], made["default_pass"]) == (7, "a # b")


def test_loopback_users_are_added_and_taken_away():
    assert config("loopback_users = none").loopback_users == frozenset()
    assert config("loopback_users.guest = false").loopback_users == frozenset()
    assert config("loopback_users.me = true").loopback_users == {"guest", "me"}


@pytest.mark.parametrize("name", ["management", "prometheus"])
def test_a_port_for_tls_alone_closes_the_plain_one(name: str):
    assert getattr(config(f"{name}.ssl.port = 15671"), name) is None
    assert getattr(config(f"{name}.ssl.port = 15671\n{name}.tcp.port = 15672"), name) == Address("127.0.0.1", 15672)


def test_tls_needs_its_certificate():
    with pytest.raises(ConfigError, match=r"ssl_options\.certfile and ssl_options\.keyfile must name a certificate"):
        config("listeners.ssl.default = 5671")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hearbeat = 5", "f.conf:2: unknown key 'hearbeat'; did you mean 'heartbeat'?"),
        ("zzzzzz = 5", "f.conf:2: unknown key 'zzzzzz'"),
        ("heartbeat 5", "f.conf:2: expected KEY = VALUE, found 'heartbeat 5'"),
        ("heartbeat = x", "f.conf:2: heartbeat = x: expected a whole number from 0 to 65535"),
        ("log.console.level = loud", "f.conf:2: log.console.level = loud: expected one of debug, info, notice"),
        ("listeners.tcp.1 = nowhere", "f.conf:2: listeners.tcp.1 = nowhere: expected a port such as 5672"),
        ("ssl_options.verify = maybe", "expected one of verify_none, verify_peer"),
        ("disk_free_limit.absolute = lots", "expected a size such as 50MB or 2GiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line, sentence):
    with pytest.raises(ConfigError) as caught:
        parse(f"# first\n{line}\n", "f.conf")
    assert sentence in str(caught.value)


def test_folder_is_read_in_the_order_of_its_names(tmp_path: Path):
    (tmp_path / "20-b.conf").write_text("heartbeat = 2\n")
    (tmp_path / "10-a.conf").write_text("heartbeat = 1\n")
    (tmp_path / "README").write_text("not = configuration\n")
    assert load(tmp_path)["heartbeat"] == 2


def test_missing_file_is_said():
    with pytest.raises(ConfigError, match="nowhere: there is no such configuration file"):
        load(Path("nowhere"))


def test_keys_without_effect_warn():
    assert config("net_ticktime = 60").warnings == (
        "rabbitmq.conf:1: net_ticktime is accepted and has no effect in this version",
    )


def test_keys_are_declared_once():
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))


def test_a_risk_that_is_taken_is_said():
    (warning,) = config("durability = os").warnings
    assert "rabbitmq.conf:1: durability = os: what was confirmed in the last seconds is lost when" in warning
