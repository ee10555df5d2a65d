"""The kinds: what is generated from them is fresh, and bad objects are said by field."""

import subprocess
import sys

import pytest

from watership_operator.kinds import GROUP, SPECS, InvalidResource, Spec, parse
from watership_operator.kinds.crd import definition
from watership_operator.plan import admission


def test_generated_files_are_fresh():
    done = subprocess.run(
        [sys.executable, "-m", "watership_operator.generate", "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_has_an_explanation(kind: str):
    version = definition(SPECS[kind])["spec"]["versions"][0]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]

    def bare(node: dict, path: str) -> list[str]:
        here = [] if node.get("description") else [path]
        inner = [b for name, child in node.get("properties", {}).items() for b in bare(child, f"{path}.{name}")]
        return here + inner

    assert bare(spec, kind) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "spec.clusterReference names the broker and has to be there"),
        ({"clusterReference": {"name": "c"}, "durable": "yes"}, "Expected `bool`, got `str` - at `spec.durable`"),
        ({"clusterReference": {"name": "c"}, "durble": True}, "unknown field `durble`"),
    ],
)
def test_bad_object_names_its_field(spec: dict, words: str):
    manifest = {"apiVersion": "watership.dev/v1beta1", "kind": "Queue", "metadata": {"name": "q"}, "spec": spec}
    with pytest.raises(InvalidResource, match="Queue q: ") as caught:
        parse(manifest)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("selector", "labels", "taken"),
    [
        ({}, {"team": "shop"}, False),
        ({"matchLabels": {"team": "shop"}}, {"team": "shop", "tier": "1"}, True),
        ({"matchLabels": {"team": "shop", "tier": "2"}}, {"team": "shop", "tier": "1"}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["shop", "mail"]}]}, {"team": "mail"}, True),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["shop"]}]}, {}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["shop"]}]}, {}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["shop"]}]}, {"team": "shop"}, False),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, {"team": ""}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, {"team": ""}, False),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}], "matchLabels": {"a": "b"}}, {}, False),
    ],
)
def test_namespaces_are_selected_as_kubernetes_selects(selector: dict, labels: dict, taken: bool):
    spec = {"topologyNamespaces": selector}
    manifest = {"apiVersion": "watership.dev/v1beta1", "kind": "BrokerCluster", "metadata": {"name": "c"}, "spec": spec}
    assert admission.accepts(parse(manifest), "another", labels) is taken


@pytest.mark.parametrize(
    ("kind", "old", "new", "field"),
    [
        ("Queue", {}, {"name": "other"}, "name"),
        ("Queue", {}, {"durable": False}, "durable"),
        ("Queue", {"durable": False}, {"durable": True}, "durable"),
        ("Queue", {"arguments": {"x-max-length": 1}}, {}, "arguments"),
        ("Queue", {}, {"durable": True, "vhost": "/", "deletionPolicy": "Retain"}, None),
        ("Queue", {}, {"clusterReference": {"name": "other"}}, "clusterReference"),
        ("TopicPermission", {"exchange": "a"}, {"exchange": "b"}, "permissions.exchange"),
        ("TopicPermission", {"exchange": "a"}, {"exchange": "a", "read": "x"}, None),
        ("Policy", {}, {"pattern": "z", "priority": 3}, None),
    ],
)
def test_change_of_a_fixed_field_is_refused_without_an_api_server_too(kind: str, old: dict, new: dict, field: str):
    def spec(given: dict) -> Spec:
        needed: dict = {"Policy": {"pattern": "x", "definition": {}}}.get(kind, {})
        own = {"user": "u", "permissions": given} if kind == "TopicPermission" else given
        full = {"clusterReference": {"name": "c"}, **needed, **own}
        return parse({"apiVersion": f"{GROUP}/v1beta1", "kind": kind, "metadata": {"name": "o"}, "spec": full}).spec

    words = f"spec.{field} cannot be changed; delete this object and make another one" if field else None
    assert admission.changed(spec(old), spec(new)) == words


def test_reference_goes_by_either_name_but_not_by_both():
    def queue(**references: dict) -> dict:
        head = {"apiVersion": "watership.dev/v1beta1", "kind": "Queue", "metadata": {"name": "q"}}
        return {**head, "spec": {"deletionPolicy": "retain", **references}}

    for field in ("clusterReference", "rabbitmqClusterReference"):
        spec = parse(queue(**{field: {"name": "c"}})).spec
        assert (spec.broker.name, spec.retained) == ("c", True)
    with pytest.raises(InvalidResource, match="but not both"):
        parse(queue(clusterReference={"name": "c"}, rabbitmqClusterReference={"name": "c"}))
