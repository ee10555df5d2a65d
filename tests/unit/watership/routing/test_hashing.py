"""Exchanges that choose one of their bindings, and what has been seen before."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watership.routing import KINDS, Seen
from watership.routing.matching import Matching


def made(kind: str, bindings: dict[str, str], **arguments: object) -> Matching:
    """bindings: keys by queue."""
    exchange = KINDS[kind](arguments, lambda n: n - 1)
    for queue, key in bindings.items():
        exchange.bind(("queue", queue), key, {})
    return exchange


def one(exchange: Matching, key: str, **message: object) -> str:
    ((kind, name),) = exchange.match(key, message)
    assert kind == "queue"
    return name


def test_weights_are_shares():
    exchange = made("x-consistent-hash", {"a": "1", "b": "3"})
    shares = Counter(one(exchange, str(n)) for n in range(8000))
    assert 0.2 < shares["a"] / 8000 < 0.3


@given(st.sets(st.sampled_from("abcdef"), min_size=2), st.sampled_from("ghij"))
def test_a_binding_that_comes_or_goes_moves_only_its_own_share(queues, new):
    exchange = made("x-consistent-hash", dict.fromkeys(queues, "1"))
    before = {key: one(exchange, key) for key in map(str, range(100))}
    exchange.bind(("queue", new), "1", {})
    during = {key: one(exchange, key) for key in before}
    assert all(during[key] in (before[key], new) for key in before)
    exchange.unbind(("queue", new), "1", {})
    assert {key: one(exchange, key) for key in before} == before


def test_a_header_or_a_property_can_be_hashed_instead_of_the_key():
    by_header = made("x-consistent-hash", dict.fromkeys("abcd", "1"), **{"hash-header": "customer"})
    assert by_header.by_content
    assert len({one(by_header, str(n), headers={"customer": "hazel"}) for n in range(20)}) == 1
    assert len({one(by_header, "same", headers={"customer": n}) for n in range(50)}) == 4
    by_property = made("x-consistent-hash", dict.fromkeys("abcd", "1"), **{"hash-property": "message_id"})
    assert len({one(by_property, str(n), message_id="7") for n in range(20)}) == 1


@pytest.mark.parametrize("key", ["x", "", "0", "-1", "1.5"])
def test_a_weight_is_a_whole_number_above_zero(key):
    assert KINDS["x-consistent-hash"].binding_fault(key, {})


def test_modulus_spreads_by_the_key_alone():
    exchange = made("x-modulus-hash", dict.fromkeys("abc", ""))
    assert len({one(exchange, str(n)) for n in range(100)}) == 3
    assert len({one(exchange, "k") for _ in range(10)}) == 1
    assert not exchange.by_content


@pytest.mark.parametrize("kind", ["x-random", "x-local-random"])
def test_random_takes_what_is_drawn(kind):
    exchange = made(kind, dict.fromkeys("abc", ""))
    assert one(exchange, "k") == "c"
    exchange.unbind(("queue", "c"), "", {})
    assert one(exchange, "k") == "b"


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random"])
def test_nothing_bound_is_nowhere(kind):
    assert list(made(kind, {}).match("k", {})) == []


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("x-consistent-hash", {"hash-header": "a", "hash-property": "message_id"}),
        ("x-consistent-hash", {"hash-property": "priority"}),
        ("x-recent-history", {"x-recent-history-length": 0}),
        ("x-recent-history", {"x-recent-history-length": "5"}),
    ],
)
def test_bad_arguments_are_named(kind, arguments):
    assert KINDS[kind].fault(arguments)


def test_seen_ids_are_forgotten_by_time_and_by_number():
    seen = Seen.wanted({"x-message-deduplication": True, "x-cache-size": 2, "x-cache-ttl": 1000})
    assert seen is not None

    def publish(name: object, now: float) -> bool:
        return seen.is_new({"x-deduplication-header": name}, now)

    assert publish("a", 0)
    assert not publish("a", 0.5)
    assert publish("a", 1.1)
    assert publish("b", 1.2)
    assert publish("c", 1.3)
    assert publish("a", 1.4), "the oldest of three had to go"
    assert seen.is_new({}, 0)
    assert seen.is_new({}, 0), "what has no id is always new"
    assert Seen.wanted({"x-cache-size": 2}) is None
