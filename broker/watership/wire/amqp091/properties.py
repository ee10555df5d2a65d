"""The content header of class basic: property flags, then the properties that are there (section 4.2.6.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .table import Reader, edit_table, encode_shortstr, encode_table

# name, reader, writer; in the order of their flags, highest bit first
FIELDS: tuple[tuple[str, Callable[[Reader], Any], Callable[[Any], bytes]], ...] = (
    ("content_type", Reader.shortstr, encode_shortstr),
    ("content_encoding", Reader.shortstr, encode_shortstr),
    ("headers", Reader.table, encode_table),
    ("delivery_mode", Reader.octet, lambda v: bytes((v,))),
    ("priority", Reader.octet, lambda v: bytes((v,))),
    ("correlation_id", Reader.shortstr, encode_shortstr),
    ("reply_to", Reader.shortstr, encode_shortstr),
    ("expiration", Reader.shortstr, encode_shortstr),
    ("message_id", Reader.shortstr, encode_shortstr),
    ("timestamp", Reader.longlong, lambda v: int(v).to_bytes(8, "big")),
    ("type", Reader.shortstr, encode_shortstr),
    ("user_id", Reader.shortstr, encode_shortstr),
    ("app_id", Reader.shortstr, encode_shortstr),
    ("cluster_id", Reader.shortstr, encode_shortstr),
)
NAMES = frozenset(name for name, _, _ in FIELDS)


def decode(data: bytes) -> dict[str, Any]:
    """From the property flags on: the properties that are set. Raises SyntaxFailure (502)."""
    reader = Reader(data)
    flags = reader.short()
    return {name: read(reader) for at, (name, read, _) in enumerate(FIELDS) if flags & 0x8000 >> at}


def headers_of(data: bytes) -> dict[str, Any]:
    """Only the headers."""
    headers: dict[str, Any] = decode(data).get("headers", {})
    return headers


def encode(properties: Mapping[str, Any]) -> bytes:
    """Property flags and properties. Raises KeyError for a name that basic does not have."""
    if unknown := set(properties) - NAMES:
        raise KeyError(f"no property of class basic: {', '.join(sorted(unknown))}")
    flags, parts = 0, []
    for at, (name, _, write) in enumerate(FIELDS):
        if properties.get(name) is not None:
            flags |= 0x8000 >> at
            parts.append(write(properties[name]))
    return flags.to_bytes(2, "big") + b"".join(parts)


def edit(data: bytes, headers: Mapping[str, Any], **changes: Any) -> bytes:
    """The same properties with some headers and some properties changed; None takes one away. The rest stays octet for
    octet. Raises SyntaxFailure.
    """
    reader = Reader(data)
    flags = reader.short()
    kept, parts = 0, []
    for at, (name, read, write) in enumerate(FIELDS):
        bit, start = 0x8000 >> at, reader.at
        if flags & bit:
            read(reader)
        part = data[start : reader.at]
        if name == "headers" and headers:
            part = edit_table(part or bytes(4), headers)
        elif name in changes:
            part = b"" if changes[name] is None else write(changes[name])
        if part:
            kept |= bit
            parts.append(part)
    return kept.to_bytes(2, "big") + b"".join(parts)
