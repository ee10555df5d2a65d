"""TLS of one listener: the same keys under ssl_options, management.ssl and prometheus.ssl.

What OpenSSL through Python cannot do is refused with a sentence rather than accepted and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError
from .key import Key
from .values import choice, flag, integer, only, text

AMQP, MANAGEMENT, PROMETHEUS = "ssl_options", "management.ssl", "prometheus.ssl"  # prefixes of keys


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files, and what is asked of clients. None: as OpenSSL has it."""

    certfile: str
    keyfile: str
    cacertfile: str | None = None
    password: str | None = None
    verify_peer: bool = False
    fail_if_no_peer_cert: bool = False
    depth: int | None = None  # of authorities between a client's certificate and the root
    versions: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    server_preference: bool = True  # of ciphers and curves
    dhfile: str | None = None
    reuse_sessions: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """What is read again when it changes."""
        return tuple(path for path in (self.certfile, self.keyfile, self.cacertfile) if path)


def keys(prefix: str) -> tuple[Key, ...]:
    """The rows of one listener."""
    given = {
        "cacertfile": (text, None, "PEM file with the authorities that client certificates are checked against"),
        "certfile": (text, None, "PEM file with the server's certificate and its chain"),
        "keyfile": (text, None, "PEM file with the server's private key"),
        "password": (text, None, "password of the private key"),
        "verify": (choice("verify_none", "verify_peer"), "verify_none", "ask clients for a certificate"),
        "fail_if_no_peer_cert": (flag, False, "refuse clients without a certificate; needs verify_peer"),
        "depth": (integer(0, 255), None, "most authorities between a client's certificate and the root"),
        "versions.$n": (choice("tlsv1.2", "tlsv1.3"), None, "TLS versions that are offered"),
        "ciphers.$n": (text, None, "TLS 1.2 ciphers that are offered, by OpenSSL's names"),
        "honor_cipher_order": (flag, None, "the server's order of ciphers counts; default true"),
        "honor_ecc_order": (flag, None, "the same for curves: OpenSSL has one switch for both"),
        "dhfile": (text, None, "PEM file with Diffie-Hellman parameters for TLS 1.2"),
        "dh": (only(), None, "not available: name a file with dhfile"),
        "client_renegotiation": (only("false"), None, "clients never may: OpenSSL 3 does not let them"),
        "secure_renegotiate": (only("true"), None, "always: OpenSSL knows no other renegotiation"),
        "reuse_sessions": (flag, True, "clients may resume a session; false needs TLS 1.3 alone"),
    }
    reloadable = ("certfile", "keyfile")
    return tuple(
        Key(f"{prefix}.{name}", read, default, doc, reloadable=name in reloadable)
        for name, (read, default, doc) in given.items()
    )


def tls_of(prefix: str, values: Mapping[str, Any], picked: Mapping[str, list[Any]]) -> Tls | None:
    """None without a certificate. Raises ConfigError for settings that contradict each other."""
    asked = {name: values[f"{prefix}.{name}"] for name in ("certfile", "keyfile", "cacertfile", "verify", "depth")}
    if asked["certfile"] is None or asked["keyfile"] is None:
        return None
    verify_peer = asked["verify"] == "verify_peer"
    if verify_peer and asked["cacertfile"] is None:
        raise ConfigError(f"{prefix}.verify is verify_peer, so {prefix}.cacertfile must name the authorities")
    if values[f"{prefix}.fail_if_no_peer_cert"] and not verify_peer:
        raise ConfigError(f"{prefix}.fail_if_no_peer_cert is true, so {prefix}.verify must be verify_peer")
    versions = tuple(picked.get(f"{prefix}.versions.$n", ()))
    if not values[f"{prefix}.reuse_sessions"] and versions != ("tlsv1.3",):
        raise ConfigError(
            f"{prefix}.reuse_sessions is false, which OpenSSL through Python can do for TLS 1.3 alone: "
            f"offer nothing else with {prefix}.versions.1 = tlsv1.3"
        )
    return Tls(
        certfile=asked["certfile"],
        keyfile=asked["keyfile"],
        cacertfile=asked["cacertfile"],
        password=values[f"{prefix}.password"],
        verify_peer=verify_peer,
        fail_if_no_peer_cert=values[f"{prefix}.fail_if_no_peer_cert"],
        depth=asked["depth"],
        versions=versions,
        ciphers=tuple(picked.get(f"{prefix}.ciphers.$n", ())),
        server_preference=preference(prefix, values),
        dhfile=values[f"{prefix}.dhfile"],
        reuse_sessions=values[f"{prefix}.reuse_sessions"],
    )


def preference(prefix: str, values: Mapping[str, Any]) -> bool:
    """Whether the server's order of ciphers and curves counts. Raises ConfigError."""
    given = {v for n in ("cipher", "ecc") if (v := values[f"{prefix}.honor_{n}_order"]) is not None}
    if len(given) > 1:
        raise ConfigError(
            f"{prefix}.honor_cipher_order and {prefix}.honor_ecc_order must be equal: OpenSSL has one switch for both"
        )
    return given != {False}
