"""A BrokerCluster: which children have to be applied, and how it stands with it.

A child is applied when something that we set is not so on the server; what the server or others set besides is
theirs. Waits are conditions. More than one replica is refused with a sentence until nodes can join into one
cluster: independent nodes behind one Service would each hold a part of the messages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from watership.config import ConfigError
from watership.config.parser import parse
from watership_operator.kinds import Resource
from watership_operator.kinds.cluster_parts import Source
from watership_operator.kinds.resource import PAUSE
from watership_operator.render import Credentials, Given, children, credentials
from watership_operator.render.configuration import unserved
from watership_operator.render.head import tls_secret
from watership_operator.render.overlay import forbidden

from . import certificates, rollout, volumes
from .difference import differs
from .standing import owned_by, unwanted, verdict
from .step import FAILED, Plan, Row, Step, Verdict

Child = tuple[str, str]  # kind and name
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What was observed: children by kind and name, Secrets by name (decoded), ConfigMaps' data by name, kinds of
    optional APIs that there are, StorageClasses by name, the fingerprint of the certificate that the broker shows."""

    children: Mapping[Child, Object]
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    apis: frozenset[str] = frozenset()
    classes: Mapping[str, Object] = field(default_factory=dict)
    served: str = ""


@dataclass(frozen=True)
class Chance:
    """Time and randomness. token: makes up a password."""

    now: dt.datetime
    token: Callable[[], str]
    issuer: certificates.Issuer


def sources_of(cluster: Resource) -> list[tuple[str, Source]]:
    """What spec refers to, with the field's name."""
    found = [("configurationFrom", source) for source in cluster.spec.configuration_from]
    if cluster.spec.definitions is not msgspec.UNSET:
        found.append(("definitions", cluster.spec.definitions))
    return found


def secrets_of(cluster: Resource) -> list[str]:
    """Names of the Secrets that a plan has to see: the default user's first, then the served certificate's."""
    names, tls = [f"{cluster.name}-default-user"], cluster.spec.tls
    if tls is not msgspec.UNSET:
        names += [tls_secret(cluster), *([f"{cluster.name}-ca"] if tls.own else [])]
        names += [] if tls.ca_secret_name is msgspec.UNSET else [tls.ca_secret_name]
    names += [cluster.spec.default_user_secret] if cluster.spec.default_user_secret else []
    return names + [source.name for _, source in sources_of(cluster) if source.kind == "Secret"]


def config_maps_of(cluster: Resource) -> list[str]:
    return [source.name for _, source in sources_of(cluster) if source.kind == "ConfigMap"]


def plan(cluster: Resource, seen: Surroundings, *, image: str, chance: Chance) -> Plan:
    """image: for clusters that name none."""
    refusal = refused(cluster, seen) or missing(cluster, seen)
    if refusal is not None:
        return Plan((), {cluster.key: refusal})
    steps: list[Step] = []
    if cluster.spec.tls is not msgspec.UNSET and cluster.spec.tls.own:
        notes = (seen.children.get(("Secret", f"{cluster.name}-ca")) or {"metadata": {}})["metadata"]
        kept = notes.get("annotations") or {}
        steps, issued = certificates.issued(cluster, seen.secrets, kept, now=chance.now, issuer=chance.issuer)
        seen = replace(seen, secrets={**seen.secrets, **issued})
    try:
        login = known_credentials(cluster, seen) or credentials(cluster, chance.token)
        unserved(cluster, texts_of(cluster, seen))  # settings that contradict each other would end the broker
        wanted = children(cluster, login, given(cluster, seen, image))
    except ConfigError as error:
        return Plan((), {cluster.key: Verdict(False, "InvalidConfiguration", str(error), stalled=True)})
    steps += [s for manifest in wanted if (s := child_step(cluster, seen, manifest, wanted))]
    steps += unwanted(cluster, seen.children, wanted)
    claims = volumes.claims_of(cluster, seen.children)
    steps += volumes.growth(cluster, claims)
    made = verdict(cluster, seen.children, steps)
    if made.ready and (slow := volumes.growing(cluster, claims)):
        made = replace(made, ready=False, reason="VolumeGrows", sentence=slow)
    made = with_facts(cluster, seen, made)
    if cluster.annotations.get(PAUSE) == "true":
        return Plan((), {cluster.key: paused(made, steps)})
    pods = [item for (kind, _), item in seen.children.items() if kind == "Pod"]
    steps += rollout.nudges(cluster, pods, files_of(cluster, seen, wanted))
    return Plan(tuple(steps), {cluster.key: made})


def given(cluster: Resource, seen: Surroundings, image: str) -> Given:
    old = seen.children.get(("StatefulSet", f"{cluster.name}-server"))
    claims = None
    if old is not None and cluster.spec.persistent:
        claims = [template(c) for c in old["spec"].get("volumeClaimTemplates") or ()]
    return Given(image=image, texts=texts_of(cluster, seen), apis=seen.apis, claims=claims)


def texts_of(cluster: Resource, seen: Surroundings) -> list[str]:
    """What spec.configurationFrom refers to."""
    return [content(seen, s) or "" for name, s in sources_of(cluster) if name == "configurationFrom"]


def template(claim: Object) -> dict[str, Any]:
    """A claim template without what the server adds."""
    return {k: v for k, v in claim.items() if k in ("metadata", "spec")}


def child_step(cluster: Resource, seen: Surroundings, manifest: Object, wanted: list[dict[str, Any]]) -> Step | None:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    observed = seen.children.get((kind, name))
    if observed is not None and not differs(manifest, observed):
        return None
    sentence = f"{'makes' if observed is None else 'updates'} {kind} {name}"
    if observed is None or kind != "StatefulSet":
        return Step("kubernetes", "apply", cluster.key, sentence, manifest=manifest)
    name = f"{cluster.name}-server-conf"
    before = (seen.children.get(("ConfigMap", name)) or {}).get("data") or {}
    after = next(m["data"] for m in wanted if m["metadata"]["name"] == name)
    why = rollout.reasons(observed, manifest, before, after)
    if why:
        sentence = rollout.restart(cluster, observed, why, sentence)
    event = "Restart" if why else ""
    return Step("kubernetes", "apply", cluster.key, sentence, manifest=manifest, event=event)


def content(seen: Surroundings, source: Source) -> str | None:
    """None: it is not there."""
    found = (seen.secrets if source.kind == "Secret" else seen.config_maps).get(source.name)
    return None if found is None else found.get(source.key)


def files_of(cluster: Resource, seen: Surroundings, wanted: list[dict[str, Any]]) -> str:
    """A digest of everything that a running broker takes from its files."""
    mounted = [seen.secrets.get(name) for name in secrets_of(cluster)[1:]]
    texts = [m.get("data") or m.get("stringData") for m in wanted if m["kind"] in ("ConfigMap", "Secret")]
    return rollout.files_digest([*texts, *mounted, *(content(seen, s) for _, s in sources_of(cluster))])


def paused(made: Verdict, steps: list[Step]) -> Verdict:
    """What waits for the end of the pause; without such the cluster is as it is."""
    if not steps:
        return replace(made, sentence=f"{made.sentence}; paused")
    todo = ", ".join(s.sentence for s in steps)
    sentence = f"paused by the annotation {PAUSE}; once it is gone, the operator {todo}"
    return replace(made, ready=False, reason="PausedReconciliation", sentence=sentence)


def refused(cluster: Resource, seen: Surroundings) -> Verdict | None:
    """What only a change of the BrokerCluster helps."""
    if cluster.spec.replicas > 1:
        sentence = (
            f"spec.replicas is {cluster.spec.replicas}, but nodes cannot join into one cluster in this version; "
            "set it to 1, or to 0 to hibernate"
        )
        return Verdict(False, "UnsupportedOperation", sentence, stalled=True)
    if sentences := forbidden(cluster.spec.override):
        return Verdict(False, "InvalidOverride", "; ".join(sentences), stalled=True)
    claims = volumes.claims_of(cluster, seen.children)
    if cluster.spec.persistent and (sentence := volumes.refusal(cluster, claims, seen.classes) or ""):
        return Verdict(False, "FailedReconcilePersistence", sentence, stalled=True)
    foreign = owned_by(cluster, seen.children)
    return Verdict(False, "NameTaken", foreign, stalled=True) if foreign else None


def missing(cluster: Resource, seen: Surroundings) -> Verdict | None:
    """What is waited for, and healed when it appears."""
    tls = cluster.spec.tls
    if tls is not msgspec.UNSET and (sentence := certificates.problem(cluster, seen.secrets)):
        return Verdict(False, "TLSError", sentence)
    where, name = cluster.namespace, cluster.spec.default_user_secret
    if name:
        data = seen.secrets.get(name)
        if data is None:
            return Verdict(False, "SecretMissing", f"waits for Secret {where}/{name}, named in spec.defaultUser")
        if lacking := [key for key in ("username", "password") if not data.get(key)]:
            sentence = f"Secret {where}/{name}, named in spec.defaultUser, lacks {' and '.join(lacking)}"
            return Verdict(False, "SecretMissing", sentence)
    for field_name, source in sources_of(cluster):
        text = content(seen, source)
        if text is None:
            sentence = f"waits for the key {source.key} in {source.kind} {where}/{source.name}, named in "
            return Verdict(False, "SourceMissing", f"{sentence}spec.{field_name}")
        if field_name == "configurationFrom":
            try:
                parse(text, f"{source.kind} {source.name}, {source.key}")
            except ConfigError as error:
                return Verdict(False, "InvalidConfiguration", str(error))
    return None


def known_credentials(cluster: Resource, seen: Surroundings) -> Credentials | None:
    """Those in the Secret of the default user, unless the configuration names others."""
    name = cluster.spec.default_user_secret
    data = seen.secrets.get(name or f"{cluster.name}-default-user", {})
    if not data.get("username") or not data.get("password"):
        return None
    if name:
        return Credentials(data["username"], data["password"])
    return credentials(cluster, lambda: data["password"], username=data["username"])


def with_facts(cluster: Resource, seen: Surroundings, made: Verdict) -> Verdict:
    """Further fields of the status."""
    if cluster.spec.tls is msgspec.UNSET:
        return made
    return replace(made, extra={**made.extra, "tls": certificates.facts(cluster, seen.secrets, seen.served)})


def warning(cluster: Resource, seen: Surroundings) -> Row:
    """The condition NoWarnings, but for what the certificate says."""
    if cluster.annotations.get(PAUSE) == "true":
        return ("False", "PausedReconciliation", f"paused by the annotation {PAUSE}")
    try:
        closed = unserved(cluster, texts_of(cluster, seen))
    except ConfigError:
        return ("True", "NoWarnings", "")  # ReconcileSuccess says it
    if not closed:
        return ("True", "NoWarnings", "")
    numbers = ", ".join(str(number) for number in closed)
    sentence = f"Service {cluster.name} offers {numbers}, where the broker does not listen: the configuration sets "
    return ("False", "PortsDiffer", f"{sentence}other addresses; set ports in spec.listeners, the Service follows them")


def further_conditions(cluster: Resource, made: Verdict, seen: Surroundings, *, now: dt.datetime) -> dict[str, Row]:
    """The four conditions that RabbitMQ's users script against, and that of the certificate."""
    pods = made.ready and cluster.spec.replicas > 0
    success = "False" if made.stalled or made.reason in ("TLSError", FAILED) else "True"
    found = {
        "AllReplicasReady": ("True" if made.ready else "False", made.reason, made.sentence),
        "ClusterAvailable": ("True" if pods else "False", made.reason, made.sentence),
        "NoWarnings": warning(cluster, seen),
        "ReconcileSuccess": (success, made.reason, made.sentence),
    }
    if cluster.spec.tls is not msgspec.UNSET:
        found["CertificateValid"] = certificates.condition(cluster, seen.secrets, seen.served, now=now)
        if found["CertificateValid"][1] in ("ExpiresSoon", "Expired"):
            found["NoWarnings"] = ("False", *found["CertificateValid"][1:])
    return found
