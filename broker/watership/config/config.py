"""What the rooms of the broker read: settings as nouns, defaults filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from watership.model.vhost_defaults import VhostDefaults

from . import defaults
from .errors import ConfigError
from .keys import KEYS
from .tls import AMQP, MANAGEMENT, PROMETHEUS, Tls, tls_of

if TYPE_CHECKING:
    from .parser import Setting

PERMIT = "deprecated_features.permit.$feature"
MECHANISMS = ("PLAIN", "AMQPLAIN", "ANONYMOUS")


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @property
    def bind(self) -> str | None:
        """The host for a listening socket; None: every interface, IPv4 and IPv6."""
        return None if self.host in ("", "::") else self.host

    def __str__(self) -> str:
        if not self.host:
            return f"*:{self.port}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Config:
    """One configuration. `values` holds every key without $words, defaults included."""

    tcp: tuple[Address, ...]
    ssl: tuple[Address, ...]
    tls: Tls | None
    management: Address | None
    management_ssl: Address | None
    management_tls: Tls | None
    prometheus: Address | None
    prometheus_ssl: Address | None
    prometheus_tls: Tls | None
    mechanisms: tuple[str, ...]
    cors_origins: tuple[str, ...]
    default_user_tags: tuple[str, ...]
    loopback_users: frozenset[str]
    cluster_tags: Mapping[str, str] = field(default_factory=dict)
    node_tags: Mapping[str, str] = field(default_factory=dict)
    server_properties: Mapping[str, str] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()  # deprecated features that are not permitted
    vhost_defaults: VhostDefaults = field(default_factory=VhostDefaults)
    values: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def permits(self, feature: str) -> bool:
        """Whether a deprecated feature may be used."""
        return feature not in self.forbidden

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @classmethod
    def of(cls, settings: Iterable[Setting]) -> Config:
        """Raises ConfigError for settings that contradict each other."""
        values = {row.name: row.default for row in KEYS if "$" not in row.name}
        families: dict[str, dict[str, Setting]] = {}
        warnings, given = [], set()
        for setting in settings:
            given.add(setting.key)
            if not setting.words:
                values[setting.key] = setting.value
            else:
                families.setdefault(setting.row.name, {})[setting.key] = setting
            if not setting.row.effect:
                warnings.append(f"{setting.where}: {setting.key} is accepted and has no effect in this version")
            if setting.row.risk is not None and setting.row.risk[0] == setting.value:
                warnings.append(f"{setting.where}: {setting.key} = {setting.value}: {setting.row.risk[1]}")
        picked = {name: [s.value for s in in_order(family)] for name, family in families.items()}
        if "disk_free_limit.absolute" in given:
            values["disk_free_limit.relative"] = None  # whichever stands first
        if values["proxy_protocol"] and "listeners.ssl.$name" in families:
            raise ConfigError("proxy_protocol is for plain listeners in this version: end TLS at the proxy")
        if values["definitions.import_backend"].endswith("https") and values["definitions.https.url"] is None:
            raise ConfigError("definitions.import_backend is https, so definitions.https.url must say where they are")
        tls = tls_of(AMQP, values, picked)
        return cls(
            tcp=listeners("tcp", values, picked, (("127.0.0.1", 5672),)),
            ssl=listeners("ssl", values, picked, ()),
            tls=required(tls, picked),
            management=plain("management", values, given),
            management_ssl=over_tls(MANAGEMENT, values),
            management_tls=tls_of(MANAGEMENT, values, picked) or tls,
            prometheus=plain("prometheus", values, given),
            prometheus_ssl=over_tls(PROMETHEUS, values),
            prometheus_tls=tls_of(PROMETHEUS, values, picked) or tls,
            mechanisms=tuple(picked.get("auth_mechanisms.$n", MECHANISMS)),
            cors_origins=tuple(picked.get("management.cors.allow_origins.$n", ())),
            default_user_tags=words_that_are_true(families.get("default_user_tags.$tag"), ("administrator",)),
            loopback_users=loopback(values, families),
            cluster_tags=by_word(families.get("cluster_tags.$tag", {})),
            node_tags=by_word(families.get("node_tags.$tag", {})),
            server_properties=by_word(families.get("server_properties.$name", {})),
            forbidden=frozenset(f for f, permitted in by_word(families.get(PERMIT, {})).items() if not permitted),
            vhost_defaults=defaults.of(families),
            values=values,
            warnings=tuple(warnings),
        )


def plain(name: str, values: dict[str, Any], given: set[str]) -> Address | None:
    """Where management or prometheus listens without TLS: nowhere when only a port for TLS is given, as in RabbitMQ."""
    keys = (f"{name}.tcp.port", f"{name}.tcp.ip")
    if values[f"{name}.ssl.port"] is not None and not given.intersection(keys):
        return None
    return Address(values[keys[1]], values[keys[0]])


def in_order(family: dict[str, Setting]) -> list[Setting]:
    """Those of one row, sorted by their words; numbers as numbers."""

    def rank(setting: Setting) -> list[tuple[int, str]]:
        return [(int(word), "") if word.isdecimal() else (1 << 62, word) for word in setting.words]

    return sorted(family.values(), key=rank)


def by_word(family: dict[str, Setting]) -> dict[str, str]:
    return {setting.words[0]: setting.value for setting in in_order(family)}


def listeners(
    kind: str, values: dict[str, Any], picked: dict[str, list[Any]], default: tuple[tuple[str, int], ...]
) -> tuple[Address, ...]:
    if values[f"listeners.{kind}"] == "none":
        return ()
    return tuple(Address(*a) for a in picked.get(f"listeners.{kind}.$name", default))


def required(tls: Tls | None, picked: dict[str, list[Any]]) -> Tls | None:
    if "listeners.ssl.$name" in picked and tls is None:
        raise ConfigError(
            "listeners.ssl is set, so ssl_options.certfile and ssl_options.keyfile must name a certificate"
        )
    return tls


def over_tls(prefix: str, values: dict[str, Any]) -> Address | None:
    port = values[f"{prefix}.port"]
    return None if port is None else Address(values[f"{prefix}.ip"], port)


def words_that_are_true(family: dict[str, Setting] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if family is None:
        return default
    return tuple(s.words[0] for s in family.values() if s.value)


def loopback(values: dict[str, Any], families: dict[str, dict[str, Setting]]) -> frozenset[str]:
    if values["loopback_users"] == "none":
        return frozenset()
    family = families.get("loopback_users.$user", {})
    off = {s.words[0] for s in family.values() if not s.value}
    return (frozenset({"guest"}) | frozenset(words_that_are_true(family, ()))) - off
