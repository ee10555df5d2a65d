"""Lines to settings. A line is KEY = VALUE, a comment (#), or empty; later lines win. What is wrong says where."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import Config
from .environment import VARIABLES, substituted
from .errors import ConfigError
from .key import Key
from .keys import KEYS

INCLUDE = re.compile(r"include\s+(?P<path>\S+)")
LINE = re.compile(r"(?P<key>[^=\s#]+)\s*=\s*(?P<value>.*)")


@dataclass(frozen=True)
class Setting:
    """One line: the key as written, its row, what $words in the row's name stood for, and the value that was read."""

    key: str
    row: Key
    words: tuple[str, ...]
    value: Any
    where: str  # "FILE:LINE"


def parse(text: str, name: str = "rabbitmq.conf", environment: Mapping[str, str] = os.environ) -> list[Setting]:
    """The settings of one file, and of those that it includes. Raises ConfigError."""
    settings = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if include := INCLUDE.fullmatch(stripped):
            for path in named(Path(name), include["path"], f"{name}:{number}"):
                settings.extend(parse(read(path), str(path), environment))
            continue
        match = LINE.fullmatch(stripped)
        if not match:
            raise ConfigError(f"{name}:{number}: expected KEY = VALUE, found '{stripped}'")
        settings.append(setting(match["key"], unquoted(match["value"].strip()), f"{name}:{number}", environment))
    return settings


def named(includer: Path, pattern: str, where: str) -> list[Path]:
    """The files that an include names, in the order of their names; relative to the file that it stands in."""
    folder, pattern = (Path("/"), pattern[1:]) if pattern.startswith("/") else (includer.parent, pattern)
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found and not set("*?[") & set(pattern):
        raise ConfigError(f"{where}: there is no file {folder / pattern}")
    if any(path.resolve() == includer.resolve() for path in found):
        raise ConfigError(f"{where}: {includer} includes itself")
    return found


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def unquoted(value: str) -> str:
    """A value may be quoted with ' to keep a # or blanks; else a blank and # begin a comment."""
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


def setting(key: str, value: str, where: str, environment: Mapping[str, str] = os.environ) -> Setting:
    """One line, read. Raises ConfigError."""
    row = row_of(key)
    if row is None:
        raise ConfigError(f"{where}: unknown key '{key}'{nearest(key)}")
    if value.startswith("encrypted:"):
        raise ConfigError(
            f"{where}: {key}: RabbitMQ's encrypted values cannot be read here; write $(NAME) and give the value in the "
            "environment, or keep this file secret"
        )
    try:
        taken = row.read(substituted(value, environment))
    except ValueError as legal:
        shown = "***" if secret(key) else value
        raise ConfigError(f"{where}: {key} = {shown}: expected {legal}") from None
    parts = zip(row.name.split("."), key.split("."), strict=True)
    return Setting(key, row, tuple(written for declared, written in parts if declared.startswith("$")), taken, where)


def secret(key: str) -> bool:
    """Whether its value must not be shown."""
    return key.rpartition(".")[2] in ("password", "passphrase", "default_pass", "anonymous_login_pass")


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


def watched(paths: Iterable[Path]) -> list[Path]:
    """Everything that `load` reads: also what is included."""
    found = files(paths)
    for path in found:  # grows while it is gone through
        for line in read(path).splitlines():
            if include := INCLUDE.fullmatch(line.strip()):
                found += [more for more in named(path, include["path"], str(path)) if more not in found]
    return found


def load(*paths: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration in these files and folders, and in the environment. Raises ConfigError."""
    settings: list[Setting] = []
    for path in files(paths):
        settings.extend(parse(read(path), str(path), environment))
    for variable, key in VARIABLES.items():
        if value := environment.get(variable):
            settings.append(setting(key, value, f"the environment's {variable}", {}))
    return Config.of(settings)
