"""Health checks: {"status": "ok"}, or AdminError 503 with what is wrong."""

from __future__ import annotations

import time

from watership.admin import health
from watership.admin.api import AdminError, Json

from .base import Verbs, bad, missing

OK: Json = {"status": "ok"}


def failed(reason: str, **fields: object) -> AdminError:
    return AdminError(503, "failed", reason, **fields)


class HealthVerbs(Verbs):
    async def check_alarms(self) -> Json:
        return self.alarms("in the cluster")

    async def check_local_alarms(self) -> Json:
        return self.alarms("on the node")

    def alarms(self, where: str) -> Json:
        names = {"memory": "memory", "disk": "disk space"}
        if on := [{"node": self.node, "resource": names[name]} for name in sorted(self.broker.alarms.on)]:
            raise failed(f"There are alarms in effect {where}", alarms=on)
        return OK

    async def check_virtual_hosts(self) -> Json:
        if self.broker.failed.done():
            raise failed(self.serving() or "", **{"virtual-hosts": list(self.broker.vhosts)})
        return OK

    def serving(self) -> str | None:
        """What keeps this node from serving clients."""
        return health.broken(self.broker)

    async def check_is_in_service(self) -> Json:
        if reason := self.serving():
            raise failed(reason)
        return OK

    async def check_ready(self) -> Json:
        await self.check_is_in_service()
        if not any(protocol.startswith("amqp") for protocol, _ in self.broker.listening):
            raise failed("no AMQP listener is active")
        return self.below_limit(connections=len(self.broker.clients))

    async def check_connection_limit(self) -> Json:
        return self.below_limit()

    def below_limit(self, **fields: object) -> Json:
        limit = self.broker.config["connection_max"]
        if limit is not None and len(self.broker.clients) >= limit:
            raise failed("node connection limit is reached", **fields)
        return OK

    async def check_cluster_size(self) -> Json:
        """One node is what there can be while nodes do not join."""
        if (target := self.broker.config["cluster_formation.target_cluster_size_hint"]) > 1:
            raise failed(f"1 node of {target} is there", cluster_size=1, target_cluster_size=target)
        return OK

    async def check_quorum_critical(self) -> Json:
        return {**OK, "reason": "single node cluster"}

    async def check_metadata(self) -> Json:
        """The metadata was recovered before anything listened."""
        return OK

    async def check_metadata_data(self) -> Json:
        if not self.broker.metadata.users or not self.broker.metadata.vhosts:
            raise failed("the metadata store holds no user or no virtual host")
        return OK

    # Quorum queues: one node is the leader of each that runs

    async def check_leaders(self) -> Json:
        return await self.check_virtual_hosts()

    async def check_matching_leaders(self, pattern: str) -> Json:
        return await self.check_virtual_hosts()

    async def check_vhost_leaders(self, vhost: str) -> Json:
        """A vhost that is missing has no queue without a leader."""
        if vhost in self.broker.vhosts:
            self.vhost(vhost)
        return await self.check_virtual_hosts()

    async def check_vhost_matching_leaders(self, vhost: str, pattern: str) -> Json:
        return await self.check_vhost_leaders(vhost)

    # Older ways to ask

    async def check_aliveness(self, vhost: str) -> Json:
        self.vhost(vhost)
        return await self.check_is_in_service()

    async def check_node(self) -> Json:
        return await self.check_is_in_service()

    async def check_named_node(self, node: str) -> Json:
        if node != self.node:
            raise missing()
        return await self.check_is_in_service()

    # Listeners and certificates

    async def check_port_listener(self, port: str) -> Json:
        if not port.isdecimal():
            raise bad("Invalid port")
        ports = sorted({address.port for _, address in self.broker.listening})
        if int(port) not in ports:
            raise failed("No active listener", missing=int(port), ports=ports)
        return {**OK, "port": int(port)}

    async def check_protocol_listener(self, protocol: str) -> Json:
        """protocol: one name or several with commas."""
        served = sorted({name for name, _ in self.broker.listening})
        absent = [name for name in protocol.split(",") if health.PROTOCOLS.get(name, name) not in served]
        if absent:
            raise failed("No active listener", missing=absent, protocols=served)
        return {**OK, "protocols": served}

    async def check_certificate_expiration(self, within: str, unit: str) -> Json:
        """Whether every certificate in use is valid for that long."""
        if not within.isdecimal():
            raise bad("Invalid expiration value.")
        if unit not in health.DAYS:
            raise bad("Time unit not recognised. Supported units: days, weeks, months, years.")
        ends = time.time() + int(within) * health.DAYS[unit] * 86400
        if expired := health.expiring(self.broker, before=ends):
            ends_on = ", ".join(
                f"{item['certfile']} expires on {item['certfile_expires_on'][0]} UTC" for item in expired
            )
            raise failed(f"Certificates expiring: {ends_on}", expired=expired)
        return OK
