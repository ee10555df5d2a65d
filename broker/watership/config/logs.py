"""Keys of the log: where it goes, in which form, from which level on. broker/logs.py does what they say."""

from __future__ import annotations

from .key import Key
from .values import choice, flag, integer, size, text

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency", "none")
CATEGORIES = ("default", "connection", "channel", "queue", "access_control", "upgrade")
# RabbitMQ's categories of things that are not here, or that have no messages of their own.
SILENT = ("mirroring", "federation", "shovel", "ra", "osiris", "prelaunch", "feature_flags", "ldap", "user")
FORMS = ("plaintext", "json")


def level(name: str, doc: str) -> Key:
    return Key(name, choice(*LEVELS), doc=doc, reloadable=True)


def inert(name: str) -> Key:
    return Key(name, text, doc="accepted, no effect", effect=False)


FINER = ("time_format", "level_format", "single_line", "plaintext.format", "json.field_map", "json.verbosity_map")
OUTPUTS = ("syslog", "exchange", "journald")
KEYS: tuple[Key, ...] = (
    Key("log.console", flag, True, "log to standard error"),
    level("log.console.level", "from which level on; default that of log.level, or info"),
    Key("log.console.formatter", choice(*FORMS), "plaintext", "one line of text or one JSON object for each message"),
    Key("log.console.stdio", choice("stdout", "stderr"), "stderr", "which stream"),
    Key("log.file", text, doc="name of a file to log to as well; false or nothing: none"),
    Key("log.dir", text, doc="folder of that file; default where the broker was started"),
    level("log.file.level", "from which level on the file is written"),
    Key("log.file.formatter", choice(*FORMS), "plaintext", "as log.console.formatter"),
    Key("log.file.rotation.size", size, doc="bytes after which the file is begun anew"),
    Key("log.file.rotation.count", integer(0), 1, "older files that are kept"),
    Key("log.file.rotation.date", text, doc="not here: rotate with rabbitmqctl rotate_logs", effect=False),
    Key("log.file.rotation.compress", flag, doc="not here: older files stay as they are", effect=False),
    level("log.level", "log level of everything"),
    *(level(f"log.{category}.level", f"level of {category}'s messages") for category in CATEGORIES),
    *(Key(f"log.{category}.level", choice(*LEVELS), effect=False) for category in SILENT),
    *(inert(f"log.{where}.formatter.{name}") for where in ("console", "file") for name in FINER),
    *(inert(f"log.{output}") for output in OUTPUTS),
    *(inert(f"log.{output}.$a") for output in OUTPUTS),
    *(inert(f"log.{output}.$a.$b") for output in OUTPUTS),
    inert("log.$category.file"),
)
