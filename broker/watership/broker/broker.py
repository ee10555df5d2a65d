"""The whole broker: recovers from its store, applies and logs commands, holds the live vhosts.

Everything is called on the event loop's thread and returns at once. What was changed durably is on the disk when
`durable()` returns; AMQP connections hold their replies until then (kernel.Connection.hold).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from watership import kernel
from watership.config import Address, Config
from watership.model import commands as c
from watership.model.errors import AMQPError, PreconditionFailed
from watership.model.permissions import Permission
from watership.model.topology import Vhost
from watership.model.users import SALT_BYTES, User, hash_password
from watership.store import Log, Pages

from .access import Access
from .alarms import Alarms
from .attempts import Attempts
from .changes import AlarmsChanged, Changes
from .command_log import CommandLog, StateMachine
from .metadata import LIMITS, OPERATOR_POLICY, POLICY, Metadata
from .reload import Reload
from .stamps import Stamps
from .statistics import Statistics
from .vhost import VirtualHost

log = logging.getLogger("watership.broker")
CLUSTER_ID = "internal_cluster_id"  # a global parameter
QUEUE_COUNTERS = ("delivered", "delivered_no_ack", "got", "got_no_ack", "got_empty", "acked", "redelivered")


class ClientChannel(Protocol):
    """A channel, likewise."""

    @property
    def name(self) -> str: ...
    def counts(self) -> dict[str, int]:
        """Messages since it was opened."""

    def describe(self) -> dict[str, object]:
        """As the management API shows it."""

    def tap(self, *, on: bool) -> None:
        """Whether the firehose hears of its messages."""


class Client(Protocol):
    """An AMQP connection, as the rest of the broker sees it."""

    @property
    def name(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def vhost(self) -> str: ...
    @property
    def channels(self) -> Mapping[int, ClientChannel]: ...
    def traffic(self) -> tuple[int, int, int, int]:
        """Octets in and out, reads and writes."""

    def describe(self) -> dict[str, object]:
        """As the management API shows it."""

    def alarms_changed(self) -> None:
        """Publishing is blocked from now on, or free again."""

    def force_close(self, reason: str) -> None:
        """connection.close with 320."""


class ClientListeners(Protocol):
    """Where AMQP clients connect to."""

    async def suspend(self) -> None:
        """No client can connect; those that are there stay."""

    async def resume(self) -> None:
        """Clients can connect again. Raises ListenError."""


def node_name(given: str | None) -> str:
    """given: rabbit@HOST, or what stands before the @."""
    name, at, host = (given or "rabbit").partition("@")
    return f"{name}@{host}" if at else f"{name}@{socket.gethostname()}"


class Broker:
    """Use Broker.open."""

    def __init__(self, config: Config, data: Path, loop: AbstractEventLoop) -> None:
        self.config = config
        self.data = data
        self.loop = loop
        self.fresh = False  # nothing was there when it was opened
        self.random: Callable[[int], bytes] = os.urandom
        self.born = loop.time()
        self.listening: list[tuple[str, Address]] = []
        self.listeners: ClientListeners | None = None
        self.draining = False  # maintenance: no clients are wanted
        self.node = node_name(config["nodename"])
        self.stamps = Stamps.of(config, self.node)
        self.metadata = Metadata()
        attempts = Attempts(failures=config["login_throttle.failures"], seconds=config["login_throttle.seconds"])
        self.access = Access(self.metadata, config.loopback_users, attempts)
        self.vhosts: dict[str, VirtualHost] = {}
        self.clients: dict[str, Client] = {}
        self.churn = {"connections_opened": 0, "connections_closed": 0, "channels_opened": 0, "channels_closed": 0}
        self.churn |= {"queues_declared": 0, "queues_created": 0, "queues_deleted": 0}
        self.retired: dict[str, dict[str, int]] = {}  # what queues that are gone have counted, by their type
        self.failed: asyncio.Future[OSError] = loop.create_future()
        size = config["raft.wal_max_size_bytes"]
        self.store = Log(data, file_size=size, slack=4 * size)
        self.pages = Pages(data, on_failure=self.page_lost)
        self.reload = Reload(self, ())
        self.statistics = Statistics(self)
        self.changes = Changes(time.time, os.urandom(4).hex())

    @classmethod
    def open(cls, config: Config, data: Path, loop: AbstractEventLoop) -> Broker:
        """Recovers what is in `data`. Raises the store's errors, each with a sentence."""
        broker = cls(config, data, loop)
        replay = kernel.Replay(broker.pages)
        broker.store.recover(replay)
        broker.fresh = replay.snapshot is None and not replay.commands
        broker.metadata.recover(replay.snapshot, replay.commands)
        broker.start_journal()
        messages = broker.make_live(replay)
        replay.close()
        broker.pages.sweep()
        if broker.fresh:
            if broker.definitions is None:
                broker.put_default_vhost()
                broker.put_default_user()
        else:
            queues = sum(len(v.live) for v in broker.vhosts.values())
            took = loop.time() - broker.born
            log.info("recovered %d queues with %d messages from %s in %.1f s", queues, messages, data, took)
        return broker

    def start_journal(self) -> None:
        self.journal = kernel.Journal(
            self.loop,
            start=self.store.end,
            open_next=self.store.open_next,
            on_failure=self.disk_failed,
            on_full=self.disk_full,
            fsync=self.config["durability"] == "fsync",
            file_size=self.config["raft.wal_max_size_bytes"],
        )
        self.commands: CommandLog = self.journal
        machine: StateMachine = self.metadata
        self.store.run(self.journal, snapshot=machine.snapshot, moved=self.log_moved)
        self.kernel = kernel.Kernel(
            self.loop,
            journal=self.journal,
            frame_max=self.config["frame_max"],
            max_message_size=self.config["max_message_size"],
        )
        self.pager = kernel.Pager(self.kernel, self.loop, self.pages, limit=0)
        self.alarms = Alarms(
            self.config,
            self.data,
            self.kernel,
            self.pager,
            changed=self.alarms_changed,
            log_has_room=self.log_has_room,
        )

    def alarms_changed(self) -> None:
        """An alarm is on or off."""
        self.changes.add(AlarmsChanged(tuple(sorted(self.alarms.on))))
        for client in list(self.clients.values()):
            client.alarms_changed()

    def log_has_room(self) -> bool:
        self.store.tend(pressed="disk" in self.alarms.on)
        return not (self.store.short or self.journal.stalled)

    def log_moved(self) -> None:
        """It has begun another file: the disk is fuller."""
        self.loop.call_soon(self.alarms.look)

    def disk_full(self, error: OSError | None) -> None:
        """Nothing is confirmed until there is room again; whoever publishes is blocked, whoever consumes goes on."""
        if error is not None:
            log.error("the log waits for room on the disk (%s); nothing is confirmed until there is some", error)
        else:
            log.warning("there is room on the disk again: the log goes on where it stopped")
        self.alarms.look()

    def disk_failed(self, error: OSError) -> None:
        """Nobody knows what is on the disk after a failed write or sync: the process has to end."""
        log.critical("the log cannot be written any more: %s; stopping, nothing further is confirmed", error)
        self.fail(error)

    def page_lost(self, error: OSError) -> None:
        """Going on would deliver the messages behind it as if nothing were missing."""
        log.critical(
            "messages of a backlog cannot be read: %s; stopping. `watership store check` says what is lost", error
        )
        self.fail(error)

    def fail(self, error: OSError) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    def make_live(self, replay: kernel.Replay) -> int:
        """Vhosts, exchanges, queues, bindings from the metadata, messages from the log. Returns how many messages."""
        messages = 0
        for name in self.metadata.vhosts:
            vhost = self.make_vhost(name)
            for memory in vhost.exchanges.memories.values():
                if memory.delay is not None:
                    messages += replay.restore(memory.exchange.stream, memory.delay)
            for queue in self.metadata.queues[name].values():
                live = vhost.install_queue(queue)
                messages += replay.restore(queue.stream, live.records)
            for binding in self.metadata.bindings[name].values():
                vhost.bindings.install(binding)
        return messages

    def make_vhost(self, name: str) -> VirtualHost:
        vhost = self.vhosts[name] = VirtualHost(self, name)
        for exchange in self.metadata.exchanges[name].values():
            vhost.exchanges.install(exchange)
        return vhost

    @property
    def definitions(self) -> str | None:
        """What is imported at each start, a path or an address; on an empty broker it says who the first users are."""
        config = self.config
        if config["definitions.import_backend"].endswith("https"):
            return str(config["definitions.https.url"])
        path = config["load_definitions"] or config["management.load_definitions"] or config["definitions.local.path"]
        return None if path is None else str(path)

    def put_cluster_id(self) -> None:
        """A name that stays, whatever the cluster is called; once."""
        if CLUSTER_ID not in self.metadata.parameters:
            random = base64.urlsafe_b64encode(self.random(16)).rstrip(b"=").decode()
            self.apply(c.SetParameter(CLUSTER_ID, f"rabbitmq-cluster-id-{random}"))

    def put_default_vhost(self) -> None:
        kind = self.config["default_queue_type"]
        self.put_vhost(Vhost(self.config["default_vhost"], "Default virtual host", default_queue_type=kind))

    def put_default_user(self) -> None:
        """With permissions in the default vhost, if there is one."""
        config = self.config
        self.put_user(self.user(config["default_user"], config["default_pass"], tags=config.default_user_tags))
        rights = (config[f"default_permissions.{o}"] for o in ("configure", "write", "read"))
        if config["default_vhost"] in self.vhosts:
            self.put_permission(Permission(config["default_user"], config["default_vhost"], *rights))

    # Commands

    def apply(self, command: c.Command, *, durable: bool = True) -> None:
        """Changes the metadata; logs the change when it must survive."""
        encoded = c.encode(command) if durable else b""  # first: what cannot be logged must not be applied
        new = not self.metadata.has(command)
        self.metadata.apply(command)
        self.changes.add(command, new=new)
        if durable:
            self.commands.command(encoded)
        self.kernel.invalidate()

    @property
    def lsn(self) -> int:
        """What must be synced for everything done until now to survive."""
        return int(self.journal.appended)

    async def durable(self) -> None:
        """Returns when everything done until now survives a crash."""
        await self.journal.durable()

    def attach(self, stream: int, records: kernel.Queue) -> kernel.Queue:
        """A new queue's records become known to the store when they are durable."""
        if stream:
            self.store.attach(stream, records)
        return records

    def retire(self, records: kernel.Queue, kind: str) -> None:
        """A queue goes: its counts stay in the totals, which never fall."""
        for name in QUEUE_COUNTERS:
            gone = self.retired.setdefault(kind, dict.fromkeys(QUEUE_COUNTERS, 0))
            gone[name] += getattr(records, name)
        self.churn["queues_deleted"] += 1

    def queue_totals(self, kind: str | None = None) -> dict[str, int]:
        """What all queues, gone ones too, have counted since the start; of one type, or of all."""
        live = [q.records for v in self.vhosts.values() for q in v.live.values() if kind in (None, q.type)]
        gone = [counted for of, counted in self.retired.items() if kind in (None, of)]
        return {n: sum(c[n] for c in gone) + sum(getattr(r, n) for r in live) for n in QUEUE_COUNTERS}

    @property
    def cluster_name(self) -> str:
        given = self.config["cluster_name"] or self.node
        return str(self.metadata.parameters.get("cluster_name", given))

    # Vhosts, users, permissions

    def vhost(self, name: str) -> VirtualHost | None:
        return self.vhosts.get(name)

    def put_vhost(self, vhost: Vhost) -> None:
        new = vhost.name not in self.vhosts
        if new and (most := self.config["vhost_max"]) is not None and len(self.vhosts) >= most:
            raise PreconditionFailed(f"cannot create vhost '{vhost.name}': vhost limit of {most} is reached")
        self.apply(c.PutVhost(vhost))
        if new:
            self.make_vhost(vhost.name)
            self.give_defaults(vhost.name)

    def give_defaults(self, vhost: str) -> None:
        """What the configuration has for a new vhost of that name: users, limits, operator policies."""
        defaults = self.config.vhost_defaults
        for user in defaults.users_of(vhost):
            if user.name not in self.metadata.users:
                self.put_user(self.user(user.name, user.password, tags=user.tags))
            self.put_permission(Permission(user.name, vhost, user.configure, user.write, user.read))
        if limits := defaults.limits_of(vhost):
            self.set_parameter(vhost, LIMITS, "limits", dict(limits))
        for policy in defaults.policies_of(vhost):
            about = {"pattern": policy.queues, "apply-to": policy.kind, "priority": 0}
            self.set_parameter(vhost, OPERATOR_POLICY, policy.name, {**about, "definition": dict(policy.definition)})

    def delete_vhost(self, name: str) -> None:
        """Its connections are closed, its queues end."""
        for client in [k for k in self.clients.values() if k.vhost == name]:
            client.force_close(f"vhost '{name}' is deleted")
        vhost = self.vhosts.pop(name)
        vhost.close()
        self.apply(c.DeleteVhost(name))

    def user(self, name: str, password: str | None, *, tags: tuple[str, ...]) -> User:
        """A user value with a freshly salted hash; password None: nobody can log in with one."""
        algorithm = self.config["password_hashing_module"]
        hashed = "" if password is None else hash_password(password, self.random(SALT_BYTES), algorithm)
        return User(name, hashed, algorithm, tags=tags)

    def put_user(self, user: User) -> None:
        self.apply(c.PutUser(user))

    def delete_user(self, name: str) -> None:
        self.apply(c.DeleteUser(name))
        for client in [k for k in self.clients.values() if k.user == name]:
            client.force_close(f"user '{name}' is deleted")

    def set_parameter(self, vhost: str, component: str, name: str, value: object) -> None:
        """A runtime parameter, None: takes it away. Policies apply at once to what is there."""
        self.apply(c.SetVhostParameter(vhost, component, name, value))
        if component in (POLICY, OPERATOR_POLICY):
            self.vhosts[vhost].reconfigure()

    def put_permission(self, permission: Permission) -> None:
        self.apply(c.PutPermission(permission))

    def delete_permission(self, user: str, vhost: str) -> None:
        self.apply(c.DeletePermission(user, vhost))

    # End

    def close(self) -> None:
        """Writes and syncs the rest. Connections must be gone."""
        self.alarms.close()
        self.statistics.close()
        try:
            self.journal.close()
        except (OSError, AMQPError) as error:
            log.error("closing the log: %s", error)
        self.pages.close()
        self.store.close()
