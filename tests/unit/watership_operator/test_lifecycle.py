"""Rollouts, volumes and overrides, for as many nodes as there may be."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.watership_operator.objects import resource

from watership_operator.plan import certificates, rollout, standing, volumes
from watership_operator.render import Credentials, Given, children
from watership_operator.render.overlay import forbidden, laid_over

THREE = resource("BrokerCluster", "c", replicas=3, persistence={"storage": "12Gi"}, tls={})


def claim(name: str, request: str, capacity: str | None = None, storage_class: str = "fast") -> dict[str, Any]:
    spec = {"resources": {"requests": {"storage": request}}, "storageClassName": storage_class}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec} | (
        {"status": {"capacity": {"storage": capacity}}} if capacity else {}
    )


def claims(*requests: str) -> dict[str, Any]:
    return {f"persistence-c-server-{i}": claim(f"persistence-c-server-{i}", r, "10Gi") for i, r in enumerate(requests)}


def test_three_nodes_are_rendered_with_names_of_their_own():
    made = children(THREE, Credentials("me", "secret"), Given(image="i"))
    by_kind = {m["kind"]: m for m in made}
    assert by_kind["StatefulSet"]["spec"]["replicas"] == 3
    assert by_kind["StatefulSet"]["spec"]["serviceName"] == "c-nodes"
    assert by_kind["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    peers = by_kind["NetworkPolicy"]["spec"]["ingress"][1]
    assert peers["ports"][0]["port"] == 25672
    assert "*.c-nodes.ns.svc" in certificates.names_of(THREE)


def test_monitors_are_made_where_their_api_is():
    asked = resource("BrokerCluster", "c", monitoring={"prometheusRule": True, "labels": {"release": "p"}})

    def kinds(*apis: str) -> set[str]:
        made = children(asked, Credentials("me", "secret"), Given(image="i", apis=frozenset(apis)))
        return {
            m["kind"] for m in made if m["apiVersion"].startswith("monitoring") if m["metadata"]["labels"]["release"]
        }

    assert kinds() == set()
    assert kinds("PodMonitor") == {"PodMonitor"}
    assert kinds("PodMonitor", "PrometheusRule") == {"PodMonitor", "PrometheusRule"}


def test_restart_names_pods_in_their_order():
    sentence = rollout.restart(
        THREE, {"status": {"replicas": 3}}, ["the image changed"], "updates StatefulSet c-server"
    )
    expected = "updates StatefulSet c-server and restarts c-server-2, c-server-1, c-server-0, one after the other: "
    assert sentence == f"{expected}the image changed"


def test_every_pod_is_told_of_new_files_but_not_one_that_ends():
    pods = [{"metadata": {"name": f"c-server-{i}", "uid": f"u{i}"}} for i in range(3)]
    pods[1]["metadata"]["deletionTimestamp"] = "now"
    assert [s.manifest["metadata"]["name"] for s in rollout.nudges(THREE, pods, "d")] == ["c-server-0", "c-server-2"]


def test_growth_goes_on_where_it_stopped():
    assert [s.sentence for s in volumes.growth(THREE, claims("12Gi", "10Gi", "10Gi"))] == [
        "grows volume persistence-c-server-1 from 10Gi to 12Gi",
        "grows volume persistence-c-server-2 from 10Gi to 12Gi",
    ]
    assert volumes.growth(THREE, claims("12Gi", "12Gi", "12Gi")) == []
    assert "persistence-c-server-2 to grow from 10Gi to 12Gi" in volumes.growing(THREE, claims("12Gi", "12Gi", "12Gi"))


@pytest.mark.parametrize(
    ("request_", "expandable", "words"),
    [("10Gi", True, None), ("10Gi", False, "has no allowVolumeExpansion"), ("20Gi", True, "never shrink")],
)
def test_growth_is_refused_before_anything_is_done(request_: str, expandable: bool, words: str | None):
    classes = {"fast": {"metadata": {"name": "fast"}, "allowVolumeExpansion": expandable}}
    sentence = volumes.refusal(THREE, claims(request_), classes)
    assert sentence is None if words is None else words in (sentence or "")


@pytest.mark.parametrize(
    ("ready", "updated", "words"),
    [
        (2, 3, "2/3 pods ready; waits for c-server-0, c-server-1, c-server-2 to be ready"),
        (3, 1, "3/3 pods ready; waits for c-server-0, c-server-1, c-server-2 to run the newest version"),
        (3, 3, "3/3 pods ready"),
    ],
)
def test_verdict_counts_nodes(ready: int, updated: int, words: str):
    status = {"replicas": 3, "readyReplicas": ready, "updatedReplicas": updated}
    seen = {("StatefulSet", "c-server"): {"metadata": {}, "status": status}}
    assert standing.verdict(THREE, seen, []).sentence == words


def test_overlay_merges_named_things_and_replaces_the_rest():
    base = {"containers": [{"name": "broker", "env": [{"name": "A", "value": "1"}], "args": ["x"]}], "tolerations": [1]}
    over = {"containers": [{"name": "rabbitmq", "env": [{"name": "B", "value": "2"}], "args": ["y"]}, {"name": "more"}]}
    merged = laid_over(base, {**over, "tolerations": [2]})
    assert merged == {
        "containers": [
            {"name": "broker", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "args": ["y"]},
            {"name": "more"},
        ],
        "tolerations": [2],
    }


def of_pod(**spec: Any) -> dict[str, Any]:
    return {"statefulSet": {"spec": {"template": {"spec": spec}}}}


SECURITY = (  # what RabbitMQ's webhook refuses, and what the restricted standard does besides
    ({"privileged": True}, "privileged"),
    ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
    ({"runAsUser": 0}, "runAsUser"),
    ({"runAsNonRoot": False}, "runAsNonRoot"),
    ({"readOnlyRootFilesystem": False}, "readOnlyRootFilesystem"),
    ({"capabilities": {"add": ["X"]}}, "capabilities.add"),
    ({"procMount": "Unmasked"}, "procMount"),
    ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
)


@pytest.mark.parametrize(
    ("override", "field"),
    [
        (of_pod(hostNetwork=True), "hostNetwork"),
        (of_pod(hostPID=True), "hostPID"),
        (of_pod(hostIPC=True), "hostIPC"),
        (of_pod(serviceAccountName="x"), "serviceAccountName"),
        (of_pod(volumes=[{"name": "v", "hostPath": {}}]), "volumes[v].hostPath"),
        *(
            (of_pod(**{group: container}), f"{where}securityContext.{field}")
            for security, field in SECURITY
            for group, where, container in (
                ("securityContext", "spec.", security),
                ("containers", "containers[broker].", [{"name": "broker", "securityContext": security}]),
                ("initContainers", "initContainers[i].", [{"name": "i", "image": "i", "securityContext": security}]),
            )
        ),
        (of_pod(containers=[{"name": "broker", "ports": [{"hostPort": 1}]}]), "hostPort"),
        (of_pod(initContainers=[{"name": "x"}]), "initContainers[x] names no container"),
        ({"statefulSet": {"spec": {"replicas": 3}}}, "statefulSet.spec.replicas"),
        ({"statefulSet": {"spec": {"selector": {}}}}, "statefulSet.spec.selector"),
        ({"statefulSet": {"metadata": {"name": "x"}}}, "statefulSet.metadata.name"),
        ({"statefulSet": {"kind": "x"}}, "statefulSet.kind"),
        ({"service": {"spec": {"selector": {}}}}, "service.spec.selector"),
        ({"service": {"metadata": {"namespace": "x"}}}, "service.metadata.namespace"),
    ],
)
def test_forbidden_fields_are_named(override: dict[str, Any], field: str):
    (sentence,) = forbidden(resource("BrokerCluster", "c", override=override).spec.override)
    assert field in sentence


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_takes_no_hardening_away(nothing: dict[str, Any] | None):
    over = of_pod(securityContext=nothing, containers=[{"name": "broker", "securityContext": nothing}])
    made = resource("BrokerCluster", "c", override=over)
    (before, after) = (
        children(r, Credentials("me", "secret"), Given(image="i"))[-1]["spec"]["template"]["spec"]
        for r in (resource("BrokerCluster", "c"), made)
    )
    assert before == after


def test_what_is_allowed_is_not_called_forbidden():
    fine = of_pod(containers=[{"name": "rabbitmq", "env": []}, {"name": "x", "image": "y"}], priorityClassName="high")
    assert forbidden(resource("BrokerCluster", "c", override=fine).spec.override) == []
