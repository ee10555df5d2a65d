"""Writes methods.py from spec.txt: `python -m watership.wire.amqp091.generate [--check]`."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

HERE = Path(__file__).parent
TYPES = {
    "octet": ("int", "0"),
    "short": ("int", "0"),
    "long": ("int", "0"),
    "longlong": ("int", "0"),
    "shortstr": ("str", '""'),
    "longstr": ("bytes", 'b""'),
    "table": ("dict[str, Any]", "field(default_factory=dict)"),
    "bit": ("bool", "False"),
}
WRITERS = {
    "octet": "bytes((self.{0},))",
    "short": 'self.{0}.to_bytes(2, "big")',
    "long": 'self.{0}.to_bytes(4, "big")',
    "longlong": 'self.{0}.to_bytes(8, "big")',
    "shortstr": "encode_shortstr(self.{0})",
    "longstr": "encode_longstr(self.{0})",
    "table": "encode_table(self.{0})",
}
HEAD = '''"""Every method of AMQP 0-9-1. Generated from spec.txt by `make generate`: do not edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from .table import Reader, encode_longstr, encode_shortstr, encode_table


class Method:
    """decode takes a Reader behind class and method id; encode gives a method frame's payload with them."""

    ids: ClassVar[tuple[int, int]]  # of class and method
    name: ClassVar[str]
    content: ClassVar[bool] = False

    @classmethod
    def decode(cls, reader: Reader) -> Method:
        raise TypeError("decode is for a method's own class")

    def encode(self) -> bytes:
        raise TypeError("encode is for a method's own class")
'''


def classes() -> list[tuple[str, int, list[list[str]]]]:
    """spec.txt as (class name, number, lines of words)."""
    found: list[tuple[str, int, list[list[str]]]] = []
    for line in (HERE / "spec.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "class":
            found.append((words[1], int(words[2]), []))
        else:
            found[-1][2].append(words)
    return found


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def attribute(name: str) -> str:
    name = name.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def method(class_name: str, class_id: int, words: list[str]) -> str:
    number, name, _direction, *fields = words
    content = "content" in fields
    pairs = [(attribute(f.split(":")[0]), f.split(":")[1]) for f in fields if f != "content"]
    lines = ["", "", "@dataclass(frozen=True, slots=True)", f"class {camel(class_name)}{camel(name)}(Method):"]
    lines.append(f"    ids: ClassVar[tuple[int, int]] = ({class_id}, {number})")
    lines += [f'    name: ClassVar[str] = "{class_name}.{name}"']
    if content:
        lines.append("    content: ClassVar[bool] = True")
    shown = [(n, t) for n, t in pairs if not n.startswith("reserved_")]
    lines += [f"    {n}: {TYPES[t][0]} = {TYPES[t][1]}" for n, t in shown]
    lines += ["", "    @classmethod", f"    def decode(cls, reader: Reader) -> {camel(class_name)}{camel(name)}:"]
    lines += decoder(pairs)
    lines += ["", "    def encode(self) -> bytes:", *encoder(class_id, int(number), pairs)]
    return "\n".join(lines)


def decoder(pairs: list[tuple[str, str]]) -> list[str]:
    lines, bits = [], 0
    for name, kind in pairs:
        reserved = name.startswith("reserved_")
        if kind == "bit":
            if bits % 8 == 0:
                lines.append("        bits = reader.octet()")
            if not reserved:
                lines.append(f"        {name} = bits & {1 << bits % 8} != 0")
            bits += 1
            continue
        bits = 0
        lines.append(f"        reader.{kind}()" if reserved else f"        {name} = reader.{kind}()")
    arguments = ", ".join(n for n, _ in pairs if not n.startswith("reserved_"))
    return [*lines, f"        return cls({arguments})"]


def encoder(class_id: int, method_id: int, pairs: list[tuple[str, str]]) -> list[str]:
    ids = "".join(f"\\x{b:02x}" for b in class_id.to_bytes(2, "big") + method_id.to_bytes(2, "big"))
    parts, bits = [f'b"{ids}"'], 0
    for name, kind in pairs:
        reserved = name.startswith("reserved_")
        if kind == "bit":
            term = "0" if reserved else f"self.{name} << {bits % 8}"
            if bits % 8 == 0:
                parts.append(f"bytes(({term},))")
            else:
                parts[-1] = parts[-1].removesuffix(",))") + f" | {term},))"
            bits += 1
            continue
        bits = 0
        zero = {"short": 'b"\\0\\0"', "shortstr": 'b"\\0"', "longstr": 'b"\\0\\0\\0\\0"'}.get(kind, "")
        parts.append(zero if reserved else WRITERS[kind].format(name))
    if len(parts) == 1:
        return [f"        return {parts[0]}"]
    return ["        return (", *(f"            {'+ ' if i else ''}{p}" for i, p in enumerate(parts)), "        )"]


def generated() -> str:
    blocks, table = [HEAD], []
    for class_name, class_id, methods in classes():
        for words in methods:
            blocks.append(method(class_name, class_id, words))
            table.append(f"    ({class_id}, {words[0]}): {camel(class_name)}{camel(words[1])},")
    blocks.append("\n\nMETHODS: dict[tuple[int, int], type[Method]] = {\n" + "\n".join(table) + "\n}\n")
    return "\n".join(blocks).replace("\n\n\n\n", "\n\n\n")


def main() -> None:
    target = HERE / "methods.py"
    text = generated()
    if "--check" in sys.argv:
        if not target.exists() or target.read_text() != text:
            sys.exit("broker/watership/wire/amqp091/methods.py is stale: run `make generate`")
        return
    target.write_text(text)


if __name__ == "__main__":
    main()
