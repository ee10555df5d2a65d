"""AMQP 0-9-1 as values: methods come back as they went, no octets do harm, every (state, method) pair has an answer."""

import contextlib
import dataclasses
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watership.model.errors import NotImplementedHere, SyntaxFailure
from watership.wire.amqp091 import methods as m
from watership.wire.amqp091 import properties
from watership.wire.amqp091.frames import decode_method
from watership.wire.amqp091.states import ALWAYS, CONNECTION, ON_CHANNEL, State, next_state, on_channel
from watership.wire.amqp091.table import Reader, encode_table

SHORT = st.text(max_size=60).filter(lambda s: len(s.encode()) <= 255)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=20)
    | st.floats(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)).map(lambda d: d.replace(microsecond=0))
    | st.decimals(min_value=-(2**20), max_value=2**20, places=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT, inner, max_size=3),
    max_leaves=12,
)


def test_methods_are_generated_from_their_specification():
    command = [sys.executable, "-m", "watership.wire.amqp091.generate", "--check"]
    assert subprocess.run(command).returncode == 0


@given(st.dictionaries(SHORT, VALUES, max_size=5))
def test_tables_come_back_as_they_went(fields):
    assert Reader(encode_table(fields)).table() == fields


@pytest.mark.parametrize("kind", m.METHODS.values(), ids=lambda k: k.name)
@given(data=st.data())
def test_methods_come_back_as_they_went(kind, data):
    sizes = {"int": st.integers(0, 255), "str": SHORT, "bytes": st.binary(max_size=30), "bool": st.booleans()}
    table = st.dictionaries(SHORT, VALUES, max_size=2)
    fields = {f.name: data.draw(sizes.get(str(f.type), table)) for f in dataclasses.fields(kind)}
    method = kind(**fields)
    assert decode_method(method.encode()) == method


@given(st.binary(max_size=80))
def test_no_octets_raise_anything_but_amqp_errors(octets):
    for read in (decode_method, properties.decode, lambda o: Reader(o).table()):
        with contextlib.suppress(SyntaxFailure, NotImplementedHere):
            read(octets)


def test_deeply_nested_table_is_refused():
    octets = b""
    for _ in range(100):
        octets = len(octets).to_bytes(4, "big") + octets
        octets = b"\x01aF" + octets
    with pytest.raises(SyntaxFailure, match="nested more than"):
        Reader(len(octets).to_bytes(4, "big") + octets).table()


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, object()])
def test_values_without_a_type_are_refused(value):
    with pytest.raises(TypeError, match="has no type in field tables"):
        encode_table({"a": value})


def test_properties_come_back_as_they_went():
    sent = {"content_type": "a", "headers": {"x": Decimal("1.50")}, "priority": 9, "timestamp": 7, "app_id": "me"}
    assert properties.decode(properties.encode(sent)) == sent


@pytest.mark.parametrize("state", State, ids=lambda s: s.name)
@pytest.mark.parametrize("method", m.METHODS.values(), ids=lambda k: k.name)
def test_every_state_has_an_answer_for_every_method(state, method):
    """Channel 0: what is in no table is refused. Elsewhere: only channel methods, only on open channels."""
    after = next_state(state, method)
    if state in (State.HEADER, State.CLOSED):
        assert after is None
    elif method in ALWAYS:
        assert after is State.CLOSED
    else:
        assert after == CONNECTION[state].get(method)
    assert on_channel("closing", method) == ("do" if method in (m.ChannelClose, m.ChannelCloseOk) else "drop")
    if method is m.ChannelOpen:
        assert (on_channel("absent", method), on_channel("open", method)) == ("do", "channel error")
    elif method in ON_CHANNEL:
        assert (on_channel("absent", method), on_channel("open", method)) == ("channel error", "do")
    else:
        assert {on_channel("absent", method), on_channel("open", method)} == {"command invalid"}
