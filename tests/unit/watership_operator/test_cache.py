"""Which keys a Secret or a ConfigMap concerns, as objects come, change and go."""

from typing import Any

from watership_operator.cache import Cache, Key

CLUSTER = {Key("cluster", "cluster", "ns", "c"), Key("topology", "cluster", "ns", "c")}


def manifest(kind: str, name: str, version: int = 1, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": str(version), "generation": version}
    return {"apiVersion": "watership.dev/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def test_secrets_and_config_maps_of_a_cluster_concern_it_for_as_long_as_it_names_them():
    cache = Cache()
    cache.put(manifest("BrokerCluster", "c", tls={"secretName": "t", "caSecretName": "ca"}))
    for name in ("t", "ca", "c-default-user"):
        assert cache.concerned("Secret", "ns", name) == CLUSTER
    assert cache.concerned("Secret", "elsewhere", "t") == set()
    assert cache.concerned("ConfigMap", "ns", "t") == set()
    cache.put(manifest("BrokerCluster", "c", 2, configurationFrom=[{"configMap": "more", "key": "k"}]))
    assert cache.concerned("Secret", "ns", "t") == set()
    assert cache.concerned("ConfigMap", "ns", "more") == CLUSTER
    cache.remove("BrokerCluster", "ns", "c")
    assert cache.concerned("ConfigMap", "ns", "more") == set()
    assert cache.named == {}


def test_secrets_of_users_and_of_brokers_elsewhere_concern_their_broker():
    cache = Cache()
    reference = {"connectionSecret": {"name": "broker"}}
    key = Key("topology", "secret", "ns", "broker")
    cache.put(manifest("User", "u", clusterReference=reference, importCredentialsSecret={"name": "login"}))
    for name in ("login", "broker", "u-user-credentials"):
        assert cache.concerned("Secret", "ns", name) == {key}
    cache.remove("User", "ns", "u")
    assert {n for n in ("login", "broker", "u-user-credentials") if cache.concerned("Secret", "ns", n)} == set()
