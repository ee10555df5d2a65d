"""definitions.json to objects and back, without loss and without two objects of one name."""

import json

from hypothesis import given
from hypothesis import strategies as st

from watership_operator.kinds import parse
from watership_operator.plugin.definitions import object_name, to_definitions, to_objects
from watership_operator.plugin.manifests import to_yaml

from .definitions import DEFINITIONS

REFERENCE = {"name": "hello"}


def there_and_back(definitions: dict) -> dict:
    made = to_objects(definitions, reference=REFERENCE, namespace="ns")
    assert made.left_out == []
    secrets = {
        (m["metadata"]["namespace"], m["metadata"]["name"]): m["stringData"]
        for m in made.objects
        if m["kind"] == "Secret"
    }
    objects = [m for m in made.objects if m["kind"] != "Secret"]
    back = to_definitions(objects, secrets=secrets, salt=lambda: b"salt")
    assert back.left_out == []
    return back.objects[0]


def rows(definitions: dict, section: str) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in definitions[section])


def test_everything_comes_back_as_it_was():
    back = there_and_back(DEFINITIONS)
    for section in ("users", "permissions", "queues", "exchanges", "bindings", "vhosts"):
        wanted = DEFINITIONS[section]
        if section == "vhosts":
            back[section] = [{"name": v["name"]} for v in back[section]]
        assert rows(back, section) == rows({section: wanted}, section)


def test_objects_are_such_as_the_operator_takes():
    made = to_objects(DEFINITIONS, reference=REFERENCE, namespace="ns")
    for manifest in made.objects:
        if manifest["kind"] != "Secret":
            assert parse(manifest).spec.cluster_reference.name == "hello"


def test_password_hashes_stand_in_secrets_only():
    made = to_objects(DEFINITIONS, reference=REFERENCE, namespace="ns", skip="guest")
    hashes = [u["password_hash"] for u in DEFINITIONS["users"]]
    for manifest in made.objects:
        if manifest["kind"] != "Secret":
            assert not [h for h in hashes if h in json.dumps(manifest)]
    assert len([m for m in made.objects if m["kind"] == "Secret"]) == 2


def test_names_differ_where_the_brokers_names_do():
    made = to_objects(DEFINITIONS, reference=REFERENCE, namespace="ns")
    names = [(m["kind"], m["metadata"]["name"]) for m in made.objects]
    assert len(set(names)) == len(names)
    assert ("Queue", "orders") in names


def test_what_has_no_counterpart_is_said():
    parameters = [{"component": "shovel", "vhost": "/", "name": "move", "value": {}}]
    broken = [{"name": "x", "vhost": "/", "type": "nonsense", "arguments": {}}]
    made = to_objects(
        {"global_parameters": [{"name": "motd", "value": "hello"}], "queues": broken, "parameters": parameters},
        reference=REFERENCE,
        namespace="ns",
    )
    assert any("motd" in sentence for sentence in made.left_out)
    assert any("move" in sentence for sentence in made.left_out)
    assert any("Queue x" in sentence for sentence in made.left_out)


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=2, unique=True))
def test_every_name_is_one_that_kubernetes_takes(names: list[str]):
    first, second = (object_name(name) for name in names)
    assert first != second
    for name in (first, second):
        assert len(name) <= 63
        assert name == name.lower()
        assert name[0].isalnum()
        assert name[-1].isalnum()


def test_words_that_kubectl_takes_for_truth_values_are_quoted():
    assert to_yaml([{"a": "y", "b": "No", "c": "yes", "d": True}]) == "a: 'y'\nb: 'No'\nc: 'yes'\nd: true\n"
