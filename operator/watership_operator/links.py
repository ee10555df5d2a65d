"""Admin clients, one per broker, kept while their credentials stay the same."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from watership.admin.api import Verb
from watership.admin.client import Client

from .cache import Key
from .kinds import Resource
from .kinds.resource import CONNECTION_URI
from .metrics import Metrics


def decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """A Secret's data as text; what is no text is left out."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value).decode()
        except UnicodeDecodeError:
            continue
    return found


@dataclass(frozen=True)
class Address:
    url: str
    username: str
    password: str
    ca: str = ""


def address_of_cluster(cluster: Resource, data: Mapping[str, str], ca: str) -> Address:
    """data: of the default-user Secret. watership.dev/operator-connection-uri is for operators outside."""
    tls = cluster.spec.tls
    only_tls = tls is not msgspec.UNSET and tls.disable_non_tls_listeners
    host = f"{cluster.name}.{cluster.namespace}.svc"
    listeners = cluster.spec.listeners
    url = f"https://{host}:{listeners.management_tls}" if only_tls else f"http://{host}:{listeners.management}"
    return Address(cluster.annotations.get(CONNECTION_URI, url), data["username"], data["password"], ca)


def address_of_secret(data: Mapping[str, str]) -> Address:
    uri = data["uri"]
    return Address(uri if "://" in uri else f"http://{uri}", data["username"], data["password"], data.get("ca.crt", ""))


class MeasuredClient(Client):
    """Each request's time and error go into the metrics."""

    def __init__(self, metrics: Metrics, address: Address) -> None:
        super().__init__(address.url, address.username, address.password, ca=address.ca.encode() or None)
        self.metrics = metrics

    async def perform(self, verb: Verb, arguments: tuple[Any, ...], options: dict[str, bool]) -> Any:
        with self.metrics.broker_call(verb.name):
            return await super().perform(verb, arguments, options)


class Links:
    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.clients: dict[Key, tuple[Address, Client]] = {}

    async def client(self, key: Key, address: Address) -> Client:
        """The kept one, or a new one when the address or the credentials are others."""
        known = self.clients.get(key)
        if known is not None and known[0] == address:
            return known[1]
        await self.drop(key)
        client = MeasuredClient(self.metrics, address)
        self.clients[key] = (address, client)
        return client

    async def drop(self, key: Key) -> None:
        known = self.clients.pop(key, None)
        if known is not None:
            await known[1].close()

    async def close(self) -> None:
        for key in list(self.clients):
            await self.drop(key)
