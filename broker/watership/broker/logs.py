"""The log: where it goes, in which form, from which level on.

To the console (standard error), and to a file when log.file names one. `log.CATEGORY.level` sets the level of one
category: RabbitMQ's names stand for our loggers. As JSON, one object a line, with the fields that a message carries.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from watership.config import Config

NONE = logging.CRITICAL + 1
LEVELS = {"debug": 10, "info": 20, "notice": 20, "warning": 30, "error": 40, "critical": 50}
LEVELS |= {"alert": 50, "emergency": 50, "none": NONE}
CATEGORIES = {  # RabbitMQ's categories: our loggers
    "connection": "watership.connection",
    "channel": "watership.channel",
    "queue": "watership.queues",
    "upgrade": "watership.upgrade",
    "access_control": "watership.access",
    "default": "watership",
}
TEXT = "%(asctime)s.%(msecs)03d [%(levelname)s] %(name)s: %(message)s"
TIME = "%Y-%m-%d %H:%M:%S"


class Json(logging.Formatter):
    """One object a line, with RabbitMQ's keys: time, level, msg, pid, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        shown: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs * 1000):06d}Z",
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "domain": record.name,
            "pid": record.process,
            **fields(record),
        }
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        return json.dumps(shown, default=str)


def fields(record: logging.LogRecord) -> Mapping[str, object]:
    """What a message is about: peer, user, vhost, reason; {} for one that says it in words only."""
    found: Mapping[str, object] = getattr(record, "event", {})
    return found


class Output:
    """The handlers of one process."""

    def __init__(self) -> None:
        self.handlers: list[logging.Handler] = []
        self.file: logging.handlers.RotatingFileHandler | None = None

    def configure(self, config: Config) -> None:
        """Replaces what was there. Raises OSError for a file that cannot be written."""
        root = logging.getLogger()
        self.close()
        if config["log.console"]:
            stream = sys.stdout if config["log.console.stdio"] == "stdout" else sys.stderr
            self.handlers.append(formed(logging.StreamHandler(stream), config, "console"))
        if (path := file_of(config)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = logging.handlers.RotatingFileHandler(
                path,
                maxBytes=config["log.file.rotation.size"] or 0,
                backupCount=config["log.file.rotation.count"] or 0,
                encoding="utf-8",
            )
            self.handlers.append(formed(self.file, config, "file"))
        for handler in self.handlers or [logging.NullHandler()]:
            root.addHandler(handler)
        self.set_levels(config)

    def set_levels(self, config: Config) -> None:
        """log.level for everything, log.console.level and log.file.level for what goes there, log.CATEGORY.level for
        one category. Without handlers of its own it leaves a program's logging as that has it."""
        everything, lowest = config["log.level"], NONE
        for handler in self.handlers:
            kind = "file" if handler is self.file else "console"
            level = LEVELS[config[f"log.{kind}.level"] or everything or "info"]
            handler.setLevel(level)
            lowest = min(lowest, level)
        if self.handlers:
            logging.getLogger().setLevel(max(lowest, LEVELS[everything]) if everything else lowest)
        for category, name in CATEGORIES.items():
            level = config[f"log.{category}.level"]
            logging.getLogger(name).setLevel(LEVELS[level] if level else logging.NOTSET)

    def close(self) -> None:
        """Logs no more."""
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        self.handlers, self.file = [], None

    def rotate(self) -> None:
        """The file anew, the one before beside it; without log.file nothing."""
        if self.file is not None:
            self.file.doRollover()


OUTPUT = Output()


def file_of(config: Config) -> Path | None:
    name: str | None = config["log.file"]
    return None if name in (None, "false") else Path(config["log.dir"] or ".") / name


def formed(handler: logging.Handler, config: Config, kind: str) -> logging.Handler:
    """With the format of its kind, console or file."""
    if config[f"log.{kind}.formatter"] == "json":
        handler.setFormatter(Json())
    else:
        handler.setFormatter(logging.Formatter(TEXT, TIME))
    return handler
