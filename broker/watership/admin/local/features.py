"""Feature flags and deprecated features, as RabbitMQ's clients and operators ask for them."""

from __future__ import annotations

from watership.admin.api import Json

from .base import Verbs, bad

# What RabbitMQ 4.2 requires or has on by default: name and description.
FLAGS = {
    "classic_mirrored_queue_version": "Support setting version for classic mirrored queues",
    "classic_queue_type_delivery_support": "Bug fix for classic queue deliveries using mixed versions",
    "detailed_queues_endpoint": "Add a detailed queues HTTP API endpoint",
    "direct_exchange_routing_v2": "v2 direct exchange routing implementation",
    "drop_unroutable_metric": "Count unroutable publishes to be dropped in stats",
    "empty_basic_get_metric": "Count AMQP `basic.get` on empty queues in stats",
    "feature_flags_v2": "Feature flags subsystem V2",
    "implicit_default_bindings": "Default bindings are now implicit, instead of being stored in the database",
    "listener_records_in_ets": "Store listener records in ETS instead of Mnesia",
    "maintenance_mode_status": "Maintenance mode status",
    "message_containers": "Message containers",
    "quorum_queue": "Support queues of type `quorum`",
    "restart_streams": "Support for restarting streams with optional preferred next leader argument",
    "stream_queue": "Support queues of type `stream`",
    "tracking_records_in_ets": "Store tracking records in ETS instead of Mnesia",
    "user_limits": "Configure connection and channel limits for a user",
    "virtual_host_metadata": "Virtual host metadata (description, tags, etc)",
}
DEPRECATED = {
    "global_qos": "Global QoS is not relevant in the context of modern messaging",
    "transient_nonexcl_queues": "Transient queues that are not exclusive",
}
DOCUMENTATION = "https://www.rabbitmq.com/docs/feature-flags"


class FeatureVerbs(Verbs):
    async def list_feature_flags(self) -> list[Json]:
        about = {"doc_url": DOCUMENTATION, "stability": "required", "provided_by": "rabbit", "state": "enabled"}
        more = {"require_level": "hard", "experiment_level": "supported", "callbacks": []}
        return [{"name": name, "desc": text, **about, **more} for name, text in FLAGS.items()]

    async def enable_feature_flag(self, flag: str, _body: Json) -> bool:
        """Never gives True: every flag was enabled before."""
        if flag not in FLAGS and flag != "all":
            raise bad("unsupported")
        return False

    async def list_deprecated_features(self) -> list[Json]:
        states = {name: "permitted" if self.broker.config.permits(name) else "denied" for name in DEPRECATED}
        return [{**self.deprecated(name), "state": state} for name, state in states.items()]

    async def list_used_deprecated_features(self) -> list[Json]:
        queues = (q.declared for v in self.broker.vhosts.values() for q in v.live.values())
        used = any(not q.durable and not q.exclusive for q in queues)
        return [self.deprecated("transient_nonexcl_queues")] if used else []

    def deprecated(self, name: str) -> Json:
        about = {"deprecation_phase": "permitted_by_default", "doc_url": "", "provided_by": "rabbit"}
        return {"name": name, "desc": DEPRECATED[name], **about}
