"""Objects of the Prometheus operator and Grafana's sidecar."""

from __future__ import annotations

import json
from typing import Any

from watership_operator.kinds import Resource

from .head import Manifest, head, selector

GROUP = "monitoring.coreos.com/v1"
FIRING = "5m"
# Name, expression over {labels}, severity, sentence.
ALERTS = (
    ("BrokerDown", "up{labels} == 0", "critical", "does not answer its metrics port"),
    (
        "BrokerMemoryAlarm",
        "rabbitmq_alarms_memory_used_watermark{labels} == 1",
        "critical",
        "blocks publishers: memory",
    ),
    (
        "BrokerDiskAlarm",
        "rabbitmq_alarms_free_disk_space_watermark{labels} == 1",
        "critical",
        "blocks publishers: disk",
    ),
    ("BrokerQueueGrows", "sum(rabbitmq_queue_messages_ready{labels}) > 1e6", "warning", "keeps a million messages"),
    ("BrokerUnroutable", "rate(rabbitmq_global_messages_unroutable_dropped_total{labels}[5m]) > 0", "warning", "drops"),
)
PANELS = (
    ("Connections", "sum(rabbitmq_connections{labels})"),
    ("Channels", "sum(rabbitmq_channels{labels})"),
    ("Queues", "sum(rabbitmq_queues{labels})"),
    ("Messages ready", "sum(rabbitmq_queue_messages_ready{labels})"),
    ("Messages unacknowledged", "sum(rabbitmq_queue_messages_unacked{labels})"),
    ("Published per second", "sum(rate(rabbitmq_global_messages_received_total{labels}[1m]))"),
    ("Delivered per second", "sum(rate(rabbitmq_global_messages_delivered_total{labels}[1m]))"),
    ("Resident memory", "rabbitmq_process_resident_memory_bytes{labels}"),
)


def matcher(cluster: Resource) -> str:
    return f'{{namespace="{cluster.namespace}",pod=~"{cluster.name}-server-[0-9]+"}}'


def pod_monitor(cluster: Resource) -> Manifest:
    spec = {
        "selector": {"matchLabels": selector(cluster)},
        "podMetricsEndpoints": [{"port": "prometheus", "path": "/metrics", "interval": "15s"}],
    }
    return {**monitored(cluster, "PodMonitor"), "spec": spec}


def prometheus_rule(cluster: Resource) -> Manifest:
    rules = [
        {
            "alert": name,
            "expr": expression.replace("{labels}", matcher(cluster)),
            "for": FIRING,
            "labels": {"severity": severity, "brokercluster": cluster.name},
            "annotations": {"summary": f"{cluster.namespace}/{cluster.name} {sentence}"},
        }
        for name, expression, severity, sentence in ALERTS
    ]
    return {**monitored(cluster, "PrometheusRule"), "spec": {"groups": [{"name": cluster.name, "rules": rules}]}}


def dashboard(cluster: Resource) -> Manifest:
    title = f"Broker {cluster.namespace}/{cluster.name}"
    panels = [panel(at, name, text.replace("{labels}", matcher(cluster))) for at, (name, text) in enumerate(PANELS)]
    model = {"title": title, "uid": cluster.uid[:40], "tags": ["watership"], "refresh": "15s", "panels": panels}
    made = head(cluster, "v1", "ConfigMap", "-dashboard", labels={**cluster.spec.monitoring.labels, **GRAFANA})
    return {**made, "data": {f"{cluster.name}.json": json.dumps({**model, "schemaVersion": 39}, sort_keys=True)}}


GRAFANA = {"grafana_dashboard": "1"}


def panel(at: int, title: str, expression: str) -> dict[str, Any]:
    return {
        "id": at + 1,
        "title": title,
        "type": "timeseries",
        "gridPos": {"h": 7, "w": 12, "x": 12 * (at % 2), "y": 7 * (at // 2)},
        "targets": [{"expr": expression, "refId": "A"}],
    }


def monitored(cluster: Resource, kind: str) -> Manifest:
    return head(cluster, GROUP, kind, "-server", labels=dict(cluster.spec.monitoring.labels))


def monitoring(cluster: Resource, apis: frozenset[str]) -> list[Manifest]:
    """apis: kinds of the Prometheus operator that there are."""
    wanted = cluster.spec.monitoring
    found = []
    if wanted.pod_monitor and "PodMonitor" in apis:
        found.append(pod_monitor(cluster))
    if wanted.prometheus_rule and "PrometheusRule" in apis:
        found.append(prometheus_rule(cluster))
    if wanted.grafana_dashboard:
        found.append(dashboard(cluster))
    return found
