"""The cluster plan and what it renders."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.watership_operator.objects import resource

from watership.config import Config, parse
from watership_operator.issuing import Issuer
from watership_operator.plan import cluster
from watership_operator.plan.cluster import Chance, Surroundings
from watership_operator.plan.difference import differs
from watership_operator.render import Credentials, Given, children, configuration

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LOGIN = Credentials("me", "secret")


def plan(made, seen: Surroundings | None = None):
    return cluster.plan(made, seen or Surroundings({}), image="watership:1", chance=chance())


def chance(token: str = "token-of-some-length", now: dt.datetime = NOW) -> Chance:
    return Chance(now, lambda: token, Issuer())


def observed(made, **status: Any) -> Surroundings:
    """The children as the server would show them."""
    found = {}
    for step in plan(made).steps:
        manifest = dict(step.manifest)
        if "stringData" in manifest:
            data = manifest.pop("stringData")
            manifest["data"] = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
        if manifest["kind"] == "StatefulSet":
            manifest["status"] = status
            manifest["metadata"] = {**manifest["metadata"], "generation": 1}
        found[manifest["kind"], manifest["metadata"]["name"]] = manifest
    secret = found["Secret", "c-default-user"]["data"]
    login = {k: base64.b64decode(v).decode() for k, v in secret.items()}
    return Surroundings(found, {"c-default-user": login})


READY = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1}


def test_children_come_once_and_then_nothing_differs():
    made = resource("BrokerCluster", "c")
    assert [s.manifest["metadata"]["name"] for s in plan(made).steps] == [
        "c-server",
        "c-default-user",
        "c-server-conf",
        "c-nodes",
        "c",
        "c-server",
        "c-server",
        "c-server",
    ]
    settled = plan(made, observed(made, **READY))
    assert settled.steps == ()
    assert settled.verdicts[made.key].ready
    assert settled.verdicts[made.key].sentence == "1/1 pods ready"


def test_made_up_password_is_kept():
    made = resource("BrokerCluster", "c")
    seen = observed(made, **READY)
    again = cluster.plan(made, seen, image="watership:1", chance=chance("another-token-of-length"))
    assert again.steps == ()


def test_what_a_running_broker_takes_updates_the_map_alone():
    made = resource("BrokerCluster", "c")
    changed = resource("BrokerCluster", "c", configuration="heartbeat = 5")
    steps = plan(changed, observed(made, **READY)).steps
    assert [s.sentence for s in steps] == ["updates ConfigMap c-server-conf"]


def test_other_configuration_restarts_the_pods_and_says_why():
    made = resource("BrokerCluster", "c")
    changed = resource("BrokerCluster", "c", configuration="frame_max = 8192\nheartbeat = 5")
    steps = plan(changed, observed(made, **READY)).steps
    assert [(s.sentence, s.event) for s in steps] == [
        ("updates ConfigMap c-server-conf", ""),
        (
            "updates StatefulSet c-server and restarts c-server-0, one after the other: "
            "the configuration changed (frame_max)",
            "Restart",
        ),
    ]


MECHANISMS = "".join(f"auth_mechanisms.{n} = {name}\n" for n, name in enumerate(Config.of(()).mechanisms))


@pytest.mark.parametrize(
    ("was", "is_", "keys"),
    [
        ("", MECHANISMS, []),
        (f"{MECHANISMS}heartbeat = 5", "heartbeat = 17", []),
        ("", "auth_mechanisms.1 = PLAIN", ["auth_mechanisms"]),
        ("", "frame_max = 131072", []),
        ("frame_max = 8192", "frame_max = 131072", ["frame_max"]),
        ("frame_max = 8192", "frame_max = 9000\nframe_max = 8192", []),
        ("", "num_acceptors.tcp = 3", []),
        ("", "default_user_tags.monitoring = true", ["default_user_tags"]),
    ],
)
def test_restart_is_for_what_is_really_another(was: str, is_: str, keys: list[str]):
    before = resource("BrokerCluster", "c", configuration=was)
    steps = plan(resource("BrokerCluster", "c", configuration=is_), observed(before, **READY)).steps
    restarts = [s.sentence for s in steps if s.event == "Restart"]
    assert [r.rpartition(": ")[2] for r in restarts] == [f"the configuration changed ({k})" for k in keys]


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ({}, ""),
        ({"configuration": "listeners.tcp.default = 5673"}, "offers 5672, where the broker does not listen"),
        ({"listeners": {"amqp": 5673}}, ""),
        ({"configuration": "listeners.tcp.more = 5673"}, ""),
        ({"configuration": "listeners.tcp = none"}, "offers 5672"),
    ],
)
def test_ports_that_nobody_listens_on_are_a_warning(spec, warned: str):
    made = resource("BrokerCluster", "c", **spec)
    seen = observed(made, **READY)
    found = cluster.further_conditions(made, plan(made, seen).verdicts[made.key], seen, now=NOW)["NoWarnings"]
    assert found[0] == ("False" if warned else "True")
    assert warned in found[2]


def test_contradictions_of_the_configuration_are_said_before_they_end_the_broker():
    made = resource("BrokerCluster", "c", configuration="listeners.ssl.default = 5671")
    verdict = plan(made).verdicts[made.key]
    assert (verdict.reason, verdict.stalled) == ("InvalidConfiguration", True)
    assert "ssl_options.certfile" in verdict.sentence


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"image": "watership:2"}, "the image changed from watership:1 to watership:2"),
        ({"resources": {"limits": {"memory": "2Gi"}}}, "resources changed"),
        ({"podMetadata": {"labels": {"team": "a"}}}, "labels or annotations of the pods changed"),
        ({"priorityClassName": "high"}, "priorityClassName of the pods changed"),
    ],
)
def test_restart_names_its_reason(change, why):
    made = resource("BrokerCluster", "c")
    (step,) = plan(resource("BrokerCluster", "c", **change), observed(made, **READY)).steps
    assert step.sentence.endswith(why)


def test_pods_are_told_of_new_files_once():
    made = resource("BrokerCluster", "c")
    seen = observed(made, **READY)
    pod = {"kind": "Pod", "metadata": {"name": "c-server-0", "uid": "u", "labels": {}}}
    with_pod = replace(seen, children={**seen.children, ("Pod", "c-server-0"): pod})
    (step,) = plan(made, with_pod).steps
    assert step.verb == "nudge"
    pod["metadata"]["annotations"] = step.manifest["metadata"]["annotations"]
    assert plan(made, with_pod).steps == ()
    (*_, again) = plan(resource("BrokerCluster", "c", configuration="heartbeat = 5"), with_pod).steps
    assert again.verb == "nudge"


def test_paused_cluster_is_left_alone_and_says_what_waits():
    made = resource("BrokerCluster", "c")
    seen = observed(made, **READY)
    pause = {"watership.dev/pause-reconciliation": "true"}
    changed = replace(resource("BrokerCluster", "c", configuration="frame_max = 8192"), annotations=pause)
    found = plan(changed, seen)
    assert found.steps == ()
    assert "updates ConfigMap c-server-conf, updates StatefulSet c-server" in found.verdicts[changed.key].sentence
    quiet = plan(replace(made, annotations=pause), seen).verdicts[made.key]
    assert (quiet.ready, quiet.sentence) == (True, "1/1 pods ready; paused")


def test_more_nodes_than_one_are_refused_and_nothing_is_made():
    made = plan(resource("BrokerCluster", "c", replicas=3))
    (verdict,) = made.verdicts.values()
    assert (made.steps, verdict.stalled, verdict.reason) == ((), True, "UnsupportedOperation")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"replicas": 1}, "0/1 pods ready; waits for c-server-0 to be ready"),
        ({**READY, "updatedReplicas": 0}, "1/1 pods ready; waits for c-server-0 to run the newest version"),
    ],
)
def test_waits_are_sentences(status, words):
    made = resource("BrokerCluster", "c")
    verdict = plan(made, observed(made, **status)).verdicts[made.key]
    assert (verdict.ready, verdict.sentence) == (False, words)


def test_hibernation_waits_for_the_pods_to_end():
    made = resource("BrokerCluster", "c", replicas=0)
    ending = plan(made, observed(made, replicas=1)).verdicts[made.key]
    assert (ending.ready, ending.sentence) == (False, "waits for 1 pods to end")
    assert plan(made, observed(made)).verdicts[made.key].reason == "Hibernated"


def test_bad_configuration_is_said_with_its_line():
    made = resource("BrokerCluster", "c", configuration="\nheartbeats = 5")
    verdict = plan(made).verdicts[made.key]
    assert verdict.sentence == "spec.configuration:2: unknown key 'heartbeats'; did you mean 'heartbeat'?"
    assert verdict.stalled


def test_tls_secret_must_be_there_and_whole():
    made = resource("BrokerCluster", "c", tls={"secretName": "t"})
    assert plan(made).verdicts[made.key].sentence == "waits for Secret ns/t, named in spec.tls"
    half = Surroundings({}, {"t": {"tls.crt": "x"}})
    assert plan(made, half).verdicts[made.key].sentence == "Secret ns/t, named in spec.tls, lacks the key tls.key"


@pytest.mark.parametrize("tls", [None, {"secretName": "t"}, {"secretName": "t", "caSecretName": "ca"}])
def test_rendered_configuration_is_one_that_the_broker_reads(tls):
    made = resource("BrokerCluster", "c", **({"tls": tls} if tls else {}))
    text = "\n".join(configuration(made, LOGIN).values())
    config = Config.of(parse(text))
    assert config["default_user"] == "me"
    assert [a.port for a in config.tcp] == [5672]
    assert [a.port for a in config.ssl] == ([5671] if tls else [])
    assert config.loopback_users == frozenset()


def test_plain_listeners_can_be_turned_off():
    made = resource("BrokerCluster", "c", tls={"secretName": "t", "disableNonTLSListeners": True})
    config = Config.of(parse("\n".join(configuration(made, LOGIN).values())))
    assert (config.tcp, [a.port for a in config.ssl]) == ((), [5671])
    service = next(
        m for m in children(made, LOGIN, Given(image="i")) if m["metadata"]["name"] == "c" and m["kind"] == "Service"
    )
    assert {p["port"] for p in service["spec"]["ports"]} == {5671, 15671, 15692}


def test_pods_meet_the_restricted_standard():
    stateful_set = children(resource("BrokerCluster", "c"), LOGIN, Given(image="i"))[-1]
    pod = stateful_set["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
    assert all("hostPath" not in volume for volume in pod["volumes"])


@pytest.mark.parametrize(
    ("wanted", "live", "different"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [1, 2]}, {"a": [1]}, True),
        ({"cpu": "0.5"}, {"cpu": "500m"}, False),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, False),
        ({"labels": {}}, {}, False),
        ({"a": True}, {"a": 1}, False),
        ({"stringData": {"k": "v"}}, {"data": {"k": "dg=="}}, False),
        ({"stringData": {"k": "v"}}, {"data": {"k": "dw=="}}, True),
    ],
)
def test_difference_is_what_we_set_and_the_server_has_not(wanted, live, different):
    assert differs(wanted, live) is different


def test_status_stays_the_same_while_nothing_changes():
    from watership_operator.plan import conditions

    made = resource("BrokerCluster", "c")
    verdict = plan(made).verdicts[made.key]
    first = conditions.status(made, verdict, now="t1")
    written = replace(made, status=first)
    assert not conditions.changed(written, conditions.status(written, verdict, now="t2"))
