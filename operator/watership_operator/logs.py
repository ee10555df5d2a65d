"""Log lines for people, or as JSON for collectors. A record that concerns an object carries it: `extra=about(key)`."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


def about(key: tuple[str, str, str]) -> dict[str, Any]:
    """extra= of a record about the object (kind, namespace, name)."""
    return {"object": {"kind": key[0], "namespace": key[1], "name": key[2]}}


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(levelname)s] %(name)s: %(about)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        found = getattr(record, "object", None)
        record.about = "{kind} {namespace}/{name}: ".format(**found) if found else ""
        return super().format(record)


class JsonFormatter(logging.Formatter):
    """One object per line: time (RFC 3339), level, logger, message, and kind, namespace, name of what it concerns."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "object", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, form: str) -> None:
    """form: text or json. To standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("kopf").setLevel(logging.WARNING)
