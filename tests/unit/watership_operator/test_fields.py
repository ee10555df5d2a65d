"""Every field of a BrokerCluster and what it changes in the children: a row per field, no field without a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.unit.watership_operator.objects import resource

from watership_operator.kinds import SPECS, Kind
from watership_operator.kinds.schema import structural
from watership_operator.render import Credentials, Given, children

LOGIN = Credentials("me", "secret")
APIS = frozenset({"PodMonitor", "PrometheusRule"})
ABSENT = object()
POD = "StatefulSet.spec.template.spec"
BROKER = f"{POD}.containers.broker"
CONF = "ConfigMap c-server-conf.data.10-defaults.conf"
CA = {"secretName": "t", "caSecretName": "ca"}
TERM = {"key": "a", "operator": "Exists"}
SPREAD = {"topologyKey": "zone", "maxSkew": 2}
NOWHERE = {  # fields without a place in the children, and where else they are tested
    "defaultUser.secretName": "test_lifecycle.py: test_c14, test_c15",
    "tls.alternativeNames": "test_certificates.py",
    "tls.validityDays": "test_certificates.py",
    "tls.renewBeforeDays": "test_certificates.py",
    "tls.trustHours": "test_certificates.py",
    "topologyNamespaces.names": "test_scenarios.py: test_t20",
    "topologyNamespaces.matchLabels": "test_scenarios.py: test_t20",
    "topologyNamespaces.matchExpressions": "test_scenarios.py: test_t20",
    "secretBackend.externalSecret.name": "test_lifecycle.py, as defaultUser.secretName",
    "secretBackend.vault": "test_cluster.py: refused",
    "rabbitmq.additionalPlugins": "test_cluster.py: refused unless always there",
    "rabbitmq.advancedConfig": "test_cluster.py: refused",
    "rabbitmq.envConfig": "test_cluster.py: refused",
    "rabbitmq.erlangInetConfig": "test_cluster.py: refused",
    "skipPostDeploySteps": "accepted, no effect",
    "autoEnableAllFeatureFlags": "accepted, no effect",
    "delayStartSeconds": "accepted, no effect",
}
# Field, value, place in a child, what stands there then, what stands there by default.
ROWS: list[tuple[str, Any, str, Any, Any]] = [
    ("image", "b:2", f"{BROKER}.image", "b:2", "watership:1"),
    ("imagePullSecrets", [{"name": "pull"}], f"{POD}.imagePullSecrets", [{"name": "pull"}], ABSENT),
    ("replicas", 0, "StatefulSet.spec.replicas", 0, 1),
    (
        "persistence.storage",
        "7Gi",
        "StatefulSet.spec.volumeClaimTemplates.0.spec.resources.requests.storage",
        "7Gi",
        "10Gi",
    ),
    ("persistence.storage", "0", f"{POD}.volumes.persistence", {"name": "persistence", "emptyDir": {}}, ABSENT),
    ("persistence.storage", "0", "StatefulSet.spec.volumeClaimTemplates.0", ABSENT, ...),
    (
        "persistence.storageClassName",
        "fast",
        "StatefulSet.spec.volumeClaimTemplates.0.spec.storageClassName",
        "fast",
        ABSENT,
    ),
    ("persistence.emptyDir.medium", "Memory", f"{POD}.volumes.persistence.emptyDir.medium", "Memory", ABSENT),
    ("persistence.emptyDir.sizeLimit", "1Gi", f"{POD}.volumes.persistence.emptyDir.sizeLimit", "1Gi", ABSENT),
    (
        "persistence.retention.whenDeleted",
        "Delete",
        "StatefulSet.spec.persistentVolumeClaimRetentionPolicy.whenDeleted",
        "Delete",
        "Retain",
    ),
    (
        "persistence.retention.whenScaled",
        "Delete",
        "StatefulSet.spec.persistentVolumeClaimRetentionPolicy.whenScaled",
        "Delete",
        "Retain",
    ),
    ("resources", {"limits": {"memory": "2Gi"}}, f"{BROKER}.resources", {"limits": {"memory": "2Gi"}}, ...),
    ("affinity", {"podAntiAffinity": {}}, f"{POD}.affinity", {"podAntiAffinity": {}}, ABSENT),
    ("nodeSelector", {"disk": "ssd"}, f"{POD}.nodeSelector", {"disk": "ssd"}, ABSENT),
    ("tolerations", [TERM], f"{POD}.tolerations", [TERM], ABSENT),
    ("topologySpreadConstraints", [SPREAD], f"{POD}.topologySpreadConstraints", [SPREAD], ...),
    ("priorityClassName", "high", f"{POD}.priorityClassName", "high", ABSENT),
    ("podMetadata.labels", {"team": "a"}, "StatefulSet.spec.template.metadata.labels.team", "a", ABSENT),
    ("podMetadata.annotations", {"team": "a"}, "StatefulSet.spec.template.metadata.annotations.team", "a", ABSENT),
    ("service.type", "NodePort", "Service c.spec.type", "NodePort", "ClusterIP"),
    ("service.annotations", {"a": "b"}, "Service c.metadata.annotations", {"a": "b"}, ABSENT),
    ("service.labels", {"a": "b"}, "Service c.metadata.labels.a", "b", ABSENT),
    ("service.ipFamilyPolicy", "SingleStack", "Service c.spec.ipFamilyPolicy", "SingleStack", ABSENT),
    ("service.ipFamilyPolicy", "SingleStack", "Service c-nodes.spec.ipFamilyPolicy", "SingleStack", ABSENT),
    ("service.ipFamilies", ["IPv6"], "Service c.spec.ipFamilies", ["IPv6"], ABSENT),
    ("listeners.amqp", 5555, "Service c.spec.ports.amqp.targetPort", 5555, 5672),
    ("listeners.amqp", 5555, f"{BROKER}.ports.amqp.containerPort", 5555, 5672),
    (
        "listeners.amqp",
        5555,
        "Secret c-default-user.stringData.connection_string",
        "amqp://me:secret@c.ns.svc:5555/",
        ...,
    ),
    ("listeners.amqp", 5555, "NetworkPolicy.spec.ingress.0.ports.0.port", 5555, 5672),
    ("listeners.amqp", 5555, CONF, r"listeners.tcp.default = 5555$", ...),
    ("listeners.management", 5556, CONF, r"management.tcp.port = 5556$", ...),
    ("listeners.management", 5556, "Secret c-default-user.stringData.management-port", "5556", "15672"),
    ("listeners.prometheus", 5557, CONF, r"prometheus.tcp.port = 5557$", ...),
    ("listeners.prometheus", 5557, "Service c.spec.ports.prometheus.port", 5557, 15692),
    ("configuration", "heartbeat = 7", "ConfigMap c-server-conf.data.90-user.conf", "heartbeat = 7\n", ""),
    ("rabbitmq.additionalConfig", "heartbeat = 7", "ConfigMap c-server-conf.data.90-user.conf", "heartbeat = 7\n", ""),
    (
        "configurationFrom",
        [{"secret": "s", "key": "k"}],
        f"{POD}.volumes.configuration.projected.sources.2.secret.name",
        "s",
        ABSENT,
    ),
    ("definitions", {"configMap": "d", "key": "k"}, f"{POD}.volumes.definitions.configMap.name", "d", ABSENT),
    ("definitions", {"secret": "d", "key": "k"}, CONF, r"load_definitions = /etc/watership/definitions/", ...),
    ("tls", {}, f"{POD}.volumes.tls.secret.secretName", "c-tls", ABSENT),
    ("tls.secretName", "mine", f"{POD}.volumes.tls.secret.secretName", "mine", ABSENT),
    ("tls", {}, "Service c.spec.ports.amqps.port", 5671, ABSENT),
    ("tls", CA, f"{POD}.volumes.ca.secret.secretName", "ca", ABSENT),
    ("tls.caSecretName", "ca", CONF, r"ssl_options.fail_if_no_peer_cert = true", ...),
    ("tls.disableNonTLSListeners", True, "Service c.spec.ports.amqp", ABSENT, ...),
    ("tls.disableNonTLSListeners", True, CONF, r"listeners.tcp = none", ...),
    ("monitoring.podMonitor", False, "PodMonitor", ABSENT, ...),
    ("monitoring.prometheusRule", True, "PrometheusRule.spec.groups.0.name", "c", ABSENT),
    ("monitoring.grafanaDashboard", True, "ConfigMap c-dashboard.metadata.labels.grafana_dashboard", "1", ABSENT),
    ("monitoring.labels", {"release": "p"}, "PodMonitor.metadata.labels.release", "p", ABSENT),
    ("networkPolicy.enabled", False, "NetworkPolicy", ABSENT, ...),
    (
        "networkPolicy.clients",
        [{"podSelector": {}}],
        "NetworkPolicy.spec.ingress.0.from",
        [{"podSelector": {}}],
        ABSENT,
    ),
    ("disruptionBudget.enabled", False, "PodDisruptionBudget", ABSENT, ...),
    ("disruptionBudget.maxUnavailable", 0, "PodDisruptionBudget.spec.maxUnavailable", 0, 1),
    ("terminationGracePeriodSeconds", 5, f"{POD}.terminationGracePeriodSeconds", 5, 60),
    ("override.statefulSet", {"spec": {"minReadySeconds": 3}}, "StatefulSet.spec.minReadySeconds", 3, ABSENT),
    (
        "override.service",
        {"spec": {"externalTrafficPolicy": "Local"}},
        "Service c.spec.externalTrafficPolicy",
        "Local",
        ABSENT,
    ),
]
for _probe in ("startup", "readiness", "liveness"):
    for _field, _value in (
        ("initialDelaySeconds", 9),
        ("periodSeconds", 9),
        ("timeoutSeconds", 9),
        ("failureThreshold", 9),
    ):
        _default = ABSENT if _field == "initialDelaySeconds" else ...
        ROWS.append((f"probes.{_probe}.{_field}", _value, f"{BROKER}.{_probe}Probe.{_field}", 9, _default))
for _field, _port, _default in (("amqps", "amqps", 5671), ("managementTLS", "management-tls", 15671)):
    ROWS.append((f"listeners.{_field}", 5558, f"Service c.spec.ports.{_port}.port", 5558, ABSENT))


def spec_with(field: str, value: Any) -> dict[str, Any]:
    """A specification with one field; what the field means something with is there as well."""
    made: dict[str, Any] = {}
    if field.startswith("persistence.emptyDir"):
        made = {"persistence": {"storage": "0"}}
    if field in ("listeners.amqps", "listeners.managementTLS"):
        made = {"tls": {}}
    node = made
    *path, last = field.split(".")
    for part in path:
        node = node.setdefault(part, {})
    node[last] = value
    return made


def rendered(**spec: Any) -> list[dict[str, Any]]:
    given = Given(image="watership:1", apis=APIS, texts=[""] * len(spec.get("configurationFrom", ())))
    return children(resource("BrokerCluster", "c", **spec), LOGIN, given)


def at(manifests: list[dict[str, Any]], place: str) -> Any:
    """What stands at a place such as `Service c.spec.ports.amqp`: a kind, a name where there are several, a path."""
    head, *path = re.split(r"\.(?!conf$)", place)
    kind, _, name = head.partition(" ")
    node: Any = next((m for m in manifests if m["kind"] == kind and name in ("", m["metadata"]["name"])), ABSENT)
    for part in path:
        node = step(node, part)
    return node


def step(node: Any, part: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(part, ABSENT)
    if isinstance(node, list) and part.isdigit():
        return node[int(part)] if int(part) < len(node) else ABSENT
    if isinstance(node, list):
        return next((item for item in node if item.get("name") == part), ABSENT)
    return ABSENT


@pytest.mark.parametrize(("field", "value", "place", "there", "default"), ROWS, ids=[f"{r[0]}-{r[2]}" for r in ROWS])
def test_field_reaches_the_children(field: str, value: Any, place: str, there: Any, default: Any):
    found, before = at(rendered(**spec_with(field, value)), place), at(rendered(), place)
    if place == CONF:
        assert re.search(there, found, re.MULTILINE), found
        assert not re.search(there, before, re.MULTILINE)
        return
    assert found == there
    assert before != there
    assert default is ... or before == default


def leaves(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, child in node.get("properties", {}).items():
        if child.get("properties"):
            yield from leaves(child, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_no_field_is_without_a_row():
    fields = set(leaves(structural(SPECS["BrokerCluster"])))
    named = {row[0] for row in ROWS}
    missing = {f for f in fields if not any(f == n or f.startswith(f"{n}.") for n in named | set(NOWHERE))}
    assert missing == set()
    assert {n for n in NOWHERE if n not in fields} == set()


def test_every_kind_says_what_it_is():
    kinds: list[Kind] = [spec.kind for spec in SPECS.values()]
    assert all(kind.description.endswith(".") for kind in kinds)
