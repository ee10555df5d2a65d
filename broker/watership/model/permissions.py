"""What a user may do in a vhost: three regular expressions over the names of queues and exchanges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Operation = Literal["configure", "write", "read"]


@dataclass(frozen=True)
class Permission:
    """An empty expression matches nothing; the default exchange is matched by the name amq.default."""

    user: str
    vhost: str
    configure: str = ""
    write: str = ""
    read: str = ""

    def allows(self, operation: Operation, name: str) -> bool:
        expression: str = getattr(self, operation)
        return bool(compiled(expression).search(name or "amq.default"))


@dataclass(frozen=True)
class TopicPermission:
    """Which routing keys a user may publish or bind to one topic exchange. {username} and {vhost} stand for
    themselves."""

    user: str
    vhost: str
    exchange: str
    write: str = ""
    read: str = ""

    def allows(self, operation: Operation, key: str) -> bool:
        expression: str = getattr(self, operation)
        expression = expression.replace("{username}", re.escape(self.user)).replace("{vhost}", re.escape(self.vhost))
        return bool(compiled(expression).search(key))


@lru_cache(maxsize=4096)
def compiled(expression: str) -> re.Pattern[str]:
    """RabbitMQ searches rather than matches, and "" stands for ^$. Raises re.error."""
    return re.compile(expression or "^$")


def check_expressions(**expressions: str) -> str | None:
    """The sentence about the first expression that does not compile, if any."""
    for name, expression in expressions.items():
        try:
            compiled(expression)
        except re.error as error:
            return f"{name} is not a regular expression: {error} in '{expression}'"
    return None
