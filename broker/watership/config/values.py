"""Types of configuration values. Each reads its text or raises ValueError with what would be legal."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

Reader = Callable[[str], Any]
UNITS = {"": 1, "k": 2**10, "kib": 2**10, "kb": 10**3, "m": 2**20, "mib": 2**20, "mb": 10**6}
TIMES = {"": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
UNITS |= {"p": 2**50, "pib": 2**50, "pb": 10**15}
UNITS |= {"g": 2**30, "gib": 2**30, "gb": 10**9, "t": 2**40, "tib": 2**40, "tb": 10**12}


def text(value: str) -> str:
    return value


def integer(low: int = 0, high: int = 2**63) -> Reader:
    def read(value: str) -> int:
        if not re.fullmatch(r"-?\d+", value) or not low <= int(value) <= high:
            limit = f"from {low} to {high}" if high < 2**63 else f"of at least {low}"
            raise ValueError(f"a whole number {limit}")
        return int(value)

    return read


def number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number such as 0.6") from None


def flag(value: str) -> bool:
    if value not in {"true", "false", "on", "off"}:
        raise ValueError("true or false")
    return value in {"true", "on"}


def choice(*legal: str) -> Reader:
    def read(value: str) -> str:
        if value not in legal:
            raise ValueError("one of " + ", ".join(legal))
        return value

    return read


def size(value: str) -> int:
    """Bytes, with a unit of 1024 (KiB, MiB, GiB, also k, M, G) or 1000 (kB, MB, GB)."""
    match = re.fullmatch(r"(\d+)\s*([a-zA-Z]*)", value)
    if not match or match[2].lower() not in UNITS:
        raise ValueError("a size such as 50MB or 2GiB")
    return int(match[1]) * UNITS[match[2].lower()]


def address(value: str) -> tuple[str, int]:
    """PORT, HOST:PORT or [IPv6]:PORT. A port alone means every interface."""
    match = re.fullmatch(
        r"(?:(?:\[(?P<six>[^]]+)\]|(?P<host>[^:\[\]]+)|(?P<bare>[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)):)?(?P<port>\d+)", value
    )
    if match and match["bare"]:
        try:  # as RabbitMQ writes it: ::1:5672
            return str(ipaddress.IPv6Address(match["bare"])), int(match["port"])
        except ValueError:
            match = None
    if not match or not 0 <= int(match["port"]) <= 65535:
        raise ValueError("a port such as 5672, or an address such as 127.0.0.1:5672 or [::1]:5672")
    return match["six"] or match["host"] or "", int(match["port"])


def ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("an IP address such as 127.0.0.1 or ::") from None


def limit(value: str) -> int | None:
    """None: as many as there are."""
    if value in ("infinity", "unlimited", "off"):
        return None
    if not value.isdecimal():
        raise ValueError("a whole number, or infinity")
    return int(value)


def milliseconds(value: str) -> int:
    """A number of milliseconds, or one with a unit: 90s, 5m, 1h, 2d, 1w."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d|w|)", value)
    if not match:
        raise ValueError("milliseconds, or a time such as 90s, 5m, 1h, 2d")
    return (
        int(match[1])
        * {"": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}[match[2]]
    )


def backend(value: str) -> str:
    """Users that others keep would be let in by nobody, or worse: refused."""
    if value not in ("internal", "rabbit_auth_backend_internal", "internal_loopback"):
        raise ValueError("internal: users of LDAP, OAuth 2 or HTTP backends cannot log in here in this version")
    return "internal"


def pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None
    return value


def listing(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def only(*legal: str) -> Reader:
    """A switch that stands already: true or false, as far as it can be had. Nothing legal: it cannot be set."""

    def read(value: str) -> bool:
        if not legal:
            raise ValueError("nothing: this cannot be set in this version")
        if (meant := str(flag(value)).lower()) not in legal:
            raise ValueError(f"{' or '.join(legal)}: OpenSSL offers nothing else")
        return meant == "true"

    return read
