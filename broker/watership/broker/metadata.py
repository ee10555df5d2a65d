"""Everything that is declared, as what a sequence of commands makes of nothing.

`apply` is deterministic and total: a command about something that is not there changes nothing. Whether a command
was allowed was decided before it was made. Transient objects are applied but not logged, so after a restart they
are not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from watership.model import commands as c
from watership.model.bindings import Bindings
from watership.model.permissions import Permission, TopicPermission
from watership.model.policies import Policy
from watership.model.topology import Binding, Exchange, Queue, Vhost, predeclared
from watership.model.users import User

POLICY, OPERATOR_POLICY, LIMITS = "policy", "operator_policy", "vhost-limits"  # components of parameters
FIRST_STREAM = 16  # lower streams are the log's own


class Metadata:
    def __init__(self) -> None:
        self.vhosts: dict[str, Vhost] = {}
        self.users: dict[str, User] = {}
        self.permissions: dict[tuple[str, str], Permission] = {}  # (user, vhost)
        self.exchanges: dict[str, dict[str, Exchange]] = {}  # by vhost and name
        self.queues: dict[str, dict[str, Queue]] = {}
        self.bindings: dict[str, Bindings] = {}
        self.topic_permissions: dict[tuple[str, str, str], TopicPermission] = {}  # (user, vhost, exchange)
        self.parameters: dict[str, Any] = {}  # global ones
        self.vhost_parameters: dict[tuple[str, str, str], Any] = {}  # (vhost, component, name)
        self.next_stream = FIRST_STREAM

    def recover(self, snapshot: bytes | None, commands: Iterable[bytes]) -> None:
        """Becomes what a log has led to. Raises UnknownCommand when a newer program wrote it."""
        if snapshot is not None:
            self.restore(snapshot)
        for command in commands:
            self.apply(c.decode(command))

    def apply(self, command: c.Command) -> None:
        HANDLERS[type(command)](self, command)

    def has(self, command: c.Command) -> bool:
        """Whether what a command puts is there already."""
        match command:
            case c.PutVhost(vhost):
                return vhost.name in self.vhosts
            case c.PutUser(user):
                return user.name in self.users
            case c.PutPermission(p):
                return (p.user, p.vhost) in self.permissions
            case c.PutTopicPermission(t):
                return (t.user, t.vhost, t.exchange) in self.topic_permissions
            case c.SetParameter(name):
                return name in self.parameters
            case c.SetVhostParameter(vhost, component, name):
                return (vhost, component, name) in self.vhost_parameters
        return False

    def snapshot(self) -> bytes:
        """The durable part as one payload of the log: a JSON list of commands that make it, and the next stream."""
        commands = [c.encode(command).decode() for command in self.durable_commands()]
        return json.dumps({"next_stream": self.next_stream, "commands": commands}).encode()

    def restore(self, snapshot: bytes) -> None:
        """Raises UnknownCommand when a newer program wrote it."""
        fields = json.loads(snapshot)
        for command in fields["commands"]:
            self.apply(c.decode(command.encode()))
        self.next_stream = max(self.next_stream, fields["next_stream"])

    def durable_commands(self) -> Iterator[c.Command]:
        yield from map(c.PutVhost, self.vhosts.values())
        yield from map(c.PutUser, self.users.values())
        yield from map(c.PutPermission, self.permissions.values())
        for vhost in self.vhosts:
            exchanges, queues = self.exchanges[vhost], self.queues[vhost]
            yield from (c.DeclareExchange(e) for e in exchanges.values() if e.durable and not is_predeclared(e))
            yield from (c.DeclareQueue(q) for q in queues.values() if is_durable(q))
            yield from (c.Bind(b) for b in self.bindings[vhost].values() if self.outlives(b))
        yield from map(c.PutTopicPermission, self.topic_permissions.values())
        yield from (c.SetParameter(name, value) for name, value in self.parameters.items())
        yield from (c.SetVhostParameter(*key, value) for key, value in self.vhost_parameters.items())

    # What parameters mean

    def policies(self, vhost: str, *, operator: bool = False) -> list[Policy]:
        component = OPERATOR_POLICY if operator else POLICY
        return [
            Policy(vhost, name, v["pattern"], v["definition"], v.get("priority", 0), v.get("apply-to", "all"))
            for (where, what, name), v in self.vhost_parameters.items()
            if where == vhost and what == component
        ]

    def limits(self, vhost: str) -> dict[str, int]:
        return dict(self.vhost_parameters.get((vhost, LIMITS, "limits"), {}))

    def outlives(self, binding: Binding) -> bool:
        """A binding is durable when both its ends are."""
        source = self.exchanges[binding.vhost].get(binding.source)
        if binding.destination_type == "exchange":
            target = self.exchanges[binding.vhost].get(binding.destination)
            return source is not None and source.durable and target is not None and target.durable
        queue = self.queues[binding.vhost].get(binding.destination)
        return source is not None and source.durable and queue is not None and is_durable(queue)

    # One method per command

    def put_vhost(self, command: c.PutVhost) -> None:
        name = command.vhost.name
        self.vhosts[name] = command.vhost
        self.exchanges.setdefault(name, {e.name: e for e in predeclared(name)})
        self.queues.setdefault(name, {})
        self.bindings.setdefault(name, Bindings())

    def delete_vhost(self, command: c.DeleteVhost) -> None:
        self.vhosts.pop(command.name, None)
        for by_vhost in (self.exchanges, self.queues, self.bindings):
            by_vhost.pop(command.name, None)
        self.permissions = {k: p for k, p in self.permissions.items() if p.vhost != command.name}
        self.topic_permissions = {k: p for k, p in self.topic_permissions.items() if p.vhost != command.name}
        self.vhost_parameters = {k: v for k, v in self.vhost_parameters.items() if k[0] != command.name}

    def put_user(self, command: c.PutUser) -> None:
        self.users[command.user.name] = command.user

    def delete_user(self, command: c.DeleteUser) -> None:
        self.users.pop(command.name, None)
        self.permissions = {k: p for k, p in self.permissions.items() if p.user != command.name}
        self.topic_permissions = {k: p for k, p in self.topic_permissions.items() if p.user != command.name}

    def put_permission(self, command: c.PutPermission) -> None:
        self.permissions[command.permission.user, command.permission.vhost] = command.permission

    def delete_permission(self, command: c.DeletePermission) -> None:
        self.permissions.pop((command.user, command.vhost), None)

    def declare_exchange(self, command: c.DeclareExchange) -> None:
        self.exchanges.get(command.exchange.vhost, {})[command.exchange.name] = command.exchange
        self.next_stream = max(self.next_stream, command.exchange.stream + 1)

    def delete_exchange(self, command: c.DeleteExchange) -> None:
        self.exchanges.get(command.vhost, {}).pop(command.name, None)
        self.drop_bindings(command.vhost, "exchange", command.name)

    def declare_queue(self, command: c.DeclareQueue) -> None:
        self.queues.get(command.queue.vhost, {})[command.queue.name] = command.queue
        self.next_stream = max(self.next_stream, command.queue.stream + 1)

    def delete_queue(self, command: c.DeleteQueue) -> None:
        self.queues.get(command.vhost, {}).pop(command.name, None)
        self.drop_bindings(command.vhost, "queue", command.name)

    def bind(self, command: c.Bind) -> None:
        self.bindings.get(command.binding.vhost, Bindings()).add(command.binding)

    def unbind(self, command: c.Unbind) -> None:
        self.bindings.get(command.binding.vhost, Bindings()).remove(command.binding.key)

    def set_parameter(self, command: c.SetParameter) -> None:
        if command.value is None:
            self.parameters.pop(command.name, None)
        else:
            self.parameters[command.name] = command.value

    def set_vhost_parameter(self, command: c.SetVhostParameter) -> None:
        key = (command.vhost, command.component, command.name)
        if command.value is None:
            self.vhost_parameters.pop(key, None)
        elif command.vhost in self.vhosts:
            self.vhost_parameters[key] = command.value

    def put_topic_permission(self, command: c.PutTopicPermission) -> None:
        p = command.topic_permission
        self.topic_permissions[p.user, p.vhost, p.exchange] = p

    def delete_topic_permission(self, command: c.DeleteTopicPermission) -> None:
        self.topic_permissions = {
            k: p
            for k, p in self.topic_permissions.items()
            if k[:2] != (command.user, command.vhost) or command.exchange not in (None, k[2])
        }

    def drop_bindings(self, vhost: str, kind: str, name: str) -> None:
        bindings = self.bindings.get(vhost, Bindings())
        for binding in bindings.touching(kind, name):
            bindings.remove(binding.key)


def is_durable(queue: Queue) -> bool:
    return queue.durable and not queue.exclusive


def is_predeclared(exchange: Exchange) -> bool:
    return exchange.name == "" or exchange.name.startswith("amq.")


HANDLERS: dict[type[Any], Callable[[Metadata, Any], None]] = {
    c.PutVhost: Metadata.put_vhost,
    c.DeleteVhost: Metadata.delete_vhost,
    c.PutUser: Metadata.put_user,
    c.DeleteUser: Metadata.delete_user,
    c.PutPermission: Metadata.put_permission,
    c.DeletePermission: Metadata.delete_permission,
    c.DeclareExchange: Metadata.declare_exchange,
    c.DeleteExchange: Metadata.delete_exchange,
    c.DeclareQueue: Metadata.declare_queue,
    c.DeleteQueue: Metadata.delete_queue,
    c.Bind: Metadata.bind,
    c.Unbind: Metadata.unbind,
    c.SetParameter: Metadata.set_parameter,
    c.SetVhostParameter: Metadata.set_vhost_parameter,
    c.PutTopicPermission: Metadata.put_topic_permission,
    c.DeleteTopicPermission: Metadata.delete_topic_permission,
}
