"""The custom resources: one module per kind is the single source of its schema, defaults, rules and texts.

resource   what every kind has in common, and reading an object into its typed form
schema     a struct's structural schema
crd        the CustomResourceDefinition of a kind
awaited    kinds of RabbitMQ's that are not here yet: every object of them is refused
"""

from collections.abc import Mapping
from typing import Any

from .binding import BindingSpec
from .broker_cluster import BrokerClusterSpec
from .exchange import ExchangeSpec
from .operator_policy import OperatorPolicySpec
from .permission import PermissionSpec
from .policy import PolicySpec
from .queue import QueueSpec
from .resource import GROUP, VERSION, ClusterReference, InvalidResource, Kind, Resource, Spec, read
from .topic_permission import TopicPermissionSpec
from .user import UserSpec
from .vhost import VhostSpec

SPECS: dict[str, type[Spec]] = {
    spec.kind.name: spec
    for spec in (
        BrokerClusterSpec,
        ExchangeSpec,
        QueueSpec,
        BindingSpec,
        UserSpec,
        VhostSpec,
        PermissionSpec,
        TopicPermissionSpec,
        PolicySpec,
        OperatorPolicySpec,
    )
}
TOPOLOGY = (  # in the order in which they are declared
    "Vhost",
    "User",
    "Permission",
    "TopicPermission",
    "OperatorPolicy",
    "Policy",
    "Exchange",
    "Queue",
    "Binding",
)

__all__ = [
    "GROUP",
    "SPECS",
    "TOPOLOGY",
    "VERSION",
    "BindingSpec",
    "BrokerClusterSpec",
    "ClusterReference",
    "ExchangeSpec",
    "InvalidResource",
    "Kind",
    "OperatorPolicySpec",
    "PermissionSpec",
    "PolicySpec",
    "QueueSpec",
    "Resource",
    "Spec",
    "TopicPermissionSpec",
    "UserSpec",
    "VhostSpec",
    "parse",
]


def parse(manifest: Mapping[str, Any]) -> Resource:
    """An object of one of our kinds, typed. Raises InvalidResource."""
    kind = str(manifest.get("kind", ""))
    if manifest.get("apiVersion") != f"{GROUP}/{VERSION}" or kind not in SPECS:
        raise InvalidResource(
            f"{manifest.get('apiVersion', 'an object without apiVersion')} {kind} is none of ours: "
            f"expected {GROUP}/{VERSION} and one of {', '.join(SPECS)}"
        )
    return read(kind, SPECS[kind], manifest)
