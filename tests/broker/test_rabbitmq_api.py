"""Every route beside what RabbitMQ answers on it: fields and their types, and who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.broker.site import RECORDED, Site

from watership.admin.api import VERBS, Verb
from watership.admin.auth import INCLUDED

GET, TAGS = RECORDED["get"], dict(RECORDED["tags"])
ORDER = TAGS.pop("order")
# What differs, and why: an expression over differences of any route.
DIFFERENT = {
    r"(garbage_collection|reductions(_details)?): absent": "of a process of Erlang's",
    r"\.(gc_bytes_reclaimed|metrics_gc_queue_length|ra_open_file_metrics|memory)(_details)?: absent": "Erlang's memory",
    r"\.(mnesia_\w+|queue_index_\w+|msg_store_\w+|io_(read|reopen|seek)_\w+): absent": "of a store that ours is not",
    r"\.io_\w+_avg_time(_details)?: absent": "the log measures no times yet",
    r"\.message_stats\.disk_(reads|writes)(_details)?: absent": "the same of the store of classic queues",
    r"cached_segments: absent": "of a process of Erlang's",
    r"\.(messages_active_priorities|messages_by_priority|publishers): absent": "of quorum queues since 4.3",
    r"open_files: absent": "a quorum queue has no file of its own: there is one log",
    r"socket_opts: \[\] is no object": "options of Erlang's sockets",
    r"(policy|single_active_consumer_tag|online): (absent|None is no str)": "not every object has it",
    r"\[\]\.exclusive: False is no null": "a slip of RabbitMQ's: quorum queues are never exclusive",
    r"\.value: .* is no str": "the recorded topology had other values",
    r"arguments\.\*: True is no str": "the recorded topology had other arguments on that page",
}
# Of one route alone.
OF_ROUTE = {
    "/api/vhosts?columns=name": "RabbitMQ leaves out statistics and nothing else; ours gives the column asked for",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.end()


# Shapes

TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float,), "str": (str,), "bool": (bool,)}


def differences(shape: Any, value: Any, at: str = "") -> list[str]:
    """What is not as the shape says, each with the path of the field."""
    if isinstance(shape, str):
        return [] if is_of(shape, value) else [f"{at}: {value!r} is no {shape}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        return [d for item in value for d in differences(shape[0], item, f"{at}[]")] if shape else []
    if "|" in shape:
        return min((differences(one, value, at) for one in shape["|"]), key=len)
    if not isinstance(value, dict):
        return [] if shape in ({}, {"*": "str"}) and value == [] else [f"{at}: {value!r} is no object"]
    if "@" in shape:
        kind = kind_of(value)
        return differences(shape["@"][kind], value, at) if kind in shape["@"] else []
    if "*" in shape:
        return [d for v in value.values() for d in differences(shape["*"], v, f"{at}.*")]
    found = []
    for name, inner in shape.items():
        field = name.removesuffix("?")
        if field in value:
            found += differences(inner, value[field], f"{at}.{field}")
        elif not name.endswith("?"):
            found.append(f"{at}.{field}: absent")
    return found


def is_of(shape: str, value: Any) -> bool:
    for kind in shape.split("|"):
        if (kind == "null" and value is None) or (kind == "text" and isinstance(value, str)):
            return True
        if isinstance(value, TYPES.get(kind, ())) and (kind == "bool") == isinstance(value, bool):
            return True
    return False


def kind_of(value: dict[str, Any]) -> str:
    if "channel_max" in value:
        return f"{value['protocol']} tls" if value["ssl"] else str(value["protocol"])
    return str(value.get("component") or value.get("protocol") or value.get("type"))


@pytest.mark.parametrize("route", GET)
def test_answer_has_rabbitmqs_shape(site: Site, route: str) -> None:
    recorded, answer = GET[route], site.admin("GET", site.path(route).removeprefix("/api"))
    if recorded["s"] == 500:
        assert answer.status in (200, 400, 404)
        return
    assert answer.status == recorded["s"], answer.text
    if "l" in recorded:
        assert answer.body == recorded["l"]
    elif "b" in recorded:
        found = differences(recorded["b"], answer.body)
        assert not {d for d in found if not any(re.search(known, d) for known in DIFFERENT)} or route in OF_ROUTE


# Who may

BODIES: dict[str, Any] = {  # of writes, by path; what is not here is {}
    "/api/exchanges/{vhost}/s.t/publish": {
        "properties": {},
        "routing_key": "k",
        "payload": "x",
        "payload_encoding": "string",
    },
    "/api/queues/{vhost}/s.t/get": {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"},
    "/api/bindings/{vhost}/e/s.t/q/s.t": {"routing_key": "k"},
    "/api/permissions/s-w/s-w": {"configure": "", "write": "", "read": ""},
    "/api/topic-permissions/s-w/s-w": {"exchange": "amq.topic", "write": "", "read": ""},
    "/api/policies/{vhost}/s.t": {"pattern": "^never", "definition": {"max-length": 9}},
    "/api/operator-policies/{vhost}/s.t": {"pattern": "^never", "definition": {"max-length": 9}},
    "/api/global-parameters/s.w": {"value": 1},
    "/api/parameters/vhost-limits/{vhost}/limits": {"value": {"max-queues": 999}},
    "/api/user-limits/s-w/max-channels": {"value": 9},
    "/api/vhost-limits/s-w/max-queues": {"value": 9},
    "/api/users/s-w": {"password": "p", "tags": ""},
    "/api/users/bulk-delete": {"users": []},
}
STANDS = ("/api/vhosts/s-w", "/api/users/s-w", "/api/queues/{vhost}/s.t", "/api/exchanges/{vhost}/s.t")


def ready(site: Site, method: str, path: str) -> None:
    """What a write is done to is there, or is not there yet."""
    for stands in STANDS:
        site.admin("PUT", site.path(stands).removeprefix("/api"), BODIES.get(stands, {}))
    target = site.path(path).removeprefix("/api")
    if (method == "PUT" and path != "/api/cluster-name") or "/deletion/protection" in path:
        site.admin("DELETE", target)
    elif method == "DELETE" and path == "/api/bindings/{vhost}/e/s.t/q/s.t/k":
        site.admin("POST", target.removesuffix("/k"), {"routing_key": "k"})
    elif method == "DELETE" and path in BODIES:
        site.admin("PUT", target, BODIES[path])


@pytest.mark.parametrize("line", TAGS)
def test_each_tag_is_let_in_or_refused_as_in_rabbitmq(site: Site, line: str) -> None:
    method, path = line.replace("federation-upstream/{vhost}/s.t", "vhost-limits/{vhost}/limits").split(" ")
    answered = []
    for user in ORDER:
        if method != "GET":
            ready(site, method, path)
        body = None if method == "GET" else BODIES.get(path, {})
        answered.append(site.ask(user, method, site.path(path), body).status)
    expected = [int(status) for status in TAGS[line].split()]
    refused = [e if e != 500 or a not in (400, 401, 404) else a for e, a in zip(expected, answered, strict=True)]
    assert dict(zip(ORDER, answered, strict=True)) == dict(zip(ORDER, refused, strict=True))


LISTS = [v for v in VERBS if v.name.startswith("list_") and not v.parameters and v.tag == "management"]
OF_NO_VHOST = {"list_feature_flags", "list_deprecated_features", "list_used_deprecated_features", "list_extensions"}


@pytest.mark.parametrize("verb", [v for v in LISTS if v.name not in OF_NO_VHOST], ids=lambda v: v.name)
def test_management_users_see_what_is_in_their_vhosts(site: Site, verb: Verb) -> None:
    field = "name" if verb.name == "list_vhosts" else "vhost"
    for user, vhosts in (("narrow", {"s-b"}), ("lonely", set()), ("monitoring", {"/", "s-a", "s-b"})):
        seen = {
            item[field] if field in item else item["queue"]["vhost"]
            for item in site.ask(user, "GET", f"/api{verb.path}").body
        }
        assert user == "monitoring" or seen <= vhosts, user
        if verb.name in ("list_queues", "list_exchanges", "list_bindings", "list_vhosts"):
            assert vhosts - {"/"} <= seen, user


@pytest.mark.parametrize("verb", VERBS, ids=lambda v: v.name)
def test_no_verb_forgets_to_ask_who_it_is(site: Site, verb: Verb) -> None:
    """Ours too, which RabbitMQ has not: whoever lacks the tag is refused before anything else is looked at."""
    path = re.sub(r"\{\w+\}", "nope", f"/api{verb.path}")
    for user in ORDER:
        if verb.tag == "none" or (user in INCLUDED[verb.tag]) or (user == "lonely" and verb.tag == "management"):
            continue
        answer = site.ask(user, verb.method, path, {} if verb.body else None)
        assert answer.status == 401, user
