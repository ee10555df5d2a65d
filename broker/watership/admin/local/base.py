"""What all verbs share: who asks, what they may see, and how the broker's no becomes the management API's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from watership.admin.api import AdminError, Json
from watership.admin.control import OWNER
from watership.admin.queue_view import with_details
from watership.broker import Actor, Broker, VirtualHost
from watership.broker.statistics import Spans
from watership.model.errors import AccessRefused, AMQPError, NotFound
from watership.model.names import check_length
from watership.model.users import User


@dataclass(frozen=True)
class Asked:
    """Which numbers an answer has. statistics: any at all; totals: of queues, even then; spans: samples over time."""

    statistics: bool = True
    totals: bool = False
    spans: Spans = field(default_factory=dict)


class Verbs:
    """broker: what the verbs are done to. user: in whose name. asked: which statistics. source: the address of who
    asks."""

    def __init__(self, broker: Broker, user: User, *, asked: Asked | None = None, source: str = "127.0.0.1") -> None:
        self.broker = broker
        self.user = user
        self.source = source
        self.asked = asked or Asked()

    def moving(self, shown: Json, key: object, names: Sequence[str], statistics: frozenset[str]) -> Json:
        """With the rates of an object's numbers. names: as its samples are taken. statistics: the fields that are
        left out where nobody wants any."""
        if not self.asked.statistics:
            return {name: value for name, value in shown.items() if name not in statistics}
        return with_details(shown, self.broker.statistics.details(key, names, self.spans(key)))

    def spans(self, key: object) -> Spans:
        """Of a vhost the samples of lengths come with those of rates, as in RabbitMQ."""
        asked = self.asked.spans
        if isinstance(key, VirtualHost) and "msg_rates" in asked:
            return {"lengths": asked["msg_rates"], **asked}
        return asked

    @property
    def node(self) -> str:
        return self.broker.node

    def actor(self, vhost: str) -> Actor:
        return Actor(self.user.name, vhost, trusted=self.user is OWNER)

    @property
    def sees_all(self) -> bool:
        """Administrators and monitoring see every vhost; others those that they have permissions in."""
        return bool({"administrator", "monitoring"} & set(self.user.tags))

    def check_own(self, user: str) -> None:
        """Raises AdminError 401 for another user's, which only who sees all may look at."""
        if not self.sees_all and user != self.user.name:
            raise AdminError(401, "not_authorised", "Not administrator user")

    def visible(self) -> list[VirtualHost]:
        permissions, everything = self.broker.metadata.permissions, self.sees_all
        return [v for v in self.broker.vhosts.values() if everything or (self.user.name, v.name) in permissions]

    def vhost(self, name: str) -> VirtualHost:
        """The vhost that a question is about. Raises AdminError 404."""
        found = self.broker.vhosts.get(name)
        if found is None:
            raise missing()
        if not self.sees_all and (self.user.name, name) not in self.broker.metadata.permissions:
            raise AdminError(404, "not_found", "Not Found")
        return found

    def target(self, name: str) -> VirtualHost:
        """The vhost that is written to. Raises AdminError 404."""
        if name not in self.broker.vhosts:
            raise AdminError(404, "not_found", "vhost_not_found")
        return self.vhost(name)


def missing() -> AdminError:
    """There is no such object."""
    return AdminError(404, "Object Not Found", "Not Found")


def bad(reason: str) -> AdminError:
    """The request makes no sense."""
    return AdminError(400, "bad_request", reason)


@contextmanager
def brokers_words() -> Iterator[None]:
    """Says what the broker refuses inside as the management API does: without AMQP's reply code."""
    try:
        yield
    except AccessRefused as error:
        raise AdminError(401, "not_authorised", error.explanation) from None
    except NotFound as error:
        raise AdminError(404, "not_found", error.explanation) from None
    except AMQPError as error:
        raise bad(error.explanation) from None
    except RecursionError:
        raise bad("arguments are nested too deeply") from None


def exchange_name(shown: str) -> str:
    """In paths the default exchange, which has no name, is amq.default."""
    return "" if shown == "amq.default" else shown


def flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """A boolean of the body. Raises AdminError 400."""
    value = body.get(name, default)
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise bad(f"not_boolean: {name} must be true or false, not {value!r}")
    return value


def text(body: Mapping[str, Any], name: str, default: str = "") -> str:
    """A string of the body. Raises AdminError 400."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise bad(f"{name} must be a string, not {value!r}")
    return value


def routing_key(body: Mapping[str, Any]) -> str:
    """The body's routing key. Raises AdminError 400 for one that no short string can carry."""
    with brokers_words():
        check_length("routing key", key := text(body, "routing_key"))
    return key


def arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body's arguments; an empty list stands for none. Raises AdminError 400."""
    value = body.get("arguments") or {}
    if not isinstance(value, dict):
        raise bad(f"arguments must be an object, not {value!r}")
    return value
