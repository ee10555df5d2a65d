"""Results as text: as rabbitmqctl prints them, tab-separated under a head, or for machines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

FORMATS = ("table", "pretty_table", "json", "csv")
Rows = Sequence[dict[str, Any]]


def listing(rows: Rows, columns: Sequence[str], form: str, *, heads: bool) -> str:
    """form: one of FORMATS."""
    picked = [{column: field(row, column) for column in columns} for row in rows]
    if form == "json":
        return json.dumps(picked)
    lines = ([list(columns)] if heads else []) + [[cell(row[column]) for column in columns] for row in picked]
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerows(lines)
        return text.getvalue().removesuffix("\n")
    if form == "pretty_table":
        return boxed(lines, heads=heads)
    return "\n".join("\t".join(line) for line in lines)


def boxed(lines: list[list[str]], *, heads: bool) -> str:
    """A table with lines drawn around its cells; nothing for nothing."""
    if not lines:
        return ""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def rule(left: str, middle: str, right: str) -> str:
        return left + middle.join("─" * (width + 2) for width in widths) + right

    drawn = [
        "│" + "│".join(f" {text:<{width}} " for text, width in zip(line, widths, strict=True)) + "│" for line in lines
    ]
    between = [rule("├", "┼", "┤")] if heads and len(drawn) > 1 else []
    return "\n".join([rule("┌", "┬", "┐"), drawn[0], *between, *drawn[1:], rule("└", "┴", "┘")])


def field(row: dict[str, Any], column: str) -> Any:
    """A column is a name, or a path with dots. "" where a row has none."""
    found: Any = row
    for part in [column] if column in row else column.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return "" if found is None else found


def cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).replace("\t", "\\t").replace("\n", "\\n")
