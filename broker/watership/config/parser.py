"""Lines to settings. A line is KEY = VALUE, a comment (#), or empty; later lines win. What is wrong says where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import Config
from .errors import ConfigError
from .key import Key
from .keys import KEYS

LINE = re.compile(r"(?P<key>[^=\s#]+)\s*=\s*(?P<value>.*)")


@dataclass(frozen=True)
class Setting:
    """One line: the key as written, its row, what $words in the row's name stood for, and the value that was read."""

    key: str
    row: Key
    words: tuple[str, ...]
    value: Any
    where: str  # "FILE:LINE"


def parse(text: str, name: str = "rabbitmq.conf") -> list[Setting]:
    """The settings of one file. Raises ConfigError."""
    settings = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = LINE.fullmatch(stripped)
        if not match:
            raise ConfigError(f"{name}:{number}: expected KEY = VALUE, found '{stripped}'")
        settings.append(setting(match["key"], unquoted(match["value"].strip()), f"{name}:{number}"))
    return settings


def unquoted(value: str) -> str:
    """A value may be quoted with ' to keep a # or blanks; else a blank and # begin a comment."""
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


def setting(key: str, value: str, where: str) -> Setting:
    row = row_of(key)
    if row is None:
        raise ConfigError(f"{where}: unknown key '{key}'{nearest(key)}")
    try:
        read = row.read(value)
    except ValueError as legal:
        raise ConfigError(f"{where}: {key} = {value}: expected {legal}") from None
    parts = zip(row.name.split("."), key.split("."), strict=True)
    return Setting(key, row, tuple(written for declared, written in parts if declared.startswith("$")), read, where)


def row_of(key: str) -> Key | None:
    """The row that a key belongs to. One without $words is preferred."""
    parts = key.split(".")
    wild = None
    for row in KEYS:
        declared = row.name.split(".")
        if declared == parts:
            return row
        if len(declared) == len(parts) and all(
            d.startswith("$") or d == p for d, p in zip(declared, parts, strict=True)
        ):
            wild = row
    return wild


def nearest(key: str) -> str:
    close = difflib.get_close_matches(key, [row.name for row in KEYS], 1, 0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def files(paths: Iterable[Path]) -> list[Path]:
    """A folder stands for its *.conf files in the order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(p for p in path.glob("*.conf") if p.is_file()))
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigError(f"{path}: there is no such configuration file")
    return found


def load(*paths: Path) -> Config:
    """The configuration in these files and folders. Raises ConfigError."""
    settings: list[Setting] = []
    for path in files(paths):
        try:
            settings.extend(parse(path.read_text(encoding="utf-8"), str(path)))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from None
    return Config.of(settings)
