"""BrokerCluster: a broker on Kubernetes, with everything around it."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .cluster_parts import (
    DefaultUser,
    DisruptionBudget,
    Free,
    FreeObject,
    Listeners,
    LocalReference,
    Monitoring,
    NetworkPolicy,
    Override,
    Persistence,
    PodMetadata,
    Probes,
    SecretBackend,
    ServerOptions,
    Service,
    Source,
    Tls,
    TopologyNamespaces,
)
from .resource import AGE, MESSAGE, READY, Column, Kind, NonEmpty, Rule, Spec

BUILT_IN = ("rabbitmq_management", "rabbitmq_management_agent", "rabbitmq_prometheus", "rabbitmq_peer_discovery_k8s")
EXCHANGE_PLUGINS = ("rabbitmq_consistent_hash_exchange", "rabbitmq_random_exchange", "rabbitmq_recent_history_exchange")
ACCEPTED_PLUGINS = (*BUILT_IN, *EXCHANGE_PLUGINS, "rabbitmq_delayed_message_exchange", "rabbitmq_top")
ZERO = re.compile(r"[0.]+[A-Za-z]*")
STORAGE = "self.persistence.storage"
RULES = (
    Rule(
        f"quantity({STORAGE}).compareTo(quantity(oldSelf.persistence.storage)) >= 0",
        "spec.persistence.storage cannot shrink: volumes only grow. Keep the size, or make another BrokerCluster and "
        "move to it",
    ),
    Rule(
        f"(quantity({STORAGE}).compareTo(quantity('0')) == 0)"
        " == (quantity(oldSelf.persistence.storage).compareTo(quantity('0')) == 0)",
        "spec.persistence.storage cannot change between 0 (an emptyDir) and a volume; make another BrokerCluster",
    ),
    Rule(
        "has(self.persistence.storageClassName) == has(oldSelf.persistence.storageClassName) && "
        "(!has(self.persistence.storageClassName) || "
        "self.persistence.storageClassName == oldSelf.persistence.storageClassName)",
        "spec.persistence.storageClassName cannot be changed: a volume stays in its class",
    ),
    Rule(
        "!has(self.tls) || !has(self.tls.validityDays) || self.tls.renewBeforeDays < self.tls.validityDays",
        "spec.tls.renewBeforeDays must be less than spec.tls.validityDays",
    ),
    Rule(
        "!has(self.tls) || !has(self.tls.secretName) || !has(self.tls.alternativeNames) || "
        "size(self.tls.alternativeNames) == 0",
        "spec.tls.alternativeNames are for the operator's own certificate; leave them or spec.tls.secretName out",
    ),
    Rule(
        "!has(self.listeners) || [self.listeners.amqp, self.listeners.amqps, self.listeners.management, "
        "self.listeners.managementTLS, self.listeners.prometheus, 25672]"
        ".all(p, [self.listeners.amqp, self.listeners.amqps, self.listeners.management, "
        "self.listeners.managementTLS, self.listeners.prometheus, 25672].exists_one(q, q == p))",
        "spec.listeners: each port is used once, and 25672 is for the nodes among themselves",
    ),
    Rule(
        "!has(self.configurationFrom) || self.configurationFrom.all(s, has(s.configMap) != has(s.secret))",
        "each of spec.configurationFrom names either a configMap or a secret",
    ),
    Rule(
        "!has(self.definitions) || has(self.definitions.configMap) != has(self.definitions.secret)",
        "spec.definitions names either a configMap or a secret",
    ),
    Rule(
        "!has(self.rabbitmq) || !has(self.rabbitmq.advancedConfig) || self.rabbitmq.advancedConfig == ''",
        "spec.rabbitmq.advancedConfig holds Erlang terms, which this broker does not read; write what has a key in "
        "rabbitmq.conf into spec.configuration",
    ),
    Rule(
        "!has(self.rabbitmq) || ((!has(self.rabbitmq.envConfig) || self.rabbitmq.envConfig == '') && "
        "(!has(self.rabbitmq.erlangInetConfig) || self.rabbitmq.erlangInetConfig == ''))",
        "spec.rabbitmq.envConfig and erlangInetConfig set up an Erlang node, which this is not; leave them out, and "
        "choose address families in spec.service.ipFamilies",
    ),
    Rule(
        "!has(self.rabbitmq) || !has(self.rabbitmq.additionalPlugins) || "
        f"self.rabbitmq.additionalPlugins.all(p, p in {list(ACCEPTED_PLUGINS)})",
        "spec.rabbitmq.additionalPlugins: this broker has no plugins to load; management, Prometheus and the exchange "
        "types are always there, and no other protocol or extension is. Leave the others out",
    ),
    Rule(
        "!has(self.rabbitmq) || !has(self.rabbitmq.additionalConfig) || "
        "!self.rabbitmq.additionalConfig.matches("
        "'(^|\\n)[ \\t]*definitions\\\\.((https|tls)\\\\.|import_backend[ \\t]*=[ \\t]*https)')",
        "spec.rabbitmq.additionalConfig: definitions are not fetched from a URL; put them into a ConfigMap or Secret, "
        "and name it in spec.definitions",
    ),
    Rule(
        "!has(self.secretBackend) || !has(self.secretBackend.vault)",
        "spec.secretBackend.vault is not taken; let an agent or External Secrets write a Secret, and name it in "
        "spec.defaultUser.secretName or spec.tls.secretName",
    ),
    Rule(
        "!has(self.defaultUser) || !has(self.secretBackend)",
        "spec.secretBackend.externalSecret and spec.defaultUser say the same; leave one out",
    ),
)
COMPATIBLE = "Accepted, because manifests of RabbitmqClusters carry it; has no effect here."


class BrokerClusterSpec(Spec, frozen=True, kw_only=True):
    kind: ClassVar[Kind] = Kind(
        name="BrokerCluster",
        plural="brokerclusters",
        short=("bc", "broker"),
        description="A broker: StatefulSet, Services, configuration and default user. "
        "Its volume claim is kept when it is deleted, unless spec.persistence.retention says otherwise.",
        columns=(
            Column("Replicas", ".spec.replicas", "integer"),
            READY,
            Column("Available", '.status.conditions[?(@.type=="ClusterAvailable")].status', priority=1),
            Column("Certificate", ".status.tls.notAfter", "date", priority=1),
            MESSAGE,
            AGE,
        ),
        rules=RULES,
        bare={"persistence": {"storage": Persistence().storage}},
        scale={"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    )

    image: Annotated[NonEmpty | UnsetType, Meta(description="Image of the broker; by default the operator's own.")] = (
        UNSET
    )
    image_pull_secrets: Annotated[list[LocalReference], Meta(description="Secrets for pulling the image.")] = []
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
    affinity: Annotated[FreeObject, Meta(description="Affinity of the pods, as in a Pod.")] = {}
    node_selector: Annotated[dict[str, str], Meta(description="Labels of the machines that pods may run on.")] = {}
    tolerations: Annotated[list[FreeObject], Meta(description="Tolerations of the pods, as in a Pod.")] = []
    topology_spread_constraints: Annotated[
        list[FreeObject],
        Meta(description="As in a Pod; by default nodes are spread over zones and machines where there are several."),
    ] = []
    priority_class_name: Annotated[str, Meta(description="PriorityClass of the pods.")] = ""
    pod_metadata: Annotated[PodMetadata, Meta(description="Labels and annotations of the pods.")] = PodMetadata()
    service: Annotated[Service, Meta(description="The Service that clients use.")] = Service()
    listeners: Annotated[Listeners, Meta(description="The ports on which the broker listens.")] = Listeners()
    configuration: Annotated[
        str,
        Meta(
            description="Lines of rabbitmq.conf. They come after the operator's own and win over them. Keys that a "
            "running broker can take are applied without a restart; others restart one pod at a time."
        ),
    ] = ""
    configuration_from: Annotated[
        list[Source],
        Meta(
            description="Files of rabbitmq.conf lines in ConfigMaps and Secrets, read before spec.configuration.",
            max_length=50,
        ),
    ] = []
    definitions: Annotated[
        Source | UnsetType, Meta(description="A definitions.json that the broker imports at each start.")
    ] = UNSET
    default_user: Annotated[
        DefaultUser | UnsetType,
        Meta(description="The administrator; by default one with a random password, in the Secret NAME-default-user."),
    ] = UNSET
    tls: Annotated[Tls | UnsetType, Meta(description="Certificates. Without it nothing is encrypted.")] = UNSET
    monitoring: Annotated[Monitoring, Meta(description="Objects for Prometheus and Grafana.")] = Monitoring()
    network_policy: Annotated[NetworkPolicy, Meta(description="Who may reach the broker.")] = NetworkPolicy()
    disruption_budget: Annotated[DisruptionBudget, Meta(description="How many nodes may be down at once.")] = (
        DisruptionBudget()
    )
    topology_namespaces: Annotated[
        TopologyNamespaces,
        Meta(
            description="Other namespaces whose exchanges, queues, users and the like this broker takes. "
            "By default only those of its own namespace."
        ),
    ] = TopologyNamespaces()
    termination_grace_period_seconds: Annotated[int, Meta(description="Seconds that a pod is given to end.", ge=0)] = 60
    probes: Annotated[Probes, Meta(description="Timing of the probes.")] = Probes()
    override: Annotated[Override, Meta(description="Laid over what the operator makes.")] = Override()
    rabbitmq: Annotated[ServerOptions, Meta(description="As in a RabbitmqCluster.")] = ServerOptions()
    secret_backend: Annotated[SecretBackend | UnsetType, Meta(description="As in a RabbitmqCluster.")] = UNSET
    skip_post_deploy_steps: Annotated[bool, Meta(description=COMPATIBLE)] = False
    auto_enable_all_feature_flags: Annotated[bool, Meta(description=COMPATIBLE)] = False
    delay_start_seconds: Annotated[int, Meta(description=COMPATIBLE, ge=0)] = 0

    @property
    def default_user_secret(self) -> str:
        """The existing Secret of the default user; "": the operator makes one."""
        if self.default_user is not UNSET:
            return self.default_user.secret_name
        if self.secret_backend is not UNSET and self.secret_backend.external_secret is not UNSET:
            return self.secret_backend.external_secret.name
        return ""

    @property
    def lines(self) -> str:
        """The user's own lines of rabbitmq.conf."""
        parts = (self.rabbitmq.additional_config, self.configuration)
        return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts if part)

    @property
    def persistent(self) -> bool:
        """Whether a node has a volume."""
        return ZERO.fullmatch(self.persistence.storage) is None
