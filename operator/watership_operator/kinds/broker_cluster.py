"""BrokerCluster: a broker on Kubernetes, with everything around it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from .resource import AGE, MESSAGE, READY, Column, Kind, NonEmpty, Rule, Spec

Free = {"x-preserve": True}


class Persistence(Spec, frozen=True, kw_only=True):
    """The volume of each node."""

    storage: Annotated[
        str,
        Meta(description="Size of the volume.", pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"),
    ] = "10Gi"
    storage_class_name: Annotated[
        str | msgspec.UnsetType, Meta(description="The StorageClass; by default the cluster's default one.")
    ] = msgspec.UNSET


class Service(Spec, frozen=True, kw_only=True):
    """The Service that clients use."""

    type: Annotated[
        Literal["ClusterIP", "NodePort", "LoadBalancer"], Meta(description="Type of the client Service.")
    ] = "ClusterIP"
    annotations: Annotated[dict[str, str], Meta(description="Annotations of the client Service.")] = {}


class Tls(Spec, frozen=True, kw_only=True):
    """AMQPS on 5671 and the management API on 15671."""

    secret_name: Annotated[
        str, Meta(description="A Secret of type kubernetes.io/tls with tls.crt and tls.key.", min_length=1)
    ]
    ca_secret_name: Annotated[
        str | msgspec.UnsetType,
        Meta(description="A Secret with ca.crt: clients must then show a certificate of this authority."),
    ] = msgspec.UNSET
    disable_non_tls_listeners: Annotated[
        bool, Meta(description="Listen on 5671 and 15671 only.", extra_json_schema={"title": "disableNonTLSListeners"})
    ] = msgspec.field(default=False, name="disableNonTLSListeners")


class TopologyNamespaces(Spec, frozen=True, kw_only=True):
    """Other namespaces whose objects this broker takes: those in names, and those that have all the labels."""

    names: Annotated[list[str], Meta(description='Names of namespaces; "*" is every one.')] = []
    match_labels: Annotated[
        dict[str, str], Meta(description="Labels of namespaces; none given: no namespace by its labels.")
    ] = {}


class BrokerClusterSpec(Spec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="BrokerCluster",
        plural="brokerclusters",
        short=("bc", "broker"),
        description="A broker: StatefulSet, Services, configuration and default user. "
        "Its volume claim is kept when it is deleted.",
        columns=(
            Column("Replicas", ".spec.replicas", "integer"),
            READY,
            Column("Available", '.status.conditions[?(@.type=="ClusterAvailable")].status', priority=1),
            MESSAGE,
            AGE,
        ),
        rules=(
            Rule(
                "self.persistence == oldSelf.persistence",
                "spec.persistence cannot be changed in this version; make another BrokerCluster and move to it",
            ),
        ),
        scale={"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    )

    image: Annotated[
        NonEmpty | msgspec.UnsetType, Meta(description="Image of the broker; by default the operator's own.")
    ] = msgspec.UNSET
    replicas: Annotated[
        int,
        Meta(description="Nodes: 1, or 0 to hibernate. More are refused until nodes can join into one cluster.", ge=0),
    ] = 1
    persistence: Annotated[Persistence, Meta(description="The volume of each node.")] = Persistence()
    resources: Annotated[
        dict[str, Any],
        Meta(description="requests and limits of the broker's container, as in a Pod.", extra_json_schema=Free),
    ] = msgspec.field(
        default_factory=lambda: {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    )
    service: Annotated[Service, Meta(description="The Service that clients use.")] = Service()
    configuration: Annotated[
        str, Meta(description="Lines of rabbitmq.conf. They come after the operator's own and win over them.")
    ] = ""
    tls: Annotated[Tls | msgspec.UnsetType, Meta(description="Certificates. Without it nothing is encrypted.")] = (
        msgspec.UNSET
    )
    topology_namespaces: Annotated[
        TopologyNamespaces,
        Meta(
            description="Other namespaces whose exchanges, queues, users and the like this broker takes. "
            "By default only those of its own namespace."
        ),
    ] = TopologyNamespaces()
