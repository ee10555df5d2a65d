"""The topology plan against a tiny broker: it converges, and planning again gives nothing to do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.watership_operator.objects import TinyBroker, hashed, resource

from watership_operator.kinds import Resource
from watership_operator.plan import Plan, topology


def plan(objects: list[Resource], broker: TinyBroker, **secrets: dict[str, str]) -> Plan:
    known = {**broker.secrets, **{("ns", name): data for name, data in secrets.items()}}
    return topology.plan(objects, broker.snapshot(), secrets=known, token=lambda: "made-up")


def carry_out(objects: list[Resource], broker: TinyBroker) -> Plan:
    made = plan(objects, broker)
    for step in made.steps:
        broker.do(step)
    return made


EVERYTHING = [
    resource("Binding", "b", source="x", destination="q", routingKey="k"),
    resource("Queue", "q", arguments={"x-max-length": 5}),
    resource("Exchange", "x", type="topic"),
    resource("User", "u", tags=["monitoring"], permissions=[{"read": ".*"}]),
]


def test_everything_is_declared_in_an_order_that_works_and_then_nothing_is_left_to_do():
    broker = TinyBroker()
    made = carry_out(EVERYTHING, broker)
    assert [s.verb for s in made.steps] == [
        "apply",
        "put_user",
        "put_permission",
        "put_exchange",
        "put_queue",
        "post_binding",
    ]
    assert all(v.ready for v in made.verdicts.values())
    assert plan(EVERYTHING, broker).steps == ()


def test_what_somebody_changed_is_drift_and_what_was_declared_anew_is_not():
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    known = {"User": {"username": "u", "vhosts": ["/"]}}
    settled = [replace(r, status={**ready, **known.get(r.kind, {})}) for r in EVERYTHING]
    broker = TinyBroker()
    carry_out(EVERYTHING, broker)
    broker.put_permission("/", "u", {"configure": ".*", "write": "", "read": ""})
    broker.delete_queue("/", "q")
    made = plan(settled, broker)
    assert [(s.verb, s.drift, "somebody had" in s.sentence) for s in made.steps] == [
        ("put_permission", True, True),
        ("put_queue", True, True),
        ("post_binding", True, True),
    ]
    newer = [replace(r, generation=2) for r in settled]
    assert [s.drift for s in plan(newer, broker).steps] == [False] * 3


NAMES = st.sampled_from("abc")
RESOURCES = st.one_of(
    st.builds(lambda n, d: resource("Queue", n, durable=d), NAMES, st.booleans()),
    st.builds(lambda n, t: resource("Exchange", n, type=t), NAMES, st.sampled_from(["direct", "fanout"])),
    st.builds(lambda n, s, d: resource("Binding", n, source=s, destination=d), NAMES, NAMES, NAMES),
    st.builds(lambda n: resource("User", n), NAMES),
    st.builds(lambda n, v: resource("Queue", f"in-{v}-{n}", vhost=v), NAMES, NAMES),
    st.builds(
        lambda n, t, c: resource("Vhost", n, tags=t, limits={"queues": c}), NAMES, st.lists(NAMES), st.integers(0)
    ),
    st.builds(lambda n, u, v: resource("Permission", n, user=u, vhost=v), NAMES, NAMES, NAMES),
    st.builds(lambda n, u: resource("Permission", f"of-{n}", userReference={"name": u}), NAMES, NAMES),
    st.builds(lambda n, u: resource("TopicPermission", n, user=u, permissions={"exchange": "x"}), NAMES, NAMES),
    st.builds(lambda n, p: resource("Policy", n, pattern=p, definition={"max-length": 1}), NAMES, NAMES),
    st.builds(
        lambda n, v: resource("OperatorPolicy", n, pattern="q", vhost=v, definition={"expires": 1}), NAMES, NAMES
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(RESOURCES, max_size=8, unique_by=lambda r: r.key), st.data())
def test_any_set_of_objects_converges_and_any_deletion_leaves_nothing_behind(objects, data):
    broker = TinyBroker()
    carry_out(objects, broker)
    second = plan(objects, broker)
    assert second.steps == ()
    for r in objects:
        assert second.verdicts[r.key].sentence
    gone = data.draw(st.sets(st.sampled_from([r.key for r in objects]))) if objects else set()
    marked = [replace(r, deleting="now") if r.key in gone else r for r in objects]
    for key in gone:
        assert carry_out(marked, broker).verdicts[key].release
    rest = [r for r in objects if r.key not in gone]
    carry_out(rest, broker)
    assert plan(rest, broker).steps == ()
    stores = {"Queue": broker.queues, "Exchange": broker.exchanges, "Policy": broker.policies}
    declared = {(kind, name) for kind, store in stores.items() for _, name in store}
    declared |= {("Vhost", name) for name in broker.vhosts if name != "/"} | {("User", name) for name in broker.users}
    verdicts = plan(rest, broker).verdicts
    assert declared == {k[:3:2] for k, v in verdicts.items() if v.ready and k[0] in {*stores, "Vhost", "User"}}


def test_inequivalent_queue_gets_the_brokers_words():
    broker = TinyBroker()
    broker.put_queue("/", "q", {"durable": False, "auto_delete": False, "arguments": {}})
    verdict = plan([resource("Queue", "q")], broker).verdicts["Queue", "ns", "q"]
    words = "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'"
    assert (verdict.ready, verdict.reason, verdict.sentence) == (False, "FailedCreateOrUpdate", words)


def test_binding_waits_for_what_is_missing():
    verdict = plan([resource("Binding", "b", source="x", destination="q")], TinyBroker()).verdicts["Binding", "ns", "b"]
    assert (verdict.waiting, verdict.sentence) == (True, "waits for exchange 'x' in vhost '/' to exist")


def test_object_in_a_missing_vhost_waits():
    verdict = plan([resource("Queue", "q", vhost="v")], TinyBroker()).verdicts["Queue", "ns", "q"]
    assert verdict.sentence == "waits for vhost 'v' to exist"


def test_changed_password_is_applied_and_the_same_one_is_not():
    broker = TinyBroker()
    user = resource("User", "u", passwordSecret={"name": "s", "key": "p"})
    broker.users["u"] = {"name": "u", "tags": [], "password_hash": hashed("old")}
    assert plan([user], broker, s={"p": "old"}).steps == ()
    (step,) = plan([user], broker, s={"p": "new"}).steps
    assert (step.verb, step.arguments) == ("put_user", ("u", {"password": "new", "tags": []}))


def test_user_is_imported_by_the_hash_of_its_password():
    broker = TinyBroker()
    user = resource("User", "u", importCredentialsSecret={"name": "s"})
    data = {"username": "alice", "passwordHash": hashed("old")}
    (step,) = plan([user], broker, s=data).steps
    body = {"password_hash": hashed("old"), "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}
    assert (step.verb, step.arguments) == ("put_user", ("alice", body))
    broker.users["alice"] = {"name": "alice", **body}
    assert plan([user], broker, s=data).steps == ()
    (step,) = plan([user], broker, s={**data, "passwordHash": hashed("new")}).steps
    assert step.sentence == "changes the password of user 'alice'"


def test_user_whose_secret_lacks_the_key_waits_for_it():
    user = resource("User", "u", importCredentialsSecret={"name": "s"})
    made = plan([user], TinyBroker(), s={"password": "x"})
    assert made.steps == ()
    assert made.verdicts[user.key].sentence == "waits for the key 'username' in Secret ns/s"


def test_newer_twin_says_who_owns_the_queue_and_its_deletion_keeps_it():
    broker = TinyBroker()
    older, newer = resource("Queue", "one", name="q"), resource("Queue", "two", name="q", created="2")
    made = carry_out([newer, older], broker)
    assert made.verdicts[newer.key].sentence == "queue 'q' in vhost '/' belongs to Queue ns/one, which is older"
    assert made.verdicts[newer.key].stalled
    carry_out([older, replace(newer, deleting="now")], broker)
    assert ("/", "q") in broker.queues


def test_removed_queue_is_named_as_drift_only_when_it_had_been_ready():
    fresh = resource("Queue", "q")
    known = replace(fresh, status={"conditions": [{"type": "Ready", "status": "True"}]})
    (first,) = plan([fresh], TinyBroker()).steps
    (again,) = plan([known], TinyBroker()).steps
    assert (first.drift, again.drift) == (False, True)
    assert again.sentence == "declares queue 'q' in vhost '/' again: somebody had removed it from the broker"
