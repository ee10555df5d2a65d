"""What all kinds share: names, the reference to a cluster, and the typed form in which plans see an object."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

GROUP = "watership.dev"
VERSION = "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # a copy of the whole object
FORCE_DELETE = f"{GROUP}/force-delete"
PAUSE = f"{GROUP}/pause-reconciliation"
ROTATE = f"{GROUP}/rotate-password"
ROTATE_AUTHORITY = f"{GROUP}/rotate-authority"  # another text: the cluster's own authority gets a new key
CONNECTION_URI = f"{GROUP}/operator-connection-uri"
ALLOWED_NAMESPACES = tuple(f"{g}/topology-allowed-namespaces" for g in (GROUP, "rabbitmq.com"))  # names, with commas


class InvalidResource(Exception):
    """A sentence about a field that is missing or wrong."""


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`. priority 1: only with -o wide."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Rule:
    """A CEL rule on the spec, and the sentence for who breaks it."""

    expression: str
    message: str


@dataclass(frozen=True)
class Kind:
    name: str
    plural: str
    short: tuple[str, ...]
    description: str
    columns: tuple[Column, ...] = ()
    rules: tuple[Rule, ...] = ()
    immutable: tuple[str, ...] = ()  # fields that cannot change once the object is there; dots lead inwards
    scale: Mapping[str, str] | None = None
    status: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # schemas of further status fields
    bare: Mapping[str, Any] | None = None  # the spec of an object without one, as far as rules look; None: it needs one

    @property
    def singular(self) -> str:
        return self.name.lower()


READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
MESSAGE = Column("Status", '.status.conditions[?(@.type=="Ready")].message', priority=1)
AGE = Column("Age", ".metadata.creationTimestamp", "date")


def unchangeable(field: str) -> str:
    """The sentence for who changes a field that cannot change once the object is there."""
    return f"spec.{field} cannot be changed; delete this object and make another one"


def reference(of: str) -> str:
    """CEL: the reference to a broker, under whichever of its two names."""
    return f"(has({of}.clusterReference) ? dyn({of}.clusterReference) : dyn({of}.rabbitmqClusterReference))"


class Spec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of every struct in a spec."""


NonEmpty = Annotated[str, Meta(min_length=1)]
ObjectName = Annotated[str, Meta(min_length=1, max_length=255)]


class SecretReference(Spec, frozen=True, kw_only=True):
    """A Secret in the namespace of the object that names it."""

    name: Annotated[str, Meta(description="Name of the Secret.", min_length=1)]


class ClusterReference(Spec, frozen=True, kw_only=True):
    """Which broker an object belongs to: a BrokerCluster, or any broker by a Secret."""

    name: Annotated[NonEmpty | msgspec.UnsetType, Meta(description="Name of a BrokerCluster.")] = msgspec.UNSET
    namespace: Annotated[
        str | msgspec.UnsetType,
        Meta(
            description="Namespace of the BrokerCluster or the Secret; by default the object's own. Another one lets "
            "objects in by spec.topologyNamespaces of the BrokerCluster, or by the annotation "
            "watership.dev/topology-allowed-namespaces of the Secret (names with commas between, or *)."
        ),
    ] = msgspec.UNSET
    connection_secret: Annotated[
        SecretReference | msgspec.UnsetType,
        Meta(description="Instead of name: a Secret with the keys uri (of the management API), username and password."),
    ] = msgspec.UNSET


EITHER = "spec.clusterReference names either a BrokerCluster (name) or a Secret (connectionSecret), exactly one of them"
ONE_REFERENCE = (
    "spec.clusterReference names the broker and has to be there; rabbitmqClusterReference, as RabbitMQ's kinds name "
    "it, is taken as well, but not both"
)
REFERENCE_RULES = (
    Rule("has(self.clusterReference) != has(self.rabbitmqClusterReference)", ONE_REFERENCE),
    *(
        Rule(f"!has(self.{f}) || has(self.{f}.name) != has(self.{f}.connectionSecret)", EITHER)
        for f in ("clusterReference", "rabbitmqClusterReference")
    ),
    Rule(f"{reference('self')} == {reference('oldSelf')}", unchangeable("clusterReference")),
)
DeletionPolicy = Annotated[
    Literal["Delete", "Retain", "delete", "retain"],
    Meta(
        description="Delete removes the object from the broker with this resource; Retain leaves it there. "
        "Small letters mean the same."
    ),
]
VhostName = Annotated[str, Meta(description="The virtual host.", min_length=1, max_length=255)]
Expression = Annotated[str, Meta(description="A regular expression over names; an empty one matches nothing.")]
Limit = Annotated[int, Meta(ge=-1)] | msgspec.UnsetType
Arguments = Annotated[
    dict[str, Any],
    Meta(description="Optional arguments (x-...), as clients give them.", extra_json_schema={"x-preserve": True}),
]


class TopologySpec(Spec, frozen=True, kw_only=True):
    """What objects inside a broker have in common."""

    cluster_reference: Annotated[
        ClusterReference | msgspec.UnsetType, Meta(description="The broker that this object belongs to.")
    ] = msgspec.UNSET
    rabbitmq_cluster_reference: Annotated[
        ClusterReference | msgspec.UnsetType,
        Meta(description="Instead of clusterReference: the same, as RabbitMQ's kinds name it."),
    ] = msgspec.UNSET
    deletion_policy: DeletionPolicy = "Delete"

    def __post_init__(self) -> None:
        if (self.cluster_reference is msgspec.UNSET) == (self.rabbitmq_cluster_reference is msgspec.UNSET):
            raise ValueError(ONE_REFERENCE)

    @property
    def broker(self) -> ClusterReference:
        """The reference, under whichever of its names it was given."""
        given = self.cluster_reference
        return self.rabbitmq_cluster_reference if given is msgspec.UNSET else given  # type: ignore[return-value]

    @property
    def retained(self) -> bool:
        """Whether deleting this object leaves what is in the broker."""
        return self.deletion_policy.lower() == "retain"


@dataclass(frozen=True, slots=True)
class Resource:
    """One object as plans see it, small enough to keep ten thousand. version: grows with each write. created and
    deleting are the API server's timestamps; "" when there is none."""

    kind: str
    namespace: str
    name: str
    spec: Any
    uid: str = ""
    version: int = 0
    generation: int = 1
    created: str = ""
    deleting: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.namespace, self.name

    @property
    def age(self) -> tuple[str, str, str]:
        """Sorts the older object first; names decide between twins."""
        return self.created, self.namespace, self.name

    @property
    def settled(self) -> bool:
        """Ready as of its newest version: what differs now, somebody else has changed."""
        current = self.status.get("observedGeneration", self.generation) == self.generation
        return current and self.condition("Ready").get("status") == "True"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def condition(self, type: str) -> Mapping[str, Any]:  # noqa: A002 - the field's name
        for condition in self.status.get("conditions", ()):
            if condition.get("type") == type:
                return condition  # type: ignore[no-any-return]
        return {}


def read(kind: str, spec_type: type[Spec], manifest: Mapping[str, Any]) -> Resource:
    """An object of the API server, or of a YAML file, typed. Raises InvalidResource naming the field."""
    metadata = manifest.get("metadata") or {}
    name = metadata.get("name")
    if not name:
        raise InvalidResource(f"{kind}: metadata.name is missing")
    try:
        spec = msgspec.convert(manifest.get("spec") or {}, spec_type)
    except msgspec.ValidationError as error:
        raise InvalidResource(f"{kind} {name}: {str(error).replace('$', 'spec')}") from None
    return Resource(
        kind=kind,
        namespace=sys.intern(metadata.get("namespace", "default")),
        name=sys.intern(name),
        spec=spec,
        uid=metadata.get("uid", ""),
        version=int(metadata.get("resourceVersion") or 0),
        generation=metadata.get("generation", 1),
        created=metadata.get("creationTimestamp") or "",
        deleting=metadata.get("deletionTimestamp") or "",
        annotations={k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED},
        finalizers=tuple(shared(metadata.get("finalizers") or ())),
        status=shared(manifest.get("status") or {}),
    )


def shared(value: Any) -> Any:
    """The same, with equal texts kept once: ten thousand statuses say much the same."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {sys.intern(k): shared(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shared(v) for v in value]
    return value
