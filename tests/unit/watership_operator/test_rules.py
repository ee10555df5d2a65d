"""Vhosts, permissions, policies, and whose password comes from where."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.watership_operator.objects import TinyBroker, hashed, resource
from tests.unit.watership_operator.test_topology import carry_out, plan

from watership_operator.kinds import Resource

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def known(made: Resource, **status: object) -> Resource:
    return replace(made, status={**READY, **status})


def sentences(objects: list[Resource], broker: TinyBroker, **secrets: dict[str, str]) -> list[str]:
    return [step.sentence for step in plan(objects, broker, **secrets).steps]


def test_vhost_with_everything_in_it_comes_in_one_pass_and_goes_in_one():
    broker = TinyBroker()
    objects = [
        resource("Queue", "q", vhost="v"),
        resource("Policy", "p", vhost="v", pattern="^q", definition={"max-length": 5}, priority=3),
        resource("OperatorPolicy", "o", vhost="v", pattern=".*", definition={"max-length": 9}),
        resource("Permission", "a", vhost="v", userReference={"name": "u"}, permissions={"read": ".*"}),
        resource("TopicPermission", "t", vhost="v", user="u", permissions={"exchange": "x", "write": "a"}),
        resource("User", "u", limits={"channels": 3}),
        resource("Vhost", "v", tags=["b", "a"], defaultQueueType="quorum", limits={"connections": 7}),
    ]
    made = carry_out(objects, broker)
    assert all(v.ready for v in made.verdicts.values())
    assert broker.limits == {"v": {"max-connections": 7}}
    assert broker.users["u"]["limits"] == {"max-channels": 3}
    assert broker.permissions["u", "v"]["read"] == ".*"
    assert broker.policies["v", "p"]["apply-to"] == "all"
    assert plan(objects, broker).steps == ()
    carry_out([replace(r, deleting="now") for r in objects], broker)
    assert (set(broker.vhosts), broker.users, broker.policies, broker.permissions) == ({"/"}, {}, {}, {})


def test_what_somebody_changed_is_changed_back_and_named():
    broker = TinyBroker()
    policy = resource("Policy", "p", pattern="^q", definition={"max-length": 5})
    vhost = resource("Vhost", "v", limits={"queues": 2})
    carry_out([policy, vhost], broker)
    broker.policies["/", "p"]["priority"] = 9
    broker.limits["v"] = {"max-queues": 3, "max-connections": 1}
    steps = plan([known(policy), known(vhost)], broker).steps
    assert [(s.verb, s.drift) for s in steps] == [
        ("put_vhost_limit", True),
        ("delete_vhost_limit", True),
        ("put_policy", True),
    ]
    assert steps[-1].sentence == "changes policy 'p' in vhost '/' back: somebody had changed it in the broker"


def test_a_new_spec_is_no_drift():
    broker = TinyBroker()
    carry_out([resource("Policy", "p", pattern="^q", definition={"max-length": 5})], broker)
    newer = replace(known(resource("Policy", "p", pattern="^r", definition={"max-length": 5})), generation=2)
    newer = replace(newer, status={**newer.status, "observedGeneration": 1})
    (step,) = plan([newer], broker).steps
    assert (step.drift, step.sentence) == (False, "changes policy 'p' in vhost '/'")


def test_permission_waits_for_its_vhost_then_for_its_user_object():
    broker = TinyBroker()
    by_name = resource("Permission", "a", user="u", vhost="v")
    by_object = resource("Permission", "b", userReference={"name": "w"})
    verdicts = plan([by_name, by_object], broker).verdicts
    assert verdicts[by_name.key].sentence == "waits for vhost 'v' to exist"
    assert verdicts[by_object.key].sentence == "waits for User ns/w of this broker"


def test_permission_for_what_a_user_gives_itself_says_so():
    broker = TinyBroker()
    user = resource("User", "u", permissions=[{"read": ".*"}])
    other = resource("Permission", "p", user="u", permissions={"read": "x"}, created="0")
    verdict = carry_out([user, other], broker).verdicts[other.key]
    words = "permissions of user 'u' in vhost '/' belongs to User ns/u, in its spec.permissions"
    assert (verdict.reason, verdict.sentence) == ("Conflict", words)
    assert plan([user, other], broker).steps == ()


def test_permission_that_a_user_gives_itself_no_longer_is_taken_back():
    broker = TinyBroker()
    made = carry_out([resource("User", "u", permissions=[{"read": ".*"}])], broker)
    memory = made.verdicts["User", "ns", "u"].extra
    assert sentences([known(resource("User", "u"), **memory)], broker) == [
        "takes back the permissions of user 'u' in vhost '/'"
    ]


def test_renamed_user_leaves_nothing_behind():
    broker = TinyBroker()
    user = resource("User", "u", importCredentialsSecret={"name": "s"})
    broker.secrets["ns", "s"] = {"username": "old", "password": "x"}
    memory = carry_out([user], broker).verdicts[user.key].extra
    assert memory["username"] == "old"
    broker.secrets["ns", "s"] = {"username": "new", "password": "x"}
    carry_out([known(user, **memory)], broker)
    assert set(broker.users) == {"new"}


def test_user_whose_secret_went_first_is_still_deleted():
    broker = TinyBroker()
    broker.users["old"] = {"name": "old", "tags": [], "password_hash": ""}
    user = known(resource("User", "u", importCredentialsSecret={"name": "s"}, deleting=""), username="old")
    carry_out([replace(user, deleting="now")], broker)
    assert broker.users == {}


def test_imported_hash_wins_and_an_empty_one_opens_for_no_password():
    broker = TinyBroker()
    user = resource("User", "u", importCredentialsSecret={"name": "s"})
    broker.secrets["ns", "s"] = {"username": "u", "password": "x", "passwordHash": hashed("y")}
    carry_out([user], broker)
    assert broker.users["u"]["password_hash"] == hashed("y")
    assert plan([user], broker).steps == ()
    broker.secrets["ns", "s"] = {"username": "u", "passwordHash": ""}
    carry_out([user], broker)
    assert broker.users["u"]["password_hash"] == ""
    assert plan([user], broker).steps == ()


def test_imported_name_alone_gets_a_password():
    broker = TinyBroker()
    user = resource("User", "u", importCredentialsSecret={"name": "s"})
    broker.secrets["ns", "s"] = {"username": "alice"}
    made = carry_out([user], broker)
    assert broker.secrets["ns", "u-user-credentials"] == {"username": "alice", "password": "made-up"}
    assert made.verdicts[user.key].extra["credentials"] == {"name": "u-user-credentials"}
    assert plan([user], broker).steps == ()


def test_another_value_of_the_rotation_annotation_makes_one_new_password():
    broker = TinyBroker()
    user = resource("User", "u")
    memory = carry_out([user], broker).verdicts[user.key].extra
    asked = replace(known(user, **memory), annotations={"watership.dev/rotate-password": "1"})
    broker.secrets["ns", "u-user-credentials"]["password"] = "old"
    made = carry_out([asked], broker)
    assert broker.secrets["ns", "u-user-credentials"]["password"] == "made-up"
    done = replace(asked, status={**asked.status, **made.verdicts[user.key].extra})
    assert plan([done], broker).steps == ()


def test_queue_is_deleted_on_its_conditions():
    broker = TinyBroker()
    carry_out([resource("Queue", "q")], broker)
    (step,) = plan([resource("Queue", "q", deleteIfEmpty=True, deleting="now")], broker).steps
    assert (step.verb, step.options) == ("delete_queue", {"if_empty": True})
    broker.queues["/", "q"]["messages"] = 3
    full = plan([resource("Queue", "q", deleteIfEmpty=True, deleting="now")], broker)
    (verdict,) = full.verdicts.values()
    assert full.steps == ()
    assert (
        verdict.sentence == "waits for queue 'q' in vhost '/' to have no messages: it has 3, and deleteIfEmpty is set"
    )
