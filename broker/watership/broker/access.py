"""Who may do what. Every operation of the broker is done by an actor, and asks here first."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from watership.model.errors import AccessRefused, LoginRefused, NotAllowed
from watership.model.limits import reached
from watership.model.names import describe
from watership.model.permissions import Operation
from watership.model.users import User, verify

from .attempts import Attempts
from .metadata import Metadata

log = logging.getLogger("watership.access")
NOBODY = User("", "AAAA" + "A" * 43 + "=")


@dataclass(frozen=True, eq=False)
class Actor:
    """A user in a vhost. connection: what owns exclusive queues; None for the admin API. trusted: whose it all is, and
    who therefore is asked for no permission."""

    user: str
    vhost: str
    connection: object | None = None
    trusted: bool = False


class Access:
    def __init__(self, metadata: Metadata, loopback_users: frozenset[str], attempts: Attempts) -> None:
        self.metadata = metadata
        self.loopback_users = loopback_users
        self.attempts = attempts

    def login(self, name: str, password: str | None, *, mechanism: str, from_loopback: bool, source: str) -> User:
        """source: the peer's address. password None: a certificate has said who it is. Raises LoginRefused, with the
        same words whatever was wrong."""
        user, now = self.metadata.users.get(name), time.monotonic()
        waiting = self.attempts.must_wait(source, name, now)
        # An unknown user costs the same hash as a known one.
        right = not waiting and (password is None or verify(user or NOBODY, password))
        if user is not None and right and (name not in self.loopback_users or from_loopback):
            self.attempts.note(protocol_of(mechanism), source, name, right=True, now=now)
            return user
        if not waiting:
            self.attempts.note(protocol_of(mechanism), source, name, right=False, now=now)
        why = refusal(waiting=waiting, right=user is not None and right)
        event = {"event": "login_refused", "peer": source, "user": name, "mechanism": mechanism, "reason": why}
        log.warning("%s login refused: user '%s' from %s: %s", mechanism, name, source, why, extra={"event": event})
        raise LoginRefused(
            f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
        )

    def enter(self, user: str, vhost: str, *, here: int = 0, own: int = 0) -> None:
        """connection.open. here, own: connections that the vhost and the user have. Raises NotAllowed (530)."""
        if vhost not in self.metadata.vhosts:
            raise NotAllowed(f"vhost {vhost} not found")
        if (user, vhost) not in self.metadata.permissions:
            raise NotAllowed(f"access to vhost '{vhost}' refused for user '{user}'")
        limits = self.metadata.limits(vhost)
        if reached(limits, "max-connections", here):
            limit = limits["max-connections"]
            raise NotAllowed(
                f"access to vhost '{vhost}' refused for user '{user}': connection limit ({limit}) is reached"
            )
        limits = dict(self.metadata.users[user].limits)
        if reached(limits, "max-connections", own):
            limit = limits["max-connections"]
            raise NotAllowed(f"connection refused for user '{user}': user connection limit ({limit}) is reached")

    def check(self, actor: Actor, operation: Operation, kind: str, name: str) -> None:
        """Raises AccessRefused (403) unless the actor's permissions match the name."""
        permission = self.metadata.permissions.get((actor.user, actor.vhost))
        if not actor.trusted and (permission is None or not permission.allows(operation, name)):
            shown = name or "amq.default"
            resource = describe(kind, shown, actor.vhost)
            raise AccessRefused(f"{operation} access to {resource} refused for user '{actor.user}'")

    def check_topic(self, actor: Actor, operation: Operation, exchange: str, key: str) -> None:
        """A routing key of a topic exchange. Raises AccessRefused (403); without a topic permission all keys are
        free."""
        permission = self.metadata.topic_permissions.get((actor.user, actor.vhost, exchange))
        if permission is not None and not permission.allows(operation, key):
            resource = describe("exchange", exchange, actor.vhost)
            raise AccessRefused(f"{operation} access to topic '{key}' in {resource} refused for user '{actor.user}'")

    def check_any(self, actor: Actor, kind: str, name: str) -> None:
        """A passive declaration asks for any permission on the resource."""
        permission = self.metadata.permissions.get((actor.user, actor.vhost))
        if permission is None or not any(permission.allows(o, name) for o in ("configure", "write", "read")):
            self.check(actor, "configure", kind, name)


def is_loopback(address: str) -> bool:
    return address.startswith(("127.", "::ffff:127.")) or address == "::1"


def refusal(*, waiting: bool, right: bool) -> str:
    """For the log only: a client is not told which it was."""
    if waiting:
        return "failed to log in too often and has to wait before trying again"
    return "can connect from this machine only (loopback_users)" if right else "invalid credentials"


def protocol_of(mechanism: str) -> str:
    """As auth/attempts names it: Basic is HTTP's."""
    return "http" if mechanism == "Basic" else "amqp091"
