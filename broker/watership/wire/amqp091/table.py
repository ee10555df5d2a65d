"""Field tables, arrays and the other typed values (AMQP 0-9-1 section 4.2.5.5).

Type letters are read as RabbitMQ and every client read them (its errata page): t b B s u I i l f d D S A T F V x.
Python's side: bool, int, float, Decimal, str (bytes where it is not UTF-8), list, dict, datetime for timestamps, None.
Integers are sent as I or l.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from watership.model.errors import SyntaxFailure

DEPTH = 64  # tables within tables; real ones have three or four levels
FIXED = {
    "b": struct.Struct(">b"),
    "B": struct.Struct(">B"),
    "s": struct.Struct(">h"),
    "u": struct.Struct(">H"),
    "I": struct.Struct(">i"),
    "i": struct.Struct(">I"),
    "l": struct.Struct(">q"),
    "f": struct.Struct(">f"),
    "d": struct.Struct(">d"),
}


class Long(int):
    """A number that goes out as type l, whatever its size: what a client expects in that type."""


class Reader:
    """Takes values from the front of a payload. Every method raises SyntaxFailure (502) when it is too short."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def take(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise SyntaxFailure(f"{size} octets expected, {self.end - self.at} left")
        self.at += size
        return self.data[self.at - size : self.at]

    def octet(self) -> int:
        return self.take(1)[0]

    def short(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def long(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def longlong(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def shortstr(self) -> str:
        octets = self.take(self.octet())
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise SyntaxFailure("a short string is not valid UTF-8") from None

    def longstr(self) -> bytes:
        return self.take(self.long())

    def table(self, depth: int = 0) -> dict[str, Any]:
        inner = self.nested(depth)
        fields: dict[str, Any] = {}
        while inner.at < inner.end:
            name = inner.shortstr()
            fields[name] = inner.value(depth + 1)
        return fields

    def array(self, depth: int) -> list[Any]:
        inner = self.nested(depth)
        items = []
        while inner.at < inner.end:
            items.append(inner.value(depth + 1))
        return items

    def nested(self, depth: int) -> Reader:
        if depth > DEPTH:
            raise SyntaxFailure(f"a field table is nested more than {DEPTH} deep")
        size = self.long()
        start = self.at
        self.take(size)
        return Reader(self.data, start, start + size)

    def value(self, depth: int) -> Any:
        letter = chr(self.octet())
        if letter in FIXED:
            packed = FIXED[letter]
            return packed.unpack(self.take(packed.size))[0]
        match letter:
            case "t":
                return self.octet() != 0
            case "S":
                return text_or_octets(self.longstr())
            case "x":
                return self.longstr()
            case "F":
                return self.table(depth)
            case "A":
                return self.array(depth)
            case "T":
                return timestamp(self.longlong())
            case "D":
                scale = self.octet()
                return Decimal(int.from_bytes(self.take(4), "big", signed=True)).scaleb(-scale)
            case "V":
                return None
        raise SyntaxFailure(f"unknown type letter {letter!r} in a field table")


def text_or_octets(octets: bytes) -> str | bytes:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets


def timestamp(seconds: int) -> datetime | int:
    """A timestamp counts seconds since 1970; one beyond the calendar stays a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return seconds


def encode_shortstr(value: str) -> bytes:
    octets = value.encode()
    if len(octets) > 255:
        raise ValueError(f"a short string holds at most 255 octets, not {len(octets)}")
    return bytes((len(octets),)) + octets


def encode_longstr(value: str | bytes) -> bytes:
    octets = value.encode() if isinstance(value, str) else bytes(value)
    return len(octets).to_bytes(4, "big") + octets


def encode_table(fields: Mapping[str, Any]) -> bytes:
    return encode_longstr(b"".join(encode_shortstr(str(name)) + encode_value(value) for name, value in fields.items()))


def edit_table(table: bytes, changes: Mapping[str, Any]) -> bytes:
    """A field table (with its length) in which some fields have other values, or are gone where the value is None.

    The other fields stay octet for octet, so that their types do not change. Raises SyntaxFailure.
    """
    reader = Reader(table)
    reader.long()
    kept = [b""]
    while reader.at < reader.end:
        start, name = reader.at, reader.shortstr()
        reader.value(1)
        if name not in changes:
            kept.append(table[start : reader.at])
    added = {name: value for name, value in changes.items() if value is not None}
    return encode_longstr(b"".join(kept) + encode_table(added)[4:])


def encode_value(value: Any) -> bytes:
    """One typed value. Raises TypeError for what has no field type."""
    if value is None:
        return b"V"
    if isinstance(value, bool):
        return b"t\1" if value else b"t\0"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise TypeError(f"{value} has no type in field tables: it needs more than 64 bits")
        small = -(2**31) <= value < 2**31 and not isinstance(value, Long)
        return b"I" + FIXED["I"].pack(value) if small else b"l" + FIXED["l"].pack(value)
    if isinstance(value, str):
        return b"S" + encode_longstr(value)
    if isinstance(value, (bytes, bytearray)):
        return b"x" + encode_longstr(bytes(value))
    if isinstance(value, float):
        return b"d" + FIXED["d"].pack(value)
    if isinstance(value, Mapping):
        return b"F" + encode_table(value)
    if isinstance(value, (list, tuple)):
        return b"A" + encode_longstr(b"".join(encode_value(item) for item in value))
    if isinstance(value, datetime):
        return b"T" + int(value.timestamp()).to_bytes(8, "big")
    if isinstance(value, Decimal):
        return encode_decimal(value)
    raise TypeError(f"{type(value).__name__} has no type in field tables")


def encode_decimal(value: Decimal) -> bytes:
    exponent = value.as_tuple().exponent
    scale = max(-exponent, 0) if isinstance(exponent, int) else 0
    return b"D" + bytes((scale,)) + int(value.scaleb(scale)).to_bytes(4, "big", signed=True)
