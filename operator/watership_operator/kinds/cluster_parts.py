"""The parts of a BrokerCluster's specification, one struct per field that has fields of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .resource import NonEmpty, Spec

Free = {"x-preserve": True}
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"
ShortText = Annotated[str, Meta(max_length=253)]
Seconds = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Quantity = Annotated[str, Meta(pattern=QUANTITY_PATTERN, max_length=32)]
FreeObject = Annotated[dict[str, Any], Meta(extra_json_schema=Free)]
Retention = Literal["Retain", "Delete"]


class LocalReference(Spec, frozen=True, kw_only=True):
    """An object in the BrokerCluster's namespace."""

    name: Annotated[NonEmpty, Meta(description="Its name.")]


class EmptyDir(Spec, frozen=True, kw_only=True):
    """A volume that lives as long as its pod."""

    medium: Annotated[Literal["", "Memory"], Meta(description="Memory: a tmpfs, counted as the pod's memory.")] = ""
    size_limit: Annotated[Quantity | UnsetType, Meta(description="The most it may hold.")] = UNSET


class RetentionPolicy(Spec, frozen=True, kw_only=True):
    """What becomes of volume claims."""

    when_deleted: Annotated[Retention, Meta(description="When the BrokerCluster is deleted.")] = "Retain"
    when_scaled: Annotated[Retention, Meta(description="When nodes are taken away; hibernation always keeps them.")] = (
        "Retain"
    )


class Persistence(Spec, frozen=True, kw_only=True):
    """The volume of each node."""

    storage: Annotated[
        Quantity,
        Meta(
            description="Size of the volume. It can grow where the StorageClass allows it, without a restart, and "
            'never shrink. "0": no volume but an emptyDir, whose messages end with the pod.',
        ),
    ] = "10Gi"
    storage_class_name: Annotated[
        ShortText | UnsetType, Meta(description="The StorageClass; by default the Kubernetes cluster's default one.")
    ] = UNSET
    empty_dir: Annotated[EmptyDir | UnsetType, Meta(description='The emptyDir where storage is "0".')] = UNSET
    retention: Annotated[RetentionPolicy, Meta(description="What becomes of the volume claims.")] = RetentionPolicy()


class Service(Spec, frozen=True, kw_only=True):
    """The Service that clients use."""

    type: Annotated[
        Literal["ClusterIP", "NodePort", "LoadBalancer"], Meta(description="Type of the client Service.")
    ] = "ClusterIP"
    annotations: Annotated[dict[str, str], Meta(description="Annotations of the client Service.")] = {}
    labels: Annotated[dict[str, str], Meta(description="Labels of the client Service besides the operator's.")] = {}
    ip_family_policy: Annotated[
        Literal["SingleStack", "PreferDualStack", "RequireDualStack"] | UnsetType,
        Meta(description="Of both Services; by default what Kubernetes chooses."),
    ] = UNSET
    ip_families: Annotated[
        list[Literal["IPv4", "IPv6"]], Meta(description="Address families of both Services, the first preferred.")
    ] = []


Port = Annotated[int, Meta(ge=1024, le=65535)]


class Listeners(Spec, frozen=True, kw_only=True):
    """The ports on which the broker listens; Service, credentials, network policy and monitors follow."""

    amqp: Annotated[Port, Meta(description="AMQP.")] = 5672
    amqps: Annotated[Port, Meta(description="AMQP over TLS, where spec.tls is given.")] = 5671
    management: Annotated[Port, Meta(description="The management API and UI.")] = 15672
    management_tls: Annotated[
        Port, Meta(description="The same over TLS, where spec.tls is given.", extra_json_schema={"title": "TLS"})
    ] = msgspec.field(default=15671, name="managementTLS")
    prometheus: Annotated[Port, Meta(description="Metrics and probes.")] = 15692


class Source(Spec, frozen=True, kw_only=True):
    """One key of a ConfigMap or of a Secret, exactly one of the two."""

    config_map: Annotated[NonEmpty | UnsetType, Meta(description="Name of a ConfigMap.")] = UNSET
    secret: Annotated[NonEmpty | UnsetType, Meta(description="Name of a Secret.")] = UNSET
    key: Annotated[str, Meta(description="The key to read.", min_length=1)]

    @property
    def kind(self) -> str:
        return "Secret" if self.config_map is UNSET else "ConfigMap"

    @property
    def name(self) -> str:
        return str(self.secret if self.config_map is UNSET else self.config_map)


class DefaultUser(Spec, frozen=True, kw_only=True):
    """The administrator that the broker is given."""

    secret_name: Annotated[
        str,
        Meta(
            description="A Secret with username and password. A change of it is applied to the running broker.",
            min_length=1,
        ),
    ]


class Tls(Spec, frozen=True, kw_only=True):
    """AMQPS and the management API over TLS. `tls: {}` is enough: the operator is its own authority then."""

    secret_name: Annotated[
        NonEmpty | UnsetType,
        Meta(
            description="A Secret of type kubernetes.io/tls with tls.crt and tls.key. A renewed certificate is served "
            "without a restart. Without it the operator issues one, from an authority of this cluster: Secret "
            "NAME-ca has its ca.crt for clients, NAME-tls the certificate."
        ),
    ] = UNSET
    ca_secret_name: Annotated[
        NonEmpty | UnsetType,
        Meta(description="A Secret with ca.crt: clients must then show a certificate of this authority."),
    ] = UNSET
    disable_non_tls_listeners: Annotated[
        bool, Meta(description="Listen with TLS only.", extra_json_schema={"title": "disableNonTLSListeners"})
    ] = msgspec.field(default=False, name="disableNonTLSListeners")
    alternative_names: Annotated[
        list[ShortText], Meta(description="Further DNS names for the operator's own certificate.", max_length=100)
    ] = []
    validity_days: Annotated[
        int, Meta(description="Days for which the operator's own certificates are valid.", ge=1, le=3650)
    ] = 90
    renew_before_days: Annotated[
        int, Meta(description="Days before the end at which the operator renews its own certificate.", ge=1, le=3650)
    ] = 30

    trust_hours: Annotated[
        int,
        Meta(
            description="Hours for which clients are given a new authority to trust before it is used. The annotation "
            "watership.dev/rotate-authority, with another text than before, begins such a change.",
            ge=0,
        ),
    ] = 24

    @property
    def own(self) -> bool:
        """Whether the operator issues the certificate."""
        return self.secret_name is UNSET


class Monitoring(Spec, frozen=True, kw_only=True):
    """Objects of the Prometheus operator and Grafana's sidecar; left out where their API is not installed."""

    pod_monitor: Annotated[bool, Meta(description="A PodMonitor for the metrics port.")] = True
    prometheus_rule: Annotated[bool, Meta(description="A PrometheusRule with alerts about this broker.")] = False
    grafana_dashboard: Annotated[
        bool, Meta(description="A ConfigMap with a dashboard, labelled grafana_dashboard for Grafana's sidecar.")
    ] = False
    labels: Annotated[dict[str, str], Meta(description="Labels of these objects, by which yours are selected.")] = {}


class NetworkPolicy(Spec, frozen=True, kw_only=True):
    """Who may reach the broker's ports. The nodes of the cluster always reach each other."""

    enabled: Annotated[bool, Meta(description="Whether there is a NetworkPolicy.")] = True
    clients: Annotated[
        list[FreeObject],
        Meta(
            description="Who may reach the client ports, as in a NetworkPolicy's `from`; by default everybody. "
            "The operator has to be among them."
        ),
    ] = []


class DisruptionBudget(Spec, frozen=True, kw_only=True):
    """How many nodes Kubernetes may take down at once."""

    enabled: Annotated[bool, Meta(description="Whether there is a PodDisruptionBudget.")] = True
    max_unavailable: Annotated[int, Meta(description="Nodes that may be down at once; 0: none.", ge=0)] = 1


class PodMetadata(Spec, frozen=True, kw_only=True):
    """Labels and annotations of pods. A change of them restarts the pods."""

    labels: Annotated[dict[str, str], Meta(description="Labels besides the operator's.")] = {}
    annotations: Annotated[dict[str, str], Meta(description="Annotations besides the operator's.")] = {}


class Probe(Spec, frozen=True, kw_only=True):
    """How a probe is timed. What it asks is the operator's."""

    initial_delay_seconds: Annotated[Seconds | UnsetType, Meta(description="Before the first one.")] = UNSET
    period_seconds: Annotated[Positive | UnsetType, Meta(description="Between two.")] = UNSET
    timeout_seconds: Annotated[Positive | UnsetType, Meta(description="For an answer.")] = UNSET
    failure_threshold: Annotated[Positive | UnsetType, Meta(description="Failures in a row that count.")] = UNSET


class Probes(Spec, frozen=True, kw_only=True):
    """Timing of the three probes."""

    startup: Annotated[Probe, Meta(description="Until the log is replayed: /livez.")] = Probe()
    readiness: Annotated[Probe, Meta(description="Whether the pod gets clients: /readyz.")] = Probe()
    liveness: Annotated[Probe, Meta(description="Whether the pod is restarted: /livez.")] = Probe()


class Override(Spec, frozen=True, kw_only=True):
    """Laid over what the operator makes: maps merge, lists of named things (containers, volumes, env, ports) merge by
    name, other lists replace. Host namespaces, privileges and what ties objects together are refused."""

    stateful_set: Annotated[FreeObject, Meta(description="metadata and spec laid over the StatefulSet.")] = {}
    service: Annotated[FreeObject, Meta(description="metadata and spec laid over the client Service.")] = {}


class ServerOptions(Spec, frozen=True, kw_only=True):
    """The block `rabbitmq` of a RabbitmqCluster, so that such manifests can be applied with another apiVersion."""

    additional_config: Annotated[
        str, Meta(description="The same as spec.configuration, and comes before it.", max_length=100000)
    ] = ""
    additional_plugins: Annotated[
        list[Annotated[str, Meta(max_length=100)]],
        Meta(description="Names of what is always there are accepted, others refused.", max_length=100),
    ] = []
    advanced_config: Annotated[str, Meta(description="Not taken: Erlang terms.")] = ""
    env_config: Annotated[str, Meta(description="Not taken: the environment of an Erlang node.")] = ""
    erlang_inet_config: Annotated[str, Meta(description="Not taken: the resolver of an Erlang node.")] = ""


class ExternalSecret(Spec, frozen=True, kw_only=True):
    name: Annotated[NonEmpty, Meta(description="The same as spec.defaultUser.secretName.")]


class SecretBackend(Spec, frozen=True, kw_only=True):
    """The block `secretBackend` of a RabbitmqCluster."""

    external_secret: Annotated[
        ExternalSecret | UnsetType, Meta(description="A Secret with username and password of the default user.")
    ] = UNSET
    vault: Annotated[FreeObject | UnsetType, Meta(description="Not taken; see the rule.")] = UNSET


class LabelRequirement(Spec, frozen=True, kw_only=True):
    """One of a selector's matchExpressions."""

    key: Annotated[NonEmpty, Meta(description="The label.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"], Meta(description="How the label stands to the values.")
    ]
    values: Annotated[list[str], Meta(description="Values for In and NotIn.")] = []

    def holds(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes reads it: NotIn holds as well where there is no such label."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
        return value is None


class TopologyNamespaces(Spec, frozen=True, kw_only=True):
    """Other namespaces whose objects this broker takes: those in names, and those whose labels match."""

    names: Annotated[list[str], Meta(description='Names of namespaces; "*" is every one.')] = []
    match_labels: Annotated[
        dict[str, str],
        Meta(description="Labels of namespaces, all of which they have. No selector: no namespace by its labels."),
    ] = {}
    match_expressions: Annotated[
        list[LabelRequirement], Meta(description="Further requirements on the labels, all of which hold.")
    ] = []

    @property
    def selects(self) -> bool:
        """Whether labels decide anything."""
        return bool(self.match_labels or self.match_expressions)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """labels: of a namespace."""
        same = all(labels.get(k) == v for k, v in self.match_labels.items())
        return self.selects and same and all(e.holds(labels) for e in self.match_expressions)
