"""Watching what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any

from watership.admin import view
from watership.admin.api import Json
from watership.admin.auth import INCLUDED
from watership.broker.changes import AlarmsChanged, Change, ConnectionClosed, ConnectionOpened
from watership.broker.metadata import OPERATOR_POLICY, POLICY
from watership.model import commands as c

from .base import Verbs

AT_ONCE = 100
ALIVE = 15.0  # seconds between two signs of life
Told = tuple[str, Json]


class WatchVerbs(Verbs):
    async def watch(self, since: str = "") -> AsyncIterator[Json]:
        """{id, event, at, ...}, one for each change that the user may see, for ever. since: the id of the last one that
        was seen, or the revision of a snapshot. The first one is `started`, or `missed` when what happened since then
        is not known any more: who keeps a picture takes a snapshot again, and so whenever `missed` comes later. It ends
        when the user may not watch any more."""
        async for told in self.batches(since):
            for change in told:
                yield change

    async def batches(self, since: str) -> AsyncIterator[list[Json]]:
        """The same by as many as there are; none at all is a sign of life."""
        changes, listed = self.broker.changes, self.user.name in self.broker.metadata.users
        number = changes.number(since) if since else changes.next
        missed, number = number is None, changes.next if number is None else number
        yield [self.mark("missed" if missed else "started", number)]
        while True:
            more = await changes.wait(number, ALIVE)
            if listed and not self.still_here():
                return
            if not changes.knows(number):
                number = changes.next
                yield [self.mark("missed", number)]
                continue
            batch = changes.since(number, AT_ONCE)
            number += len(batch)
            told = [shown for change in batch if (shown := self.told(change)) is not None]
            if told or not more:
                yield told
            await asyncio.sleep(0)  # others get a turn, however much there is that this user may not see

    def still_here(self) -> bool:
        """Whether the user is there and may use the API; from now on with the tags that it has now."""
        now = self.broker.metadata.users.get(self.user.name)
        if now is None or not INCLUDED["management"] & set(now.tags):
            return False
        self.user = now
        return True

    def mark(self, event: str, number: int) -> Json:
        return {"id": self.broker.changes.place(number), "event": event}

    def told(self, change: Change) -> Json | None:
        """None: the user may not see it."""
        event, about = TOLD[type(change.what)](change.what, change.new)
        if not self.may_see(event.partition(".")[0], about):
            return None
        return {**self.mark(event, change.number + 1), "at": round(change.at, 3), **about}

    def may_see(self, noun: str, about: Mapping[str, Any]) -> bool:
        """As the lists of these objects are seen."""
        if noun in ("user", "permission", "topic_permission"):
            return "administrator" in self.user.tags
        if noun in ("parameter", "global_parameter"):
            return bool({"administrator", "policymaker"} & set(self.user.tags))
        if self.sees_all or noun == "alarms":
            return True
        if noun == "connection":
            return bool(about["user"] == self.user.name)
        vhost = about["name"] if noun == "vhost" else about["vhost"]
        return (self.user.name, vhost) in self.broker.metadata.permissions


def put(noun: str, shown: Callable[[Any], Json]) -> Callable[[Any, bool], Told]:
    """A command that puts an object, which stands under the noun."""

    def tell(command: Any, new: bool) -> Told:
        about = shown(getattr(command, noun))
        about.pop("password_hash", None)
        return f"{noun}.{'created' if new else 'changed'}", about

    return tell


def deleted(noun: str) -> Callable[[Any, bool], Told]:
    return lambda command, _: (f"{noun}.deleted", asdict(command))


def queue(declared: Any) -> Json:
    return {**asdict(declared), "type": declared.type}


def vhost(declared: Any) -> Json:
    return {"name": declared.name, **view.vhost_metadata(declared)}


def parameter(command: c.SetVhostParameter, new: bool) -> Told:
    noun = command.component if command.component in (POLICY, OPERATOR_POLICY) else "parameter"
    about: Json = {"vhost": command.vhost, "component": command.component, "name": command.name}
    if command.value is None:
        return f"{noun}.deleted", about
    return f"{noun}.{'created' if new else 'changed'}", {**about, "value": command.value}


def global_parameter(command: c.SetParameter, new: bool) -> Told:
    if command.value is None:
        return "global_parameter.deleted", {"name": command.name}
    about = {"name": command.name, "value": command.value}
    return f"global_parameter.{'created' if new else 'changed'}", about


TOLD: dict[type[Any], Callable[[Any, bool], Told]] = {
    c.PutVhost: put("vhost", vhost),
    c.DeleteVhost: deleted("vhost"),
    c.PutUser: put("user", view.user),
    c.DeleteUser: deleted("user"),
    c.PutPermission: put("permission", view.permission),
    c.DeletePermission: deleted("permission"),
    c.PutTopicPermission: put("topic_permission", view.topic_permission),
    c.DeleteTopicPermission: deleted("topic_permission"),
    c.DeclareExchange: put("exchange", view.exchange),
    c.DeleteExchange: deleted("exchange"),
    c.DeclareQueue: put("queue", queue),
    c.DeleteQueue: deleted("queue"),
    c.Bind: put("binding", view.binding),
    c.Unbind: lambda command, _: ("binding.deleted", view.binding(command.binding)),
    c.SetParameter: global_parameter,
    c.SetVhostParameter: parameter,
    ConnectionOpened: lambda opened, _: ("connection.created", asdict(opened)),
    ConnectionClosed: lambda closed, _: ("connection.closed", asdict(closed)),
    AlarmsChanged: lambda changed, _: ("alarms.changed", {"resources": list(changed.resources)}),
}
