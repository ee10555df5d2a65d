"""Routing against small references that do it the slow way."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watership.routing import Router
from watership.routing.topic import Trie

WORDS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=4).map(".".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=4).map(".".join)


def matches(pattern: list[str], key: list[str]) -> bool:
    """AMQP 0-9-1 section 3.1.3.3, word by word."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(matches(pattern[1:], key[i:]) for i in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and matches(pattern[1:], key[1:])


@given(st.lists(PATTERNS, max_size=8), st.lists(PATTERNS, max_size=3), WORDS)
def test_trie_finds_what_the_definition_says(bound, unbound, key):
    trie = Trie()
    for number, pattern in enumerate(bound):
        trie.add(pattern, ("queue", f"{number}"))
    for pattern in unbound:
        trie.add(pattern, ("queue", "gone"))
        trie.remove(pattern, ("queue", "gone"))
    expected = {("queue", f"{n}") for n, p in enumerate(bound) if matches(p.split("."), key.split("."))}
    assert trie.match(key) == expected


def test_trie_forgets_branches_that_lead_nowhere():
    trie = Trie()
    trie.add("a.b.c", ("queue", "q"))
    trie.remove("a.b.c", ("queue", "q"))
    assert trie.root.children == {}


HEADERS = st.dictionaries(st.sampled_from(["a", "b", "x-c"]), st.sampled_from([1, True, "1", None]), max_size=3)


@given(HEADERS, HEADERS, HEADERS, st.sampled_from(["all", "any", "all-with-x", "any-with-x"]))
def test_headers_match_by_value_and_type(wanted, given_headers, unwanted, mode):
    router = Router(lambda n: 0)
    router.add("x", "headers", {})
    router.bind("x", ("queue", "q"), "", {**wanted, "x-match": mode})
    router.bind("x", ("queue", "gone"), "", {**unwanted, "x-match": mode})
    router.unbind("x", ("queue", "gone"), "", {**unwanted, "x-match": mode})
    counted = {k: v for k, v in wanted.items() if mode.endswith("with-x") or not k.startswith("x-")}
    hits = [
        k in given_headers and (v is None or (given_headers[k] == v and type(given_headers[k]) is type(v)))
        for k, v in counted.items()
    ]
    expected = all(hits) if mode.startswith("all") else any(hits)
    assert router.route("x", "", {"headers": given_headers}) == ({"q"} if expected else set())


def test_cycles_end_and_each_queue_is_reached_once():
    router = Router(lambda n: 0)
    for name in "ab":
        router.add(name, "fanout", {})
    router.bind("a", ("exchange", "b"), "", {})
    router.bind("b", ("exchange", "a"), "", {})
    router.bind("a", ("queue", "q"), "", {})
    router.bind("b", ("queue", "q"), "", {})
    assert router.route("a", "", {}) == {"q"}


def test_answer_depends_on_content_also_through_other_exchanges():
    router = Router(lambda n: 0)
    router.add("first", "direct", {}, alternate="second")
    router.add("second", "fanout", {})
    router.add("third", "headers", {})
    assert not router.depends_on_content("first")
    router.bind("second", ("exchange", "third"), "", {})
    assert router.depends_on_content("first")
    router.unbind("second", ("exchange", "third"), "", {})
    assert not router.depends_on_content("first")


def test_binding_costs_no_more_where_there_are_many():
    def seconds(bindings: int) -> float:
        router = Router(lambda n: 0)
        router.add("x", "x-random", {})
        start = time.perf_counter()
        for number in range(bindings):
            router.bind("x", ("queue", f"q{number}"), "", {})
        return time.perf_counter() - start

    # 20 times as many; sorting at each would be 1,500 times as slow
    assert min(seconds(20_000) for _ in range(2)) < 300 * min(seconds(1_000) for _ in range(3))


def test_same_destination_bound_twice_needs_two_unbinds():
    router = Router(lambda n: 0)
    router.add("x", "direct", {})
    for _ in range(2):
        router.bind("x", ("queue", "q"), "k", {})
    router.unbind("x", ("queue", "q"), "k", {})
    assert router.route("x", "k", {}) == {"q"}
    router.unbind("x", ("queue", "q"), "k", {})
    assert router.route("x", "k", {}) == set()


@pytest.mark.parametrize("kind", ["direct", "topic", "headers"])
def test_many_bindings_cost_no_more_per_message_than_few(kind):
    def seconds(bindings: int) -> float:
        router = Router(lambda n: 0)
        router.add("x", kind, {})
        for number in range(bindings):
            arguments = {"n": f"{number}"} if kind == "headers" else {}
            router.bind("x", ("queue", f"q{number}"), f"a.{number}.c", arguments)
        start = time.perf_counter()
        for number in range(2000):
            found = router.route("x", f"a.{number % 50}.c", {"headers": {"n": f"{number % 50}"}})
            assert found == {f"q{number % 50}"}
        return time.perf_counter() - start

    assert min(seconds(100_000) for _ in range(2)) < 6 * min(seconds(50) for _ in range(5))
