"""A changed configuration or certificate, taken by the running broker.

Files are looked at every two seconds, and at once on SIGHUP. What a running broker can take (`reloadable` in the
table of keys) is taken; of the rest the log says that it waits for a restart. A file that cannot be read leaves
everything as it was.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from watership.config import KEYS, Config, ConfigError, Tls, load
from watership.config.parser import setting, watched
from watership.model.permissions import Permission
from watership.model.users import verify

from .listening import ListenError, Served
from .logs import OUTPUT

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger("watership.reload")
INTERVAL = 2.0
Stamp = tuple[int, int, int]


class Reload:
    """paths: as they were given to `watership broker --config`."""

    def __init__(self, broker: Broker, paths: Sequence[Path]) -> None:
        self.broker = broker
        self.paths = paths
        self.served: list[Served] = []
        self.seen: dict[Path, Stamp] = {}
        self.timer: asyncio.TimerHandle | None = None

    def context(self, tls: Tls) -> ssl.SSLContext:
        """A server's context whose certificate stays as its files are. Raises ListenError."""
        return self.of(tls).context

    def of(self, tls: Tls) -> Served:
        """What is served by these settings: listeners with the same ones share it. Raises ListenError."""
        found = next((served for served in self.served if served.tls == tls), None)
        if found is None:
            found = Served(tls)
            self.served.append(found)
        return found

    def watch(self) -> None:
        self.seen = self.stamps()
        self.again()

    def again(self) -> None:
        self.timer = self.broker.loop.call_later(INTERVAL, self.look)

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def look(self) -> None:
        """Reloads when a file is another."""
        try:
            now = self.stamps()
            if now != self.seen:
                self.seen = now
                self.reload()
        finally:
            self.again()

    def stamps(self) -> dict[Path, Stamp]:
        found = {}
        for path in self.watched():
            try:
                status = path.stat()
            except OSError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return found

    @property
    def files(self) -> list[Path]:
        """The files that the configuration is read from."""
        try:
            return watched(self.paths)
        except ConfigError:
            return []

    def watched(self) -> list[Path]:
        found = self.files
        for served in self.served:
            found += [Path(path) for path in served.tls.files]
        return found

    def reload(self) -> None:
        """Takes what can be taken. Never raises: the broker goes on as it was."""
        for served in self.served:
            try:
                served.load()
                about = served.tls.certfile, served.certificate.fingerprint
                log.info("the certificate %s with the fingerprint %s is served from now on", *about)
            except ListenError as error:
                log.error("%s; the one before is served further", error)
        try:
            self.read_again()
        except ConfigError as error:
            log.error("%s; the configuration stays as it was", error)

    def read_again(self) -> None:
        """Raises ConfigError, and then nothing has changed."""
        self.take(load(*self.paths))

    def put(self, key: str, value: str) -> None:
        """One key that a running broker can take, until its restart or the next change of its files. Raises
        ConfigError."""
        given = setting(key, value, "put")
        if given.words or not given.row.reloadable:
            raise ConfigError(f"{key} cannot be changed while the broker runs: write it to rabbitmq.conf and restart")
        values = {**self.broker.config.values, key: given.value}
        stem, _, kind = key.rpartition(".")
        if (other := {"relative": "absolute", "absolute": "relative"}.get(kind)) is not None:
            values[f"{stem}.{other}"] = None  # two ways to say one limit
        self.take(replace(self.broker.config, values=values))

    def take(self, new: Config) -> None:
        old = self.broker.config
        rows = {row.name: row for row in KEYS}
        changed = [name for name in rows if "$" not in name and new[name] != old[name]]
        taken = {name: new[name] for name in changed if rows[name].reloadable}
        self.broker.config = replace(old, values={**old.values, **taken}, loopback_users=new.loopback_users)
        self.broker.access.loopback_users = new.loopback_users
        self.broker.alarms.set_limits(self.broker.config)
        self.broker.alarms.look()
        OUTPUT.set_levels(self.broker.config)
        self.follow_default_user(before=old["default_user"])
        if taken:
            log.info("took a new value of %s", ", ".join(sorted(taken)))
        if late := sorted(set(changed) - set(taken)):
            log.warning("a restart is needed for %s", ", ".join(late))

    def follow_default_user(self, before: str = "") -> None:
        """Where default_user_follows says so: the user exists with its password, and the one before is gone."""
        broker, config = self.broker, self.broker.config
        if not config["default_user_follows"]:
            return
        name, password = config["default_user"], config["default_pass"]
        known = broker.metadata.users.get(name)
        if known is None or not verify(known, password):
            broker.put_user(broker.user(name, password, tags=config.default_user_tags))
            log.info("user '%s' has the password of the configuration", name)
        vhost = config["default_vhost"]
        if vhost in broker.metadata.vhosts and (name, vhost) not in broker.metadata.permissions:
            rights = (config[f"default_permissions.{o}"] for o in ("configure", "write", "read"))
            broker.put_permission(Permission(name, vhost, *rights))
        if before not in ("", name) and before in broker.metadata.users:
            broker.delete_user(before)
            log.info("user '%s' is gone: the default user is '%s'", before, name)
