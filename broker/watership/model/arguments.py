"""The x-arguments of queues and exchanges, declared: which type, what is legal, RabbitMQ's term for what is not.

One row per argument. A queue's declaration is checked against the rows of its type (facts that RabbitMQ 4.2 defines in
rabbit_amqqueue.erl); unknown arguments are allowed and ignored. Redeclaration compares only arguments that have a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from .errors import PreconditionFailed
from .names import describe
from .settings import TEN_YEARS

Check = Callable[[Any], str | None]
MODULE_NAMES = {"classic": "rabbit_classic_queue", "quorum": "rabbit_quorum_queue", "stream": "rabbit_stream_queue"}
TYPE_NAMES = {dict: "table", list: "array", type(None): "void", datetime: "timestamp", Decimal: "decimal"}


def type_name(value: object) -> str:
    """The name of a field-table value's type, as error texts have it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "signedint" if -(2**31) <= value < 2**31 else "long"
    if isinstance(value, (str, bytes)):
        return "longstr"
    if isinstance(value, float):
        return "double"
    return TYPE_NAMES.get(type(value), type(value).__name__)


def shown(value: object) -> str:
    """A value as error texts print it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def integer(low: int, high: int | None = None) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f'"expected integer, got {type_name(value)}"'
        if value < low:
            return f"{{value_zero,{value}}}" if value == 0 else f"{{value_negative,{value}}}"
        if high is not None and value > high:
            return f"{{value_too_large,{value}}}"
        return None

    return check


def priority(value: Any) -> str | None:
    problem = integer(0)(value)
    return problem or (f"{{max_value_exceeded,{value}}}" if value > 255 else None)


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else f"{{unacceptable_type,{type_name(value)}}}"


def boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"{{unacceptable_type,{type_name(value)}}}"


def queue_type(value: Any) -> str | None:
    return text(value) or (None if value in MODULE_NAMES else f"\"unsupported queue type '{value}'\"")


def queue_version(value: Any) -> str | None:
    return integer(0)(value) or (None if value in (1, 2) else f"\"unsupported queue version '{value}'\"")


def one_of(term: str, *legal: str) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"{{unacceptable_type,{type_name(value)}}}"
        return None if value in legal else term

    return check


def pattern(term: str, expression: str) -> Check:
    def check(value: Any) -> str | None:
        return text(value) or (None if re.fullmatch(expression, value) else term)

    return check


def anything(value: Any) -> str | None:
    return None


@dataclass(frozen=True)
class Row:
    check: Check
    types: str  # initials of the queue types that know it: classic, quorum, stream
    implemented: bool = False  # has an effect in this version


QUEUE_ARGUMENTS: Mapping[str, Row] = {
    "x-queue-type": Row(queue_type, "cqs", implemented=True),
    "x-expires": Row(integer(1, TEN_YEARS), "cq", implemented=True),
    "x-message-ttl": Row(integer(0, TEN_YEARS), "cq", implemented=True),
    "x-dead-letter-exchange": Row(text, "cq", implemented=True),
    "x-dead-letter-routing-key": Row(text, "cq", implemented=True),
    "x-dead-letter-strategy": Row(
        one_of("invalid_dlx_strategy", "at-most-once", "at-least-once"), "q", implemented=True
    ),
    "x-max-length": Row(integer(0), "cq", implemented=True),
    "x-max-length-bytes": Row(integer(0), "cqs", implemented=True),
    "x-max-in-memory-length": Row(integer(0), "q", implemented=True),
    "x-max-in-memory-bytes": Row(integer(0), "q", implemented=True),
    "x-overflow": Row(
        one_of("invalid_overflow", "drop-head", "reject-publish", "reject-publish-dlx"), "cq", implemented=True
    ),
    "x-max-priority": Row(priority, "c", implemented=True),
    "x-single-active-consumer": Row(boolean, "cq", implemented=True),
    "x-queue-version": Row(queue_version, "c", implemented=True),
    "x-queue-mode": Row(anything, "c", implemented=True),
    "x-queue-master-locator": Row(anything, "c", implemented=True),
    "x-queue-leader-locator": Row(
        one_of("invalid_queue_locator_arg", "client-local", "balanced", "random", "least-leaders"),
        "cqs",
        implemented=True,
    ),
    "x-quorum-initial-group-size": Row(integer(1), "q", implemented=True),
    "x-delivery-limit": Row(anything, "q", implemented=True),
    "x-consumer-timeout": Row(integer(0), "q", implemented=True),
    "x-consumer-disconnected-timeout": Row(integer(0), "q", implemented=True),  # one node is never disconnected
    "x-delayed-retry-type": Row(anything, "q"),
    "x-delayed-retry-min": Row(anything, "q"),
    "x-delayed-retry-max": Row(anything, "q"),
    "x-max-age": Row(pattern("invalid_max_age", r"\d+[YMDhms]"), "s"),
    "x-stream-max-segment-size-bytes": Row(integer(0, 3_000_000_000), "s"),
    "x-stream-filter-size-bytes": Row(integer(16, 255), "s"),
    "x-initial-cluster-size": Row(integer(1), "s"),
}
DEDUPLICATION: Mapping[str, Check] = {  # of exchanges and of queues
    "x-message-deduplication": boolean,
    "x-cache-size": integer(1),
    "x-cache-ttl": integer(1),
    "x-deduplication-header": text,
}
EXCHANGE_ARGUMENTS = ("alternate-exchange",)
CONSUMER_ARGUMENTS: Mapping[str, Row] = {
    "x-priority": Row(integer(-(2**63)), "cq", implemented=True),
    "x-stream-offset": Row(anything, "s"),
}


def check_queue(name: str, vhost: str, arguments: Mapping[str, Any]) -> None:
    """Raises PreconditionFailed with RabbitMQ's words for the first argument that is not legal."""
    resource = describe("queue", name, vhost)
    kind = arguments.get("x-queue-type", "classic")
    if problem := queue_type(kind):
        raise PreconditionFailed(f"invalid arg 'x-queue-type' for {resource}: {problem}")
    for argument, value in arguments.items():
        row = QUEUE_ARGUMENTS.get(argument)
        if row is None:
            continue
        if kind[0] not in row.types:
            raise PreconditionFailed(f"invalid arg '{argument}' for {resource} of queue type {MODULE_NAMES[kind]}")
        if problem := row.check(value):
            if argument == "x-dead-letter-exchange":
                raise PreconditionFailed(f"invalid type '{type_name(value)}' for arg '{argument}' in {resource}")
            raise PreconditionFailed(f"invalid arg '{argument}' for {resource}: {problem}")
    if problem := deduplication_fault(arguments):
        raise PreconditionFailed(f"{problem} for {resource}")
    if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
        term = "routing_key_but_no_dlx_defined"
        raise PreconditionFailed(f"invalid arg 'x-dead-letter-routing-key' for {resource}: {term}")


def check_consumer(kind: str, resource: str, arguments: Mapping[str, Any]) -> None:
    """kind: the queue's type. Raises PreconditionFailed for the first argument of basic.consume that is not legal."""
    for argument, row in CONSUMER_ARGUMENTS.items():
        if argument not in arguments:
            continue
        if kind[0] not in row.types:
            raise PreconditionFailed(f"invalid arg '{argument}' for {resource} of queue type {MODULE_NAMES[kind]}")
        if problem := row.check(arguments[argument]):
            raise PreconditionFailed(f"invalid arg '{argument}' for {resource}: {problem}")


def deduplication_fault(arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments of message deduplication, if anything is."""
    for name, check in DEDUPLICATION.items():
        if name in arguments and (problem := check(arguments[name])):
            return f"invalid arg '{name}': {problem}"
    return None


def without_effect(arguments: Mapping[str, Any]) -> list[str]:
    """Arguments that are checked and kept, but do nothing yet."""
    return sorted(a for a in arguments if a in QUEUE_ARGUMENTS and not QUEUE_ARGUMENTS[a].implemented)


def inequivalent(resource: str, current: Mapping[str, Any], received: Mapping[str, Any], compared: Any) -> str | None:
    """The explanation of the first difference between two sets of arguments, if any. `compared`: names that count."""
    for argument in sorted(compared):
        new, old = received.get(argument), current.get(argument)
        if new == old and isinstance(new, bool) == isinstance(old, bool):
            continue
        if old is not None and new is not None:
            return inequivalent_property(resource, argument, current=old, received=new)
        was = "none" if old is None else f"the value '{shown(old)}' of type '{type_name(old)}'"
        got = "none" if new is None else f"the value '{shown(new)}' of type '{type_name(new)}'"
        return f"inequivalent arg '{argument}' for {resource}: received {got} but current is {was}"
    return None


def inequivalent_property(resource: str, name: str, *, current: object, received: object) -> str:
    """The explanation for a property such as durable or type."""
    return f"inequivalent arg '{name}' for {resource}: received '{shown(received)}' but current is '{shown(current)}'"
